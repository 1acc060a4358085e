"""Hears what is done on a shelf and at the verifier's doors, and has it told as steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mfalab.simulator.clocks import QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.shelf.callers import Callers
from mfalab.simulator.shelf.device_calls import DeviceCalls
from mfalab.simulator.shelf.doors import Heard, Hearers
from mfalab.simulator.shelf.notebook import MOST_STEPS, Notebook
from mfalab.simulator.shelf.recovery import Recovery
from mfalab.simulator.shelf.sessions import Sessions
from mfalab.simulator.shelf.sign_ins import SignIns
from mfalab.simulator.shelf.typed_codes import NotSaid

_DRIFTED_NS: Final = 50 * NS_PER_S
"""A clock that is put on the shelf later than this would have drifted by then."""
_CREATES: Final = {"create_virtual_mfa_device", "create_virtual_device"}
_LOOKING: Final = (
    "list_",
    "get_account",
    "get_user",
    "get_login",
    "generate_",
    "get_credential_report",
)
_PAGES: Final = {"devices", "second_page", "users"}


class Recorder:
    """Writes a story.

    Args:
        notebook: what it is written in.
        callers: knows who calls at the doors.
        find_all: reads records of the verifier: a type, and what its fields are.

    Attributes:
        hearers: what tells of each call; of any other, a sentence says that no step expresses it.
    """

    def __init__(
        self, notebook: Notebook, callers: Callers, find_all: Callable[..., list[Any]]
    ) -> None:
        self._notebook = notebook
        self._callers = callers
        self._device_calls = DeviceCalls(notebook, callers)
        self._sign_ins = SignIns(notebook, callers)
        self._recovery = Recovery(notebook, callers, self._sign_ins)
        self._sessions = Sessions(notebook, callers, find_all)
        self.hearers: Hearers = {
            **self._device_calls.hearers,
            **self._sign_ins.hearers,
            **self._recovery.hearers,
            **self._sessions.hearers,
        }

    def begin(self) -> None:
        """Begin a story, here and now."""
        for each in (self._notebook, self._callers, self._sign_ins, self._recovery, self._sessions):
            each.begin()

    # What is done on the shelf

    def did(self, words: Mapping[str, Any], refused: str | None) -> None:
        """A step was done on the shelf."""
        if words["do"] != "wait":
            self._notebook.add(_without_typed_pins(words, refused), refused, None)

    def put(self, device: HeldDevice) -> None:
        """A device was put on the shelf; in its story it is there from the beginning."""
        clock, now_ns = device.clock, self._notebook.now_ns()
        if not isinstance(clock, QuartzClock) or device.period_s is None:
            return
        if now_ns - self._notebook.begin_ns > _DRIFTED_NS:
            believed = format_instant(clock.now_ns())
            words = {"do": "set_clock", "device": device.name, "to": believed}
            self._notebook.add(words, None, None)

    def pressed(self, device: CodeDevice, code: str) -> None:
        """A token showed a code of its step, or of the counter before its next one."""
        self._notebook.codes.pressed(device, code)

    def scanned(self, device: HeldDevice) -> None:
        """An app took up an account; one that another app has, too, is copied to it."""
        serial = device.serial
        if serial is None:
            self._notebook.omit(f"{device.name} scanned an account of somewhere else")
            return
        first = self._notebook.serials.setdefault(serial, device.name)
        self._notebook.stand_ins.pop(serial, None)
        if first != device.name:
            self._notebook.add({"do": "clone", "device": first, "to": device.name}, None, None)

    def signed(self, credential_id: str, key: str) -> None:
        """A key of the shelf made, or used, a credential."""
        self._notebook.signed[credential_id] = key

    # What is done at the doors

    def hear(self, heard: Heard) -> None:
        """A door of the verifier was used."""
        if heard.method in _CREATES and heard.refusal is None:
            self._device_calls.remember_secret(heard)
        if self._notebook.full:
            self._notebook.omit(f"what came after {MOST_STEPS} steps")
            return
        if heard.method in _PAGES or heard.method.startswith(_LOOKING):
            if heard.refusal is not None and not self._for_a_page(heard):
                self._notebook.omit(f"{heard.call} was refused with {heard.refusal.code}")
            return  # what only looks changes nothing
        tell = self.hearers.get((heard.door, heard.method))
        if tell is None:
            self._notebook.omit_call(heard)
            return
        try:
            tell(heard)
        except NotSaid as why:
            self._notebook.omit(f"{heard.call}: {why}")

    def _for_a_page(self, heard: Heard) -> bool:
        """Whether a page of the console asked IAM by itself; it leaves out what it may not see."""
        try:
            return heard.door == "iam" and self._callers.caller(heard)[1] == "console"
        except NotSaid:
            return False


def _without_typed_pins(words: Mapping[str, Any], refused: str | None) -> dict[str, Any]:
    """A step without PINs that no simulated key has; its own are needed to replay the story."""
    said = dict(words)
    use = said.get("key")
    if isinstance(use, Mapping) and use.get("pin", "right") not in ("right", "wrong", "none"):
        was_wrong = refused is not None and refused.startswith("PIN_") and "POLICY" not in refused
        said["key"] = {**use, "pin": "wrong" if was_wrong else "right"}
    if said["do"] == "set_pin" and refused is not None:
        said["pin"] = "1" * len(str(said["pin"]))
    return said
