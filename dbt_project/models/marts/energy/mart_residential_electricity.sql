-- One row per EPCI and year, over the operators and departments of the file. Islands
-- that belong to no EPCI share the code ZZZZZZZZZ ("sans objet"): they are not one
-- EPCI and are left out. The thermosensitive columns are not published: the producer
-- labels kWh as MWh.
with summed as (
    select
        src.epci_siren,
        src.year,
        max(src.epci_name) as epci_name,
        {{ sum_if_complete('src.site_count') }} as site_count,
        {{ sum_if_complete('src.consumption_mwh') }} as consumption_mwh,
        count(distinct src.operator_name) as operator_count
    from {{ ref('stg_ore_residential_electricity') }} as src
    where regexp_full_match(src.epci_siren, '[0-9]{9}')
    group by src.epci_siren, src.year
)

select
    summed.epci_siren,
    summed.epci_name,
    summed.year,
    cast(summed.site_count as bigint) as site_count,
    summed.consumption_mwh,
    summed.consumption_mwh / nullif(summed.site_count, 0)
        as mean_consumption_mwh_per_site,
    summed.operator_count
from summed
