{#
  Rows whose value is not found in `field` of `to`. Passes while `to` is empty: a
  partial refresh builds every model, those of sources never collected from no row.
#}
{% test relationships_when_present(model, column_name, to, field) %}
    select child.{{ column_name }}
    from {{ model }} as child
    anti join {{ to }} as parent on child.{{ column_name }} = parent.{{ field }}
    where
        child.{{ column_name }} is not null
        and exists (select 1 from {{ to }})
{% endtest %}
