"""Time-based one-time codes, RFC 6238."""

from mfalab.devices.durations import NS_PER_S
from mfalab.devices.otp.hotp import HashAlgorithm, hotp


def time_step(now_ns: int, period_s: int = 30, t0_s: int = 0) -> int:
    """The time step T = floor((now - T0) / X), RFC 6238 section 4.2.

    Rounded down, not towards zero: one second before T0 is step -1.

    Args:
        now_ns: nanoseconds since the Unix epoch.
        period_s: the step size X in seconds, positive.
        t0_s: the start of counting T0 in Unix seconds.
    """
    return (now_ns - t0_s * NS_PER_S) // (period_s * NS_PER_S)


def totp_at_step(
    secret: bytes,
    step: int,
    digits: int = 6,
    algorithm: HashAlgorithm = HashAlgorithm.SHA1,
) -> str:
    """The code of one time step; arguments as for `hotp`.

    A step below zero, on a clock set before T0, is hashed as 8 bytes in two's
    complement: that is what firmware with a signed 64-bit time computes.
    """
    return hotp(secret, step & 0xFFFF_FFFF_FFFF_FFFF, digits, algorithm)


def until_next_step_ns(now_ns: int, period_s: int = 30, t0_s: int = 0) -> int:
    """Nanoseconds until the code changes, `0 < n <= period_s * 10**9`."""
    period_ns = period_s * NS_PER_S
    return period_ns - (now_ns - t0_s * NS_PER_S) % period_ns
