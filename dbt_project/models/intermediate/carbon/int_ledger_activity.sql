-- The activities the ledger turns into emissions, each with its method and factor. A
-- new activity is one more `union all` here; the ledger itself does not change.
select
    'epci' as area_level,
    electricity.epci_siren as area_code,
    electricity.epci_name as area_name,
    electricity.year,
    'residentiel' as sector,
    'electricity' as activity,
    electricity.consumption_mwh as activity_quantity,
    'MWh' as activity_unit,
    'ore_residential_electricity' as activity_source_id,
    case
        when electricity.consumption_mwh is null then 'missing'
        else 'computed'
    end as activity_state,
    -- The newest average consumption mix on hand. Its year stays beside the result:
    -- it is not always the year of the activity.
    'electricity_average_mix_location_based' as method,
    'electricity_fr_average_mix_2022_total' as factor_id
from {{ ref('mart_residential_electricity') }} as electricity
where electricity.epci_siren = '{{ var("epci_siren") }}'
