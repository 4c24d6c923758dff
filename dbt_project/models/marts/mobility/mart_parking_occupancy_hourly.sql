-- The source repeats the same instant of the same parking under different ids; the
-- smallest id stands for all of them, so that an hour is not weighted by its repeats.
with counted_once as (
    select
        measurement.parking_id,
        measurement.measured_at,
        min(measurement.measurement_id) as measurement_id
    from {{ ref('fct_parking_measurement') }} as measurement
    where measurement.measured_at_rule != 'noon_or_midnight_unresolved'
    group by measurement.parking_id, measurement.measured_at
)

select
    measurement.parking_id,
    arg_max(measurement.parking_name, measurement.measured_at) as parking_name,
    date_trunc('hour', measurement.measured_at) as hour_start_at,
    count(*) as measurement_count,
    arg_max(measurement.space_count, measurement.measured_at) as space_count,
    avg(measurement.free_space_count) as mean_free_space_count,
    avg(measurement.occupancy_rate) as mean_occupancy_rate,
    max(measurement.occupancy_rate) as max_occupancy_rate
from {{ ref('fct_parking_measurement') }} as measurement
inner join counted_once
    on measurement.measurement_id = counted_once.measurement_id
group by measurement.parking_id, date_trunc('hour', measurement.measured_at)
