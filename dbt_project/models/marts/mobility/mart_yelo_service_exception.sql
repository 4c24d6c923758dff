select
    exception.service_id,
    exception.service_date,
    exception.exception_type,
    case exception.exception_type
        when 1 then 'service ajouté'
        when 2 then 'service retiré'
    end as exception_label,
    exception.source_updated_at
from {{ ref('stg_yelo_calendar_dates') }} as exception
