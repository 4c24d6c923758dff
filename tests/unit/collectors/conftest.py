"""What the tests of the collectors share."""

from broker import platform, start_broker

__all__ = ["platform", "start_broker"]
