select
    src.measurement_id,
    src.parking_id,
    src.parking_name,
    src.measured_at,
    src.space_count,
    src.free_space_count,
    src.space_count - src.free_space_count as occupied_space_count,
    (src.space_count - src.free_space_count) / nullif(src.space_count, 0)
        as occupancy_rate
from {{ ref('stg_larochelle_parking_history') }} as src
