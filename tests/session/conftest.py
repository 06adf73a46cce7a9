"""Every test here runs at both levels."""

from tests.levels import level

__all__ = ["level"]
