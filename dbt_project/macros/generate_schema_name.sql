{#
  Schemas are named exactly as configured (staging, intermediate, main, reference),
  without dbt's usual target prefix: a release is one file that nobody shares.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
