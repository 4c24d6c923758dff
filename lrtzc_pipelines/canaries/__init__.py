"""Canaries: invented persons, planted where real ones would be, found nowhere else."""
