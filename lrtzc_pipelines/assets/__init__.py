"""Dagster assets: thin bodies that read, call, write and report."""
