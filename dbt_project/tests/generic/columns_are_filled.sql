{# Rows where one of the columns is NULL: one query a table, not one a column. #}
{% test columns_are_filled(model, columns) %}
    select {{ columns | join(", ") }}
    from {{ model }}
    where {% for column in columns %}
        {{ column }} is null {{ "or" if not loop.last }}
    {% endfor %}
{% endtest %}
