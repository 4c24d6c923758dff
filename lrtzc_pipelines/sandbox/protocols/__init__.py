"""Protocols as the real services speak them, one module per kind of connector."""
