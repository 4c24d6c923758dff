select
    outline.commune_code,
    outline.commune_name,
    outline.geometry_geojson
from {{ ref('stg_geo_commune_contours') }} as outline
