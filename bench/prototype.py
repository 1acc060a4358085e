"""What one would write in an afternoon instead: fobs, their clocks and a server, without the rest.

The same decisions on codes as a scenario's year of sign-ins: a fob's clock drifts, it shows the
code of its own step; the server asks one fob of the person after the other, looks two steps either
way around what it learnt of each, takes no step twice, and counts failures. There is no event log,
no API, no password, no store, no scheduler.
"""

import hmac
from dataclasses import dataclass, field


def code(seed: bytes, step: int) -> int:
    """RFC 4226 section 5.3, six digits."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return (int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF) % 10**6


@dataclass
class Fob:
    """A fob and what the server knows of it."""

    seed: bytes
    drift_ppm: float
    offset: int = 0
    failures: int = 0
    used: set[int] = field(default_factory=set)

    def shows(self, now_s: float, since_s: float) -> int:
        """The code on its display."""
        return code(self.seed, int(now_s + (now_s - since_s) * self.drift_ppm / 1e6) // 30)


def is_good(fob: Fob, typed: int, now_s: float) -> bool:
    """The server's decision on a code for one fob."""
    if fob.failures >= 1_000:
        return False
    server = int(now_s) // 30
    candidates = range(server + fob.offset - 2, server + fob.offset + 3)
    values = [code(fob.seed, step) for step in candidates]
    for step, value in zip(candidates, values, strict=True):
        if value == typed and step not in fob.used:
            fob.used.add(step)
            fob.offset = step - server
            fob.failures = 0
            return True
    fob.failures += 1
    return False


def year(start_s: float, fobs: int, sign_ins: int, drift_ppm: float) -> int:
    """How many sign-ins of a year are accepted, the fobs one after another."""
    accepted, between_s = 0, 365 * 86_400 / sign_ins
    everyone = [Fob(b"%020d" % number, drift_ppm) for number in range(fobs)]
    for number in range(sign_ins):
        fob, now_s = everyone[number * fobs // sign_ins], start_s + number * between_s
        typed = fob.shows(now_s, start_s)
        accepted += any(is_good(each, typed, now_s) for each in everyone)
    return accepted
