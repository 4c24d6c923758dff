{# The sum of a column, NULL when one value is NULL: a partial total is not a total. #}
{% macro sum_if_complete(expression) -%}
    case when count(*) = count({{ expression }}) then sum({{ expression }}) end
{%- endmacro %}
