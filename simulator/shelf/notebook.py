"""What a story has so far: its steps, what no step expresses, and what it calls each device.

What a step cannot express is kept as a sentence and said in the file and on the page. Passwords,
and codes of devices that are not on the shelf, are never kept: a step says `right`, `wrong`,
`current` or `-2 steps`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from mfalab.simulator.environment.devices import CodeDevice, HeldDevice
from mfalab.simulator.environment.people import Person
from mfalab.simulator.shelf.doors import Heard
from mfalab.simulator.shelf.typed_codes import NotSaid, StandIn, TypedCodes
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Expect
from mfalab.verifier.records import Role

MOST_STEPS: Final = 2_000
MOST_OMITTED: Final = 50
"""Different sentences about what a step cannot express; more are counted."""
_NAME: Final = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Of:
    """The device that has a serial number, whichever it turns out to be."""

    serial: str


@dataclass(slots=True)
class Entry:
    """A step, and when it was done.

    Attributes:
        at_ns: true time.
        words: the step, in the language's words; a device may still be an `Of`.
        vague: whether it takes some time when it is replayed that it did not take here.
    """

    at_ns: int
    words: dict[str, Any]
    vague: bool = False


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name of the scenario language that is not taken, like a wanted one."""
    name = re.sub(r"[^\w-]", "-", wanted)
    name = name if _NAME.fullmatch(name) else f"x-{name}"
    number = 1
    while (name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return name if number == 1 else f"{name}-{number}"


def _require_sayable(words: Mapping[str, Any], refused: str | None) -> None:
    """One step that the language does not take would make a file of which nothing runs."""
    verb = str(words["do"])
    try:
        VOCABULARY[verb].model_validate({key: _as_read(said) for key, said in words.items()})
    except ValidationError as error:
        word = next(map(str, error.errors()[0]["loc"]), verb)
        raise NotSaid(f'a step "{verb}" takes no such {word}') from None
    typed = words.get("code"), *words.get("codes", ())
    if "wrong" in typed and refused in (None, "ValidationError"):
        what = "is of no device that works" if refused is None else "has not the form of one"
        raise NotSaid(f"its code {what}")


def _as_read(said: Any) -> Any:
    """What a word is once it was read from a file, where every value is a text."""
    if isinstance(said, Of):
        return "device"
    if isinstance(said, Mapping):
        return {str(key): _as_read(each) for key, each in said.items()}
    if isinstance(said, list | tuple):
        return [_as_read(each) for each in said]
    return said if isinstance(said, str) else json.dumps(said)


class Notebook:
    """The story so far.

    Args:
        people: those of the shelf.
        devices: those of the shelf.
        now_ns: true time.

    Attributes:
        devices: those of the shelf, by name.
        now_ns: true time.
        begin_ns: true time at the beginning.
        entries: steps in the order of time.
        omitted: what no step expresses, each sentence with how often.
        stand_ins: devices that are not on the shelf, by the serial number or the credential's id.
        roles: roles that were assumed, by what the story calls them.
        codes: knows typed codes by the devices that show them.
        serials: the shelf's devices by every serial number they were given, now or before.
        signed: the shelf's keys by the ids of their credentials, made now or before.
    """

    def __init__(
        self,
        people: Mapping[str, Person],
        devices: Mapping[str, HeldDevice],
        now_ns: Callable[[], int],
    ) -> None:
        self._people = people
        self.devices = devices
        self.now_ns = now_ns
        self.serials: dict[str, str] = {}
        self.signed: dict[str, str] = {}
        self.begin()

    def begin(self) -> None:
        """Begin a story, here and now."""
        self.begin_ns = self.now_ns()
        self.entries: list[Entry] = []
        self.omitted: dict[str, int] = {}
        self.stand_ins: dict[str, StandIn] = {}
        self.roles: dict[str, Role] = {}
        self.codes = TypedCodes(self.now_ns)

    @property
    def full(self) -> bool:
        """Whether the story is as long as one may be."""
        return len(self.entries) >= MOST_STEPS

    # Writing down

    def omit(self, sentence: str) -> None:
        """Something happened that no step expresses."""
        if sentence not in self.omitted and len(self.omitted) >= MOST_OMITTED:
            sentence = "more than can be listed here"
        self.omitted[sentence] = self.omitted.get(sentence, 0) + 1

    def omit_call(self, heard: Heard) -> None:
        """A door was used in a way that no step expresses."""
        ended = "" if heard.refusal is None else f", refused with {heard.refusal.code}"
        self.omit(f"{heard.call}{ended}")

    def end(self, words: dict[str, Any], heard: Heard) -> Entry:
        """Write down a step that ended as a call did.

        Raises:
            NotSaid: no step ends like this.
        """
        return self.add(words, None if heard.refusal is None else heard.refusal.code, heard)

    def add(self, words: dict[str, Any], refused: str | None, heard: Heard | None) -> Entry:
        """Write down a step.

        Args:
            words: in the language's words; a device may still be an `Of`.
            refused: the code of the refusal that it ended with; None when it was accepted.
            heard: the call that it ended with; it knows what was decided about a code.

        Raises:
            NotSaid: no step says this, or ends like this.
        """
        _require_sayable(words, refused)
        if refused is not None:
            expect = {"refused": refused}
            decision = None if heard is None or heard.refusal is None else heard.decision
            if decision is not None and decision != "accepted":
                expect["decision"] = decision
            try:
                Expect.model_validate(expect)
            except ValidationError:
                raise NotSaid(f"no step ends with {refused}") from None
            words = {**words, "expect": expect}
        entry = Entry(self.now_ns(), words)
        self.entries.append(entry)
        return entry

    # Which device

    def free_name(self, wanted: str) -> str:
        """A name that nothing in the story has, like a wanted one."""
        stand_ins = (each.name for each in self.stand_ins.values())
        return free_name(wanted, {*self._people, *self.devices, *stand_ins})

    def name_of(self, serial: str) -> str:
        """What the story calls the device of a serial number.

        Raises:
            KeyError: there is none.
        """
        if serial in self.serials:
            return self.serials[serial]
        for name, device in self.devices.items():
            if device.answers_to(serial):
                return name
        return self.stand_ins[serial].name

    def device(self, serial: str) -> CodeDevice | StandIn | HeldDevice:
        """The device of a serial number.

        Raises:
            NotSaid: the story has none.
        """
        try:
            name = self.name_of(serial)
        except KeyError:
            raise NotSaid("its device was there before the story, or never was") from None
        return self.devices.get(name) or self._stand_in(name)

    def _stand_in(self, name: str) -> StandIn:
        return next(each for each in self.stand_ins.values() if each.name == name)

    def bearers(self, serial: str) -> list[Any]:
        """The devices that have a serial number: clones share one.

        Raises:
            NotSaid: the story has none.
        """
        first = self.device(serial)
        others = (each for each in self.devices.values() if each.answers_to(serial))
        return [first, *(each for each in others if each is not first)]

    def or_later(self, serial: str, name: str) -> str | Of:
        """A device of the shelf; where it is none yet, an app may still scan it."""
        return name if name in self.devices else Of(serial)

    def candidates(self, person: Person) -> list[Any]:
        """Devices whose codes a person may type: their own, and all others."""
        everything: list[Any] = [*self.devices.values(), *self.stand_ins.values()]
        return sorted(everything, key=lambda each: each.owner != person.name)

    def key(self, credential_id: str, owner: str | None = None, wanted: str = "key") -> str:
        """The security key that has a credential.

        Args:
            credential_id: as the browser tells it.
            owner: whose a stand-in is, while the key is registered; None where it must be known.
            wanted: what a stand-in may be called.

        Raises:
            NotSaid: no key has it.
        """
        if credential_id in self.signed:
            return self.signed[credential_id]
        if credential_id not in self.stand_ins:
            if owner is None:
                raise NotSaid("its key was registered before the story began")
            name = self.free_name(wanted)
            self.stand_ins[credential_id] = StandIn(name, "security_key", owner)
        return self.stand_ins[credential_id].name
