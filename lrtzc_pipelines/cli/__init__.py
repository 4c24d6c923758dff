"""The `lrtzc` command."""
