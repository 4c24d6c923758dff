-- Splitting the postcode column neither loses nor repeats a building.
select building_id
from {{ ref('stg_larochelle_public_buildings') }}
except all
select building_id
from {{ ref('ref_public_building') }}
