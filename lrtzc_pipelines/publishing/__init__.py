"""Releases of the warehouse and the public page built from them."""
