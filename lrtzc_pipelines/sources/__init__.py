"""What the platform ingests: one YAML specification per dataset, and their loader."""
