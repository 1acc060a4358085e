"""Codes of a range of counters, compiled; `KeySchedule` of otp.py without it."""

def schedule(algorithm: str, key: bytes) -> bytes:
    """What `values` needs of a key, which is padded to a block of 64 bytes: a secret, too.

    Raises:
        ValueError: the algorithm is neither SHA1 nor SHA256, or the key has another length.
    """

def values(schedule: bytes, low: int, high: int, modulus: int) -> list[int]:
    """The codes of the counters `low` to `high`, both included, below `modulus`.

    Raises:
        OverflowError: a counter is outside 64 bits.
        ValueError: there are no counters, or the schedule is none.
    """
