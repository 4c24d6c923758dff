"""What the tests of deposits share."""

from partner import partner

__all__ = ["partner"]
