{{ config(materialized="table") }}
-- The source writes noon as 00 h: hour 12 never occurs in it, and hour 00 comes twice
-- as often as any other. Ids grow with time, so the nearest readings at another hour
-- tell which of the two a reading at 00 h is; where they tell both or neither, it
-- stays unresolved.
with reading as (
    select
        src.measurement_id,
        src.measured_at at time zone 'Europe/Paris' as local_at
    from {{ ref('stg_larochelle_parking_history') }} as src
),

at_zero as (
    select
        reading.measurement_id,
        reading.local_at
    from reading
    where extract('hour' from reading.local_at) = 0
),

otherwise as (
    select
        reading.measurement_id,
        reading.local_at
    from reading
    where extract('hour' from reading.local_at) != 0
),

hours_apart as (
    select
        at_zero.measurement_id,
        at_zero.local_at,
        date_diff('hour', date_trunc('day', at_zero.local_at), earlier.local_at)
            as hours_before,
        date_diff('hour', date_trunc('day', at_zero.local_at), later.local_at)
            as hours_after
    from at_zero
    asof left join otherwise as earlier
        on at_zero.measurement_id > earlier.measurement_id
    asof left join otherwise as later
        on at_zero.measurement_id < later.measurement_id
),

evidence as (
    select
        hours_apart.measurement_id,
        hours_apart.local_at,
        -- Counted from the midnight of the day: 11 h and 13 h of the same day.
        coalesce(hours_apart.hours_before = 11, false)
        or coalesce(hours_apart.hours_after = 13, false) as is_noon,
        -- 23 h of the day before, and 1 h of the same day.
        coalesce(hours_apart.hours_before = -1, false)
        or coalesce(hours_apart.hours_after = 1, false) as is_midnight
    from hours_apart
)

select
    evidence.measurement_id,
    case
        when evidence.is_noon and not evidence.is_midnight
            then 'noon_written_as_midnight'
        when evidence.is_midnight and not evidence.is_noon then 'as_received'
        else 'noon_or_midnight_unresolved'
    end as measured_at_rule,
    (evidence.local_at + interval 12 hours) at time zone 'Europe/Paris' as noon_at
from evidence
