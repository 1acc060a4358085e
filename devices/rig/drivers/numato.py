r"""Driver for Numato's USB relay modules: text commands that can be typed by hand.

`relay on 0\r` switches the first relay on; relays from 10 on are called A, B and so on, beyond F,
too. The module echoes what it is sent and ends each answer with LF CR and a prompt:
`relay read 0` LF CR `on` LF CR `>`. `ver` and `id get` say what it is (Numato Lab, "8 Channel USB
Relay Module" and "16 Channel USB Relay Module", section "The Command Set"). The speed is of no
matter on USB CDC.

Options: `relays`, how many it has, 8; and `touch`, `power` as in `relays`.
"""

from __future__ import annotations

from mfalab.devices.rig.drivers.relays import RelayRig
from mfalab.devices.rig.rig import Identity

_PROMPT = b">"


class NumatoRig(RelayRig):
    """A Numato module; see `RelayRig`."""

    most_relays = 32
    default_relays = 8

    def _open(self) -> None:
        super()._open()
        # An empty line ends whatever was half typed; its answer is a prompt.
        self._line.write(b"\r")
        self._line.read_line("an empty line", _PROMPT)
        self._line.forget_input()

    def _identify(self) -> Identity:
        return Identity("Numato", "relay module", self._ask("id get"), self._ask("ver"))

    def _set(self, relay: int, on: bool) -> None:
        self._ask(f"relay {'on' if on else 'off'} {_index(relay)}")

    def _get(self, relay: int) -> bool:
        command = f"relay read {_index(relay)}"
        answer = self._ask(command)
        if answer not in {"on", "off"}:
            raise self._line.garbled(command, answer.encode())
        return answer == "on"

    def _ask(self, command: str) -> str:
        """What stands between the echo of a command and the next prompt."""
        self._line.write(command.encode() + b"\r")
        answer = self._line.read_line(command, _PROMPT)
        text = answer.decode("latin-1").strip("\r\n\0 ")
        if not text.startswith(command) or not text.isascii():
            raise self._line.garbled(command, answer)
        return text.removeprefix(command).strip()


make = NumatoRig


def _index(relay: int) -> str:
    return str(relay - 1) if relay <= 10 else chr(ord("A") + relay - 11)
