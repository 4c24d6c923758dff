{# Rows whose value lies outside [at_least, at_most] or is not finite; NULL passes. #}
{% test accepted_range(model, column_name, at_least=none, at_most=none, above=none) %}
    select {{ column_name }}
    from {{ model }}
    where
        not isfinite({{ column_name }}::double)
        {% if at_least is not none %} or {{ column_name }} < {{ at_least }} {% endif %}
        {% if at_most is not none %} or {{ column_name }} > {{ at_most }} {% endif %}
        {% if above is not none %} or {{ column_name }} <= {{ above }} {% endif %}
{% endtest %}
