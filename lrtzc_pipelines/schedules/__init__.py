"""Dagster schedules: one per cadence."""
