"""Invented satellite scenes over the territory, served as real catalogues do."""
