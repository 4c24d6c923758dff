select
    src.measurement_id,
    src.parking_id,
    src.parking_name,
    case
        when noon.measured_at_rule = 'noon_written_as_midnight' then noon.noon_at
        else src.measured_at
    end as measured_at,
    coalesce(noon.measured_at_rule, 'as_received') as measured_at_rule,
    src.space_count,
    src.free_space_count,
    src.space_count - src.free_space_count as occupied_space_count,
    (src.space_count - src.free_space_count) / nullif(src.space_count, 0)
        as occupancy_rate
from {{ ref('stg_larochelle_parking_history') }} as src
left join {{ ref('int_parking_noon') }} as noon
    on src.measurement_id = noon.measurement_id
