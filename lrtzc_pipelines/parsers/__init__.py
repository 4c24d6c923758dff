"""Bytes to text frames: one module per format, no types and no rules here."""
