"""How many nanoseconds the other units of time have."""

from typing import Final

NS_PER_US: Final = 10**3
NS_PER_MS: Final = 10**6
NS_PER_S: Final = 10**9
