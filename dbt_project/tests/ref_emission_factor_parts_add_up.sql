-- Where a record gives parts beside its total, they add up to it within rounding.
with record as (
    select
        factor.source,
        regexp_extract(factor.source_record, '[0-9]+') as record_number,
        sum(factor.factor_value) filter (where factor.factor_kind = 'total') as total,
        sum(factor.factor_value) filter (where factor.factor_kind != 'total') as parts
    from {{ ref('ref_emission_factor') }} as factor
    group by all
)

select
    record.source,
    record.record_number,
    record.total,
    record.parts
from record
where abs(record.parts - record.total) > 0.01 * record.total
