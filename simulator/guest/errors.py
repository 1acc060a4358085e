"""What can go wrong with a guest."""

from __future__ import annotations


class GuestError(Exception):
    """A guest could not be started, or did not end as it should."""


class GuestNotReady(GuestError):
    """Something that a guest needs is missing.

    Args:
        reason: what is missing, a sentence.
        remedy: what to do about it, a sentence.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}"


class GuestDied(GuestError):
    """A guest ended before its command did.

    Args:
        console: the last lines of its console.
        out: what the command had written to standard output.
        err: what the command had written to standard error.
    """

    def __init__(self, console: str, out: bytes = b"", err: bytes = b"") -> None:
        super().__init__(console, out, err)
        self.console = console
        self.out = out
        self.err = err

    def __str__(self) -> str:
        said = self.console.strip() or "nothing"
        return f"the guest ended before its command did. Its console said last: {said}"


class GuestTooSlow(GuestError):
    """A command in a guest did not end in time; the guest was ended.

    Args:
        limit_s: the time it had, in seconds, boot included.
        out: what the command had written to standard output.
        err: what the command had written to standard error.
    """

    def __init__(self, limit_s: float, out: bytes = b"", err: bytes = b"") -> None:
        super().__init__(limit_s, out, err)
        self.limit_s = limit_s
        self.out = out
        self.err = err

    def __str__(self) -> str:
        return (
            f"the command did not end within {self.limit_s:g} s, boot included, so the guest was"
            " ended. An emulated processor is 10 to 20 times slower than a real one; allow more."
        )
