"""Satellite scenes: finding them, fetching them, and what they say of a place."""
