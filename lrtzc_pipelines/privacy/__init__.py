"""The step between validated and anonymized data."""
