-- Activity × factor = result, with everything needed to check it on the same row. The
-- range is the factor's uncertainty alone: producers give none for activities.
with unit_identity as (
    -- tCO2e in one activity unit times one factor unit; a pair that is not listed has
    -- no result. 1 MWh × 1 kgCO2e/kWh = 1000 kWh × 1 kgCO2e/kWh = 1000 kgCO2e = 1 tCO2e
    select
        'MWh' as activity_unit,
        'kgCO2e/kWh' as factor_unit,
        1.0::double as tco2e
),

valued as (
    select
        activity.area_level || '-' || activity.area_code as area_id,
        activity.area_level,
        activity.area_code,
        activity.area_name,
        activity.year,
        activity.sector,
        activity.activity,
        activity.activity_quantity,
        activity.activity_unit,
        activity.activity_source_id,
        activity.activity_state,
        activity.factor_id,
        factor.factor_value,
        factor.factor_unit,
        factor.factor_year,
        factor.source as factor_source,
        factor.uncertainty_percent as factor_uncertainty_percent,
        activity.method,
        activity.activity_quantity * factor.factor_value * unit_identity.tco2e
            as result_tco2e
    from {{ ref('int_ledger_activity') }} as activity
    left join {{ ref('ref_emission_factor') }} as factor
        on activity.factor_id = factor.factor_id
    left join unit_identity
        on
            activity.activity_unit = unit_identity.activity_unit
            and factor.factor_unit = unit_identity.factor_unit
)

select
    concat_ws(
        '.',
        valued.area_id,
        valued.year,
        valued.sector,
        valued.activity,
        valued.method
    ) as ledger_row_id,
    valued.area_level,
    valued.area_code,
    valued.area_name,
    valued.year,
    valued.sector,
    valued.activity,
    valued.activity_quantity,
    valued.activity_unit,
    valued.activity_source_id,
    valued.activity_state,
    valued.factor_id,
    valued.factor_value,
    valued.factor_unit,
    valued.factor_year,
    valued.factor_source,
    valued.factor_uncertainty_percent,
    valued.method,
    valued.result_tco2e,
    valued.result_tco2e * (1 - valued.factor_uncertainty_percent / 100)
        as result_low_tco2e,
    valued.result_tco2e * (1 + valued.factor_uncertainty_percent / 100)
        as result_high_tco2e,
    case
        when valued.result_tco2e is not null then valued.activity_state
        when valued.activity_state in ('computed', 'imputed') then 'missing'
        else valued.activity_state
    end as result_state
from valued
