"""Driver for boards that speak the protocol of docs/rig.md: this project's firmware among them.

While it is open, a board that hears nothing for the watchdog's time makes everything safe, so the
driver says something thrice in that time. A process that is killed stops saying it; one that was
only asleep finds that its rig is broken.

Options:
    timeout_ms: how long an answer may take; 1000.
    watchdog_s: how long the board may hear nothing; 15.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from mfalab.devices.rig.errors import (
    OptionWrong,
    PortUnclear,
    RigError,
    RigGone,
    RigRefused,
    RigSilent,
    RigVersionWrong,
    WatchdogFired,
)
from mfalab.devices.rig.opening import Person
from mfalab.devices.rig.options import Options
from mfalab.devices.rig.ports import RigSpec, find_port, serial_ports
from mfalab.devices.rig.rig import Function, Identity, Reading, Rig
from mfalab.devices.rig.scpi import (
    DROP,
    OPTION_WORDS,
    Code,
    NotAReply,
    Reply,
    decode,
    encode,
    queries,
    values,
)
from mfalab.devices.rig.serial_line import SerialLine
from mfalab.devices.rig.timing import Timing

KNOWN_MAJOR: Final = 1
"""The major version of the protocol that this driver speaks; minor ones only add to it."""

_FEEDS = 3
_CYCLE_MARGIN_MS = 200
_LOOK_EVERY_MS = 10


class ScpiRig(Rig):
    """A board behind a serial line.

    Args:
        name: what to call it.
        find: finds its port, when it is opened.
        timing: what waits on this side.
        serial: the serial number that it must have, or None.
        timeout_ms: how long an answer may take.
        watchdog_s: how long the board may hear nothing.
    """

    def __init__(
        self,
        name: str,
        find: Callable[[], str],
        timing: Timing,
        *,
        serial: str | None = None,
        timeout_ms: int = 1000,
        watchdog_s: int = 15,
    ) -> None:
        super().__init__(name)
        self._find = find
        self._timing = timing
        self._serial = serial
        self._timeout_ms = timeout_ms
        self._watchdog_s = watchdog_s
        self._line: SerialLine | None = None
        self._functions: Mapping[Function, int] = {}
        self._forget_feeding: Callable[[], None] = lambda: None

    @property
    def functions(self) -> Mapping[Function, int]:
        """What `*OPT?` says is fitted."""
        return self._functions

    def command(self, message: str) -> Reply:
        """Send any message and return what the board answers, refusals included.

        Args:
            message: one line of printable ASCII.

        Raises:
            ValueError: it is none.
            RigBroken: the board is gone, silent, or answers nonsense.
        """
        data, asked = encode(message), queries(message)
        with self._using():
            return self._exchange(message, data, asked)

    # What a driver does.

    def _open(self) -> None:
        self._line = SerialLine(self.name, self._find(), timeout_ms=self._timeout_ms)
        self._line.open()
        # The board may hold half a line of a program that was killed; this side may, too.
        self._line.write(DROP)
        self._line.forget_input()
        version = self._ask("*CLS;:SYST:VERS?")
        major, _, _ = version.partition(".")
        if major != str(KNOWN_MAJOR):
            raise RigVersionWrong(self.name, version, KNOWN_MAJOR)
        identity = self._identify()
        if self._serial is not None and identity.serial != self._serial:
            raise PortUnclear(
                self.name,
                f"should have serial {self._serial}, and the board on {self._line.port} has "
                f"{identity.serial}",
                tuple(map(str, serial_ports())),
            )
        self._functions = self._fitted(self._ask("*OPT?"))
        self._done(f"SYST:WATC {self._watchdog_s}")
        self._feed_later()

    def _close(self) -> None:
        """Let go: a board that is well need not watch, one that is not had better."""
        self._forget_feeding()
        line, self._line = self._line, None
        if line is None:
            return
        with suppress(RigError):
            if self.broken is None:
                line.write(encode("SYST:WATC 0"))
                line.read_line("SYST:WATC 0")
            else:
                line.write(DROP + encode("*RST"))
        line.close()

    def _identify(self) -> Identity:
        fields = self._ask("*IDN?").split(",")
        if len(fields) != len(Identity.__slots__):
            raise self._require_line().garbled("*IDN?", ",".join(fields).encode())
        return Identity(*(each.strip() for each in fields))

    def _safe(self) -> None:
        reply = self._exchange("*RST", encode("*RST"), 0)
        if reply.code not in {Code.NO_ERROR, Code.TIME_OUT}:  # its watchdog made it safe before
            raise RigRefused(self.name, "*RST", reply.code, reply.text)

    def _touch(self, channel: int, ms: int, after_ms: int) -> None:
        self._done(f"TOUC{channel}:PULS {ms},{after_ms}")

    def _hold(self, channel: int, ms: int) -> None:
        self._done(f"TOUC{channel}:HOLD {ms}")

    def _release(self, channel: int) -> None:
        self._done(f"TOUC{channel}:REL")

    def _power(self, channel: int, on: bool) -> None:
        self._done(f"POW{channel} {_on(on)}")

    def _is_powered(self, channel: int) -> bool:
        query = f"POW{channel}?"
        answer = self._ask(query)
        if answer not in {"0", "1"}:
            raise self._require_line().garbled(query, answer.encode())
        return answer == "1"

    def _cycle(self, channel: int, off_ms: int) -> None:
        self._done(f"POW{channel}:CYCL {off_ms}")
        left_ms = off_ms
        while left_ms > 0:
            part_ms = min(left_ms, self._feed_ms)
            self._timing.pause(part_ms)
            left_ms -= part_ms
            self._ask("SYST:WATC?")  # nothing else can feed it during this call
        for _ in range(_CYCLE_MARGIN_MS // _LOOK_EVERY_MS):
            if self._is_powered(channel):
                return
            self._timing.pause(_LOOK_EVERY_MS)
        raise RigSilent(self.name, f"POW{channel}:CYCL {off_ms}", off_ms + _CYCLE_MARGIN_MS)

    def _field(self, channel: int, on: bool) -> None:
        self._done(f"NFC{channel}:FIEL {_on(on)}")

    def _present(self, channel: int, on: bool) -> None:
        self._done(f"NFC{channel}:PRES {_on(on)}")

    def _show(self, channel: int) -> None:
        self._done(f"DISP{channel}:SHOW")

    def _read(self, channel: int) -> Reading:
        query = f"DISP{channel}:READ?"
        answer = self._ask(query)
        match values(answer):
            case (str(text), (int() | float()) as confidence, int(at_us)):
                return Reading(text, float(confidence), at_us)
        raise self._require_line().garbled(query, answer.encode())

    # Exchanges.

    def _ask(self, message: str) -> str:
        return self._done(message).answers[0]

    def _done(self, message: str) -> Reply:
        reply = self._exchange(message, encode(message), queries(message))
        if reply.code == Code.TIME_OUT:
            raise WatchdogFired(self.name, reply.text)
        if reply.code:
            raise RigRefused(self.name, message, reply.code, reply.text)
        return reply

    def _exchange(self, message: str, data: bytes, asked: int) -> Reply:
        line = self._require_line()
        line.write(data)
        answer = line.read_line(message)
        try:
            return decode(answer, asked)
        except NotAReply:
            raise line.garbled(message, answer) from None

    def _require_line(self) -> SerialLine:
        assert self._line is not None  # `Rig` refuses calls before it is open
        return self._line

    def _fitted(self, options: str) -> Mapping[Function, int]:
        words = {word: function for function, word in OPTION_WORDS.items()}
        found = dict.fromkeys(Function, 0)
        for option in options.split(","):
            match = re.fullmatch(r"\s*([A-Z]+)(\d{1,3})\s*", option)
            if match is None:
                raise self._require_line().garbled("*OPT?", options.encode())
            if match[1] in words:  # a later minor version may have more
                found[words[match[1]]] = int(match[2])
        return found

    # The watchdog.

    @property
    def _feed_ms(self) -> int:
        return self._watchdog_s * 1000 // _FEEDS

    def _feed_later(self) -> None:
        self._forget_feeding = self._timing.later(self._feed_ms, self._feed)

    def _feed(self) -> None:
        # Whatever is wrong is remembered, and told to the next caller.
        with suppress(RigError), self._using():
            if self._ask("SYST:WATC?") != str(self._watchdog_s):
                raise RigGone(self.name, "the board has restarted")
            self._feed_later()


def make(spec: RigSpec, timing: Timing, person: Person | None) -> ScpiRig:
    """See `mfalab.devices.rig.opening.make_rig`."""
    options = Options(spec.name, spec.options)
    timeout_ms = options.number("timeout_ms", 1000, 1, 60_000)
    watchdog_s = options.number("watchdog_s", 15, 1, 3600)
    options.end()
    if timeout_ms * _FEEDS > watchdog_s * 1000:
        raise OptionWrong(
            spec.name,
            "timeout_ms",
            f"{timeout_ms} is more than a third of the watchdog's {watchdog_s} s.",
        )
    return ScpiRig(
        spec.name,
        lambda: find_port(spec, serial_ports()),
        timing,
        serial=spec.serial,
        timeout_ms=timeout_ms,
        watchdog_s=watchdog_s,
    )


def _on(on: bool) -> str:
    return "ON" if on else "OFF"
