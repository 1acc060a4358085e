"""A verifier whose doors are listened at: each call with what was given and what came of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from mfalab.simulator.shelf.typed_codes import NotSaid
from mfalab.simulator.targets.embedded import EmbeddedVerifier
from mfalab.verifier import Account, Console, Iam, ServiceError
from mfalab.verifier.authorization import Signer
from mfalab.verifier.sts import Sts

DoorName = Literal["iam", "sts", "console", "recovery", "authorize"]


class Given(dict[str, Any]):
    """Arguments by name. One that a client left out, who is refused for it, is NotSaid."""

    def __missing__(self, name: str) -> Any:
        raise NotSaid(f"{name} was left out")


@dataclass(frozen=True, slots=True)
class Heard:
    """One call of one of the verifier's doors.

    Attributes:
        door: which.
        method: what was called, such as `enable_mfa_device` or `submit_code`.
        given: its arguments by name, as they came; with passwords and codes.
        signer: whose signature the request has; the console's pages give credentials instead.
        result: what was answered; None when it was refused.
        refusal: why it was refused.
        decision: what was decided last about a code or a signature in it.
    """

    door: DoorName
    method: str
    given: Given = field(repr=False)
    signer: Signer | None = field(repr=False)
    result: Any = field(repr=False, default=None)
    refusal: ServiceError | None = None
    decision: str | None = None

    @property
    def call(self) -> str:
        """The call in words, without what was given."""
        return f"{self.method} ({self.door})"


Hearers = Mapping[tuple[DoorName, str], Callable[[Heard], None]]
"""What is told a call, by its door and its method."""


class ListenedTo(EmbeddedVerifier):
    """A verifier that tells what goes through its doors, and whose account is there first.

    Attributes:
        ears: is told each call, after it.
        decided: what was decided last.
    """

    def __init__(self, **of: Any) -> None:
        self.ears: Callable[[Heard], None] = lambda heard: None
        self.decided: str | None = None
        super().__init__(**of)
        quiet = self.console
        console = _Door(self, quiet, "console", None)
        console.recovery = _Door(self, quiet.recovery, "recovery", None)
        self.console = cast("Console", console)

    def create_account(self, *of: Any, **words: Any) -> Account:
        """The account that is served; it is opened once."""
        with self.store.transaction() as tx:
            accounts = tx.find(Account)
        return accounts[0] if accounts else super().create_account(*of, **words)

    def iam(self, credentials: Signer, source_ip: str | None = None) -> Iam:
        """See `Verifier.iam`."""
        return cast("Iam", _Door(self, super().iam(credentials, source_ip), "iam", credentials))

    def sts(self, credentials: Signer, source_ip: str | None = None) -> Sts:
        """See `Verifier.sts`."""
        return cast("Sts", _Door(self, super().sts(credentials, source_ip), "sts", credentials))

    def authorize(self, credentials: Signer, *of: Any, **words: Any) -> None:
        """See `Verifier.authorize`."""
        given = dict(zip(("action", "resource"), of, strict=False)) | words
        authorize = super().authorize
        self.listen(
            "authorize",
            "authorize",
            given,
            credentials,
            lambda: authorize(credentials, *of, **words),
        )

    def listen(
        self,
        door: DoorName,
        method: str,
        given: Mapping[str, Any],
        signer: Signer | None,
        call: Callable[[], Any],
    ) -> Any:
        """Make a call, and tell of it."""
        said = Given(given)
        self.decided = None
        try:
            result = call()
        except ServiceError as refusal:
            self.ears(Heard(door, method, said, signer, None, refusal, self.decided))
            raise
        self.ears(Heard(door, method, said, signer, result, None, self.decided))
        return result


class _Door:
    """What stands for a door of the verifier; its methods are those of the door."""

    recovery: _Door

    def __init__(
        self, verifier: ListenedTo, door: Any, name: DoorName, signer: Signer | None
    ) -> None:
        self._verifier = verifier
        self._door = door
        self._name = name
        self._signer = signer

    def __getattr__(self, method: str) -> Any:
        do = getattr(self._door, method)

        def call(*of: Any, **words: Any) -> Any:
            names = _names(type(self._door), method) if of else ()
            given = dict(zip(names, of, strict=False)) | words
            return self._verifier.listen(
                self._name, method, given, self._signer, lambda: do(*of, **words)
            )

        return call


def _names(door: type, method: str) -> tuple[str, ...]:
    """The names of a method's positional arguments; a transaction's own is not given."""
    names = inspect.signature(getattr(door, method)).parameters
    return tuple(name for name in names if name not in ("self", "call"))
