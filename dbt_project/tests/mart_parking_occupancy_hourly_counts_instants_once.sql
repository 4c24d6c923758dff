-- Every distinct instant of every car park is counted, and only once.
with counted as (
    select coalesce(sum(hourly.measurement_count), 0) as measurement_count
    from {{ ref('mart_parking_occupancy_hourly') }} as hourly
),

instants as (
    select
        measurement.parking_id,
        measurement.measured_at
    from {{ ref('fct_parking_measurement') }} as measurement
    where measurement.measured_at_rule != 'noon_or_midnight_unresolved'
    group by measurement.parking_id, measurement.measured_at
),

expected as (
    select count(*) as measurement_count
    from instants
)

select
    counted.measurement_count,
    expected.measurement_count as expected_count
from counted
cross join expected
where counted.measurement_count != expected.measurement_count
