"""What the tests of assets, jobs, sensors and schedules share."""

from town import town

__all__ = ["town"]
