select
    station.station_id,
    station.station_name,
    station.latitude,
    station.longitude,
    station.capacity,
    station.bikes_available,
    station.docks_available,
    station.is_installed,
    station.is_renting,
    station.is_returning,
    station.last_reported_at,
    station.feed_updated_at
from {{ ref('stg_yelo_bike_stations') }} as station
