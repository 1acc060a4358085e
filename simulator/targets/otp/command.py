"""A verifier of one-time codes that is asked by commands: the exit status is its verdict."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from mfalab.simulator.targets.otp import template
from mfalab.simulator.targets.otp.verifier import Capabilities, Verdict
from mfalab.simulator.targets.reaching import require_program

_PATIENCE_S = 60
"""How long a command may take."""
_TOLD = 300
"""So much of what a command said stands in an error."""


@dataclass(slots=True)
class CommandVerifier:
    """Commands with words in braces; a code is on standard input as well. See `OtpVerifier`.

    Attributes:
        commands: the arguments of a command for each of `enrol`, `attempt`, `resync`, `revoke`.
        accepted: exit statuses that accept.
        refused: exit statuses that refuse; every other one is an error.
    """

    capabilities: Capabilities
    commands: Mapping[str, Sequence[str]]
    accepted: frozenset[int] = frozenset({0})
    refused: frozenset[int] = frozenset({1})
    _time: str = field(default="0", init=False)

    def require_there(self) -> None:
        """Look for the program of each command.

        Raises:
            TargetGone: one is not there.
        """
        for program, *_ in self.commands.values():
            if "{" not in program:
                require_program(program)

    def set_time(self, now_ns: int) -> None:
        """What `{time}` will be."""
        self._time = f"{now_ns / 1e9:.3f}".removesuffix(".000")

    def enrol(self, account: str, seed: bytes, algorithm: str, digits: int, period_s: int) -> None:
        """Make an account; the seed stands on standard input, as base32."""
        words = template.of_enrolment(account, seed, algorithm, digits, period_s)
        self._require("enrol", words, words["seed_base32"])

    def attempt(self, account: str, code: str) -> Verdict:
        """Judge a code."""
        return self._judge("attempt", {"account": account, "code": code}, code)

    def attempt_together(self, account: str, codes: Sequence[str]) -> list[Verdict]:
        """Judge codes by as many processes."""
        with ThreadPoolExecutor(self.capabilities.lanes) as pool:
            return list(pool.map(lambda code: self.attempt(account, code), codes))

    def resync(self, account: str, codes: Sequence[str]) -> Verdict:
        """Find a token's clock again."""
        joined = ",".join(codes)
        return self._judge("resync", {"account": account, "codes": joined}, "\n".join(codes))

    def revoke(self, account: str) -> None:
        """Forget an account; nothing is run where no command is given for it."""
        if "revoke" in self.commands:
            self._require("revoke", {"account": account}, "")

    def close(self) -> None:
        """Nothing is held."""

    def _judge(self, what: str, words: Mapping[str, str], typed: str) -> Verdict:
        done = self._run(what, words, typed)
        if done.returncode in self.accepted | self.refused:
            return Verdict(done.returncode in self.accepted)
        raise RuntimeError(_said(what, done))

    def _require(self, what: str, words: Mapping[str, str], typed: str) -> None:
        done = self._run(what, words, typed)
        if done.returncode != 0:
            raise RuntimeError(_said(what, done))

    def _run(
        self, what: str, words: Mapping[str, str], typed: str
    ) -> subprocess.CompletedProcess[str]:
        given = {"time": self._time, **words}
        arguments = [template.fill(each, given) for each in self.commands[what]]
        try:
            return subprocess.run(  # noqa: S603 - the user's own command, and no shell reads it
                arguments,
                input=typed + "\n",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE_S,
                check=False,
            )
        except OSError:
            require_program(arguments[0])
            raise


def _said(what: str, done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr or done.stdout).strip()[-_TOLD:]
    return f"the command for {what} ended with {done.returncode}" + (f": {said}" if said else "")
