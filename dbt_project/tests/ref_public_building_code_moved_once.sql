-- A received value is a code or a postcode, never both, and the rule says which.
select
    building.building_id,
    building.commune_code_rule
from {{ ref('ref_public_building') }} as building
where
    (building.commune_code is not null)
    != (building.commune_code_rule = 'insee_code_in_postcode_column')
    or (building.postcode is not null)
    != (building.commune_code_rule in ('postcode_kept', 'unresolved'))
