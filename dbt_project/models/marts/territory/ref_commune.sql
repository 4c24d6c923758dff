-- The communes of the agglomeration. The city's own list only adds its spelling, found
-- by INSEE code: names differ in accents and articles and are never a key.
select
    perimeter.commune_code,
    perimeter.commune_name,
    city_list.commune_name as city_name,
    perimeter.commune_siren,
    perimeter.epci_siren,
    perimeter.epci_name,
    perimeter.population_municipal,
    perimeter.population_total,
    perimeter.population_year
from {{ ref('stg_dgcl_epci_perimeter') }} as perimeter
left join {{ ref('stg_larochelle_agglomeration_communes') }} as city_list
    on perimeter.commune_code = city_list.commune_code
where perimeter.epci_siren = '{{ var("epci_siren") }}'
