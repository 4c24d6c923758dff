-- Tells the INSEE codes from the postcodes in the postcode column of the city's file.
--
-- A value that is the code of a commune of the agglomeration may still be a postcode:
-- 17200 is Lagord's code and Royan's postcode, 17300 La Rochelle's and Rochefort's. So
-- it is read as a code only where the commune label of the same row confirms that very
-- commune; the label never finds a code by itself. A contradicted or unconfirmed value
-- stays where it is, marked unresolved, and so does every value while the communes
-- have not been collected.
with building as (
    select
        src.building_id,
        nullif(trim(src.postcode), '') as received_code,
        {{ normalized_label('src.commune_label') }} as place_label
    from {{ ref('stg_larochelle_public_buildings') }} as src
),

compared as (
    select
        building.building_id,
        building.received_code,
        commune.commune_code,
        coalesce(
            building.place_label in (
                {{ normalized_label('commune.commune_name') }},
                {{ normalized_label('commune.city_name') }}
            ),
            false
        ) as is_confirmed,
        exists(select 1 from {{ ref('ref_commune') }}) as has_communes
    from building
    left join {{ ref('ref_commune') }} as commune
        on building.received_code = commune.commune_code
),

ruled as (
    select
        compared.building_id,
        compared.received_code,
        compared.commune_code,
        case
            when compared.received_code is null then 'blank'
            when compared.is_confirmed then 'insee_code_in_postcode_column'
            when
                compared.has_communes
                and compared.commune_code is null
                -- Departments 01 to 98: 00580, in the file, is no postcode.
                and regexp_full_match(
                    compared.received_code, '(0[1-9]|[1-8][0-9]|9[0-8])[0-9]{3}'
                )
                then 'postcode_kept'
            else 'unresolved'
        end as commune_code_rule
    from compared
)

select
    ruled.building_id,
    ruled.commune_code_rule,
    case
        when ruled.commune_code_rule = 'insee_code_in_postcode_column'
            then ruled.commune_code
    end as commune_code,
    case
        when ruled.commune_code_rule != 'insee_code_in_postcode_column'
            then ruled.received_code
    end as postcode
from ruled
