-- Once the city's list is collected, every commune should be in it by INSEE code. It
-- only warns: the list adds a spelling, nothing rests on it.
select commune.commune_code
from {{ ref('ref_commune') }} as commune
where
    commune.city_name is null
    and exists (select 1 from {{ ref('stg_larochelle_agglomeration_communes') }})
