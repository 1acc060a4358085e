r"""Driver for Numato's USB relay modules: text commands that can be typed by hand.

`relay on 0\r` switches the first relay on; relays from 10 on are called A, B and so on, beyond F,
too. The module echoes what it is sent and ends each answer with LF CR and a prompt:
`relay read 0` LF CR `on` LF CR `>`. `ver` and `id get` say what it is (Numato Lab, "8 Channel USB
Relay Module" and "16 Channel USB Relay Module", section "The Command Set"). The speed is of no
matter on USB CDC.

Options: `relays`, how many it has, 8; and `touch`, `power` as in `relays`.
"""

from __future__ import annotations

from collections.abc import Callable

from mfalab.devices.rig.drivers.relays import RelayRig, wiring
from mfalab.devices.rig.opening import Person
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.ports import RigSpec, find_port, serial_ports
from mfalab.devices.rig.rig import Identity
from mfalab.devices.rig.serial_line import SerialLine
from mfalab.devices.rig.timing import Timing

__all__ = ["NumatoRig", "make"]

_PROMPT = b">"
_MOST_RELAYS = 32


class NumatoRig(RelayRig):
    """A Numato module.

    Args:
        name: what to call it.
        find: finds its port, when it is opened.
        touch: the relay of each touch channel.
        power: the relay of each power channel.
        timing: what waits.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], str],
        touch: tuple[int, ...],
        power: tuple[int, ...],
        timing: Timing,
        *,
        timeout_ms: int = 1000,
    ) -> None:
        super().__init__(name, touch, power, timing)
        self._find = find
        self._timeout_ms = timeout_ms
        self._line = SerialLine(name, "")

    def _open(self) -> None:
        self._line = SerialLine(self.name, self._find(), timeout_ms=self._timeout_ms)
        self._line.open()
        # An empty line ends whatever was half typed; its answer is a prompt.
        self._line.write(b"\r")
        self._line.read_line("an empty line", _PROMPT)
        self._line.forget_input()

    def _close(self) -> None:
        self._line.close()

    def _identify(self) -> Identity:
        return Identity("Numato", "relay module", self._ask("id get"), self._ask("ver"))

    def _set(self, relay: int, on: bool) -> None:
        self._ask(f"relay {_word(on)} {_index(relay)}")

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


def make(spec: RigSpec, timing: Timing, person: Person | None) -> NumatoRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    relays = options.number("relays", 8, 1, _MOST_RELAYS)
    touch, power = wiring(spec.name, options, relays)
    timeout_ms = options.number("timeout_ms", 1000, 1, 60_000)
    options.end()
    return NumatoRig(
        spec.name,
        lambda: find_port(spec, serial_ports()),
        touch,
        power,
        timing,
        timeout_ms=timeout_ms,
    )


def _index(relay: int) -> str:
    return str(relay - 1) if relay <= 10 else chr(ord("A") + relay - 11)


def _word(on: bool) -> str:
    return "on" if on else "off"
