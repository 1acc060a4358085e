"""Which code of which device was typed, in the words of a step: `current`, `-2 steps`, `wrong`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import normalize

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.devices import CodeDevice, HeldSms
from mfalab.simulator.language.codes import Typed, as_typed

_BACK_STEPS, _AHEAD_STEPS = 120, 20
"""How far from the present a typed code is looked for: an hour back, ten minutes ahead."""
_PRESSES: Final = 20
_WAYS: Final[tuple[Typed, ...]] = ("as shown", "with a space", "full-width")
"""How a code may be typed, so that what arrives tells which code it was."""


class NotSaid(Exception):
    """A call that no step expresses. Args: why."""


@dataclass(slots=True)
class StandIn:
    """A device that is not on the shelf: a real phone or key, or another program.

    Attributes:
        name: what the story calls it.
        kind: `totp_app`, `sms_phone` or `security_key`.
        owner: whose it is.
        secret: of a virtual device, to know its codes by; it is not written down.
    """

    name: str
    kind: str
    owner: str
    secret: bytes = field(repr=False, default=b"")


class TypedCodes:
    """Knows typed codes by the devices that show them.

    Args:
        now_ns: true time.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._replayed: dict[str, int] = {}
        self._pressed: dict[str, deque[tuple[str, int]]] = {}

    def pressed(self, device: CodeDevice, code: str) -> None:
        """A token showed a code of its step, or of the counter before its next one."""
        if device.step is not None:
            step = device.step - (device.period_s is None)
            self._pressed.setdefault(device.name, deque(maxlen=_PRESSES)).append((code, step))

    def single(
        self, typed: object, candidates: list[Any], readers: Collection[str]
    ) -> tuple[str, dict[str, str]]:
        """Whose code it is, and the words for which one, and how it was typed.

        Args:
            typed: what arrived.
            candidates: devices whose code it may be.
            readers: the people one of whom reads it from a device that they have.

        Raises:
            NotSaid: no candidate that they have shows codes, or nobody types like this.
        """
        code, way = _spelt(typed)
        words = {} if way == "as shown" else {"typed": str(way)}
        for device in self._nearest(candidates, code):
            choice = self._choice(device, code)
            if choice is not None:
                _require_held(device, readers)
                return device.name, words if choice == "current" else {"code": choice, **words}
        return self._wrong(candidates, readers), {"code": "wrong", **words}

    def _nearest(self, candidates: list[Any], code: str) -> list[Any]:
        """Devices in the order of how near to the present a code is on each."""

        def distance(device: Any) -> int:
            shows = isinstance(device, CodeDevice) and device.alive and not device.needs_account
            offset = self._offset(device, code) if shows else None
            return _BACK_STEPS + 1 if offset is None else abs(offset)

        return sorted(candidates, key=distance)

    def _wrong(self, candidates: list[Any], readers: Collection[str]) -> str:
        for each in candidates:
            alive = each.alive if isinstance(each, CodeDevice) else each.kind == "totp_app"
            if alive and _holder(each) in readers:
                return str(each.name)
        raise NotSaid("its code is of no device that they have")

    def pair(
        self, first: object, second: object, candidates: list[Any], readers: Collection[str]
    ) -> tuple[str, list[str]]:
        """Whose codes two are, and which ones; see `single`.

        Raises:
            NotSaid: as there.
        """
        spelt = [_spelt(each) for each in (first, second)]
        if any(way != "as shown" for _, way in spelt):
            raise NotSaid("no step types two codes like this")
        codes = [code for code, _ in spelt]
        for device in self._nearest(candidates, codes[1]):
            chosen = [self._choice(device, code) for code in codes]
            if any(chosen):
                _require_held(device, readers)
                return device.name, [choice or "wrong" for choice in chosen]
        return self._wrong(candidates, readers), ["wrong", "wrong"]

    def _choice(self, device: Any, code: str) -> str | None:
        """Which code of a device this is, as it will be when the step is replayed; None if none."""
        if isinstance(device, StandIn):
            return self._choice_of_secret(device, code)
        if not isinstance(device, CodeDevice) or not device.alive:
            return None
        if isinstance(device, HeldSms):
            received = list(device.thing.codes())
            if code not in received:
                return None
            back = len(received) - 1 - max(at for at, each in enumerate(received) if each == code)
            return "current" if back == 0 else f"-{back} steps"
        if device.needs_account:
            return None
        offset = self._offset(device, code)
        if offset is None:
            return None
        if device.period_s is not None:
            return _steps(offset)
        # An event-based token may have been pressed more often here than its story types codes.
        counter = (device.step or 0) + offset
        replayed = self._replayed.get(device.name, 0)
        if counter == replayed:
            self._replayed[device.name] = replayed + 1
            return "current"
        return f"{counter - replayed:+d} steps"

    def _offset(self, device: CodeDevice, code: str) -> int | None:
        step = device.step
        if step is None:
            return None
        for shown, at in self._pressed.get(device.name, ()):
            if shown == code:
                return at - step
        for offset in sorted(range(-_BACK_STEPS, _AHEAD_STEPS + 1), key=abs):
            if step + offset >= 0 and device.code_at(offset) == code:
                return offset
        return None

    def _choice_of_secret(self, device: StandIn, code: str) -> str | None:
        if not device.secret:
            return None
        seed = OtpSeed(device.secret)
        step = self._now_ns() // (seed.period_s * NS_PER_S)
        for offset in sorted(range(-_BACK_STEPS, _AHEAD_STEPS + 1), key=abs):
            if seed.code_at_step(step + offset) == code:
                return _steps(offset)
        return None


def _spelt(typed: object) -> tuple[str, Typed]:
    """The code that is meant, and how it is typed."""
    code = "".join(normalize("NFKC", str(typed)).split())
    for way in _WAYS:
        if as_typed(code, way) == typed:
            return code, way
    raise NotSaid("no step types a code like this")


def _holder(device: Any) -> str | None:
    """Who has a device; a stand-in stays with its owner."""
    return str(device.owner) if isinstance(device, StandIn) else device.holder


def _require_held(device: Any, readers: Collection[str]) -> None:
    """A step reads a code from a device: it cannot, where the device is lost or another's."""
    if _holder(device) not in readers:
        raise NotSaid(f"its code is of {device.name}, which {' and '.join(readers)} did not have")


def _steps(offset: int) -> str:
    return "current" if offset == 0 else f"{offset:+d} steps"
