"""A loopback stand-in that speaks the sources' real protocols."""
