{#
  A place name reduced to capitals without accents or punctuation. It only serves to
  confirm a code that is already known; it never finds one.
#}
{% macro normalized_label(expression) -%}
    trim(regexp_replace(upper(strip_accents({{ expression }})), '[^A-Z0-9]+', ' ', 'g'))
{%- endmacro %}
