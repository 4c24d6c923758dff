-- The result is quantity × factor, recomputed here through base units (kWh and kg). A
-- pair of units that is not listed has no scale, so any result it carries fails.
with scaled as (
    select
        ledger.*,
        case ledger.activity_unit when 'MWh' then 1000.0 when 'kWh' then 1.0 end
        * case ledger.factor_unit when 'kgCO2e/kWh' then 1.0 end
        / 1000.0 as tco2e_per_unit_product
    from {{ ref('fct_carbon_ledger') }} as ledger
),

recomputed as (
    select
        scaled.*,
        scaled.activity_quantity * scaled.factor_value * scaled.tco2e_per_unit_product
            as expected_tco2e,
        scaled.result_tco2e * scaled.factor_uncertainty_percent / 100 as margin_tco2e
    from scaled
)

select
    recomputed.ledger_row_id,
    recomputed.result_tco2e,
    recomputed.expected_tco2e
from recomputed
where
    recomputed.result_tco2e is not null
    and (
        recomputed.expected_tco2e is null
        or abs(recomputed.result_tco2e - recomputed.expected_tco2e)
        > 1e-9 * abs(recomputed.expected_tco2e)
        or abs(
            recomputed.result_high_tco2e
            - recomputed.result_tco2e
            - recomputed.margin_tco2e
        )
        > 1e-9 * abs(recomputed.result_tco2e)
        or abs(
            recomputed.result_tco2e
            - recomputed.result_low_tco2e
            - recomputed.margin_tco2e
        )
        > 1e-9 * abs(recomputed.result_tco2e)
    )
