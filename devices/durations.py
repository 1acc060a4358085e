"""How many nanoseconds the other units of time have."""

from typing import Final

__all__ = ["NS_PER_MS", "NS_PER_S", "NS_PER_US"]

NS_PER_US: Final = 10**3
NS_PER_MS: Final = 10**6
NS_PER_S: Final = 10**9
