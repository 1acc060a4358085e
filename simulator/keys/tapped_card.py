"""A card in a reader's field for python-fido2's clients; needs pyscard, so it is imported late."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any, Final

from fido2.ctap import STATUS
from fido2.pcsc import CtapPcscDevice

from mfalab.simulator.keys.hands import PromptWatch

_MSG: Final = 0x03
_CONDITIONS_NOT_SATISFIED: Final = b"\x69\x85"


class TappedCard(CtapPcscDevice):
    """A card that is told apart from its reader only by what it asks for."""

    def __init__(self, connection: Any, name: str, watch: PromptWatch) -> None:
        self._watch = watch
        super().__init__(connection, name)

    def connect(self) -> None:
        """Select the applet; the card keeps its power when this way to it is closed."""
        from smartcard.scard import SCARD_LEAVE_CARD

        self._conn.connect(disposition=SCARD_LEAVE_CARD)
        self._select()

    def call(
        self,
        cmd: int,
        data: bytes = b"",
        event: Event | None = None,
        on_keepalive: Callable[[STATUS], None] | None = None,
    ) -> bytes:
        """Send a request; what the card says of its user is watched."""

        def heard(status: STATUS) -> None:
            if status == STATUS.UPNEEDED:
                self._watch.blink()
            if on_keepalive is not None:
                on_keepalive(status)

        answer = super().call(cmd, data, event, heard)
        if cmd == _MSG and answer == _CONDITIONS_NOT_SATISFIED:
            self._watch.blink()
        else:
            self._watch.settle()
        return answer

    def close(self, release: bool = False) -> None:
        """End this way; the card no longer wants its user."""
        self._watch.settle()
        super().close()
