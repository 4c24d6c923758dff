"""How a service is reached: one module per protocol, none of which knows Dagster."""
