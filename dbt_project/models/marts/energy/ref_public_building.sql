select
    building.building_id,
    building.building_name,
    place.commune_code,
    place.commune_code_rule,
    place.postcode,
    building.street_number,
    building.street_name,
    building.commune_label,
    building.footprint_m2,
    building.floor_area_m2,
    building.building_type,
    building.public_access_category,
    building.purpose,
    building.department,
    building.updated_at
from {{ ref('stg_larochelle_public_buildings') }} as building
inner join {{ ref('int_public_building_location') }} as place
    on building.building_id = place.building_id
