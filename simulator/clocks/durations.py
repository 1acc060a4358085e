"""Lengths of time in nanoseconds, the unit of all time in this package."""

from typing import Final

NS_PER_MS: Final = 10**6
NS_PER_S: Final = 10**9
NS_PER_HOUR: Final = 3600 * NS_PER_S
NS_PER_DAY: Final = 24 * NS_PER_HOUR
NS_PER_WEEK: Final = 7 * NS_PER_DAY
NS_PER_YEAR: Final = 31_557_600 * NS_PER_S
"""A year of 365.25 days."""
