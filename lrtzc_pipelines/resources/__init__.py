"""Dagster resources: one per outside service or shared store."""
