-- The perimeter is known exactly. Nothing is expected while it was never collected.
with counted as (
    select
        count(*) as commune_count,
        exists(select 1 from {{ ref('stg_dgcl_epci_perimeter') }}) as is_collected
    from {{ ref('ref_commune') }}
)

select counted.commune_count
from counted
where
    counted.is_collected
    and counted.commune_count != {{ var('epci_commune_count') }}
