"""What a key announces, and the conditions that tests draw from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mfalab.devices.ctap.commands import Capability
from mfalab.simulator.conformance.hid import InitAnswer
from mfalab.simulator.conformance.suite import Condition

__all__ = [
    "CTAP2",
    "SINCE_2_1",
    "U2F",
    "Facts",
    "has_extension",
    "has_member",
    "has_option",
    "lacks_option",
    "option_is",
    "supports_algorithm",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a key announces of itself.

    Attributes:
        init: what CTAPHID_INIT answered; None for a card.
        info: the members of getInfo by their numbers; empty when there is none.
        trouble: why getInfo could not be read; empty when it could, or there is none.
        ctap2: whether it speaks CTAP2.
        u2f: whether it speaks U2F.
    """

    init: InitAnswer | None = None
    info: Mapping[int, Any] = field(default_factory=dict)
    trouble: str = ""
    ctap2: bool = False
    u2f: bool = False

    def texts(self, member: int) -> tuple[str, ...]:
        """A member that is a list of texts; what is no text is left out."""
        found = self.info.get(member)
        if not isinstance(found, list):
            return ()
        return tuple(each for each in found if isinstance(each, str))

    def number(self, member: int, default: int) -> int:
        """A member that is a number."""
        found = self.info.get(member)
        return found if isinstance(found, int) and not isinstance(found, bool) else default

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions it speaks."""
        return self.texts(0x01)

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extensions it has."""
        return self.texts(0x02)

    @property
    def transports(self) -> tuple[str, ...]:
        """How it can be reached."""
        return self.texts(0x09)

    @property
    def aaguid(self) -> bytes:
        """Its AAGUID."""
        found = self.info.get(0x03)
        return found if isinstance(found, bytes) else b""

    @property
    def options(self) -> Mapping[str, bool]:
        """Its options that are true or false."""
        found = self.info.get(0x04)
        if not isinstance(found, dict):
            return {}
        return {name: value for name, value in found.items() if isinstance(value, bool)}

    @property
    def max_msg_size(self) -> int:
        """The longest CTAP2 request. CTAP 2.1 section 6.4: 1024 if not told."""
        return self.number(0x05, 1024)

    @property
    def protocols(self) -> tuple[int, ...]:
        """PIN/UV auth protocols that it and this program speak, its favourite first."""
        found = self.info.get(0x06)
        if not isinstance(found, list):
            return ()
        return tuple(each for each in found if each in (1, 2) and not isinstance(each, bool))

    @property
    def algorithms(self) -> tuple[int, ...]:
        """COSE numbers of its algorithms; ES256 if it does not tell."""
        found = self.info.get(0x0A)
        if not isinstance(found, list):
            return (-7,)
        numbers = [each.get("alg") for each in found if isinstance(each, dict)]
        return tuple(each for each in numbers if isinstance(each, int))

    @property
    def since_2_1(self) -> bool:
        """Whether it speaks CTAP 2.1 or later."""
        return any(
            version.startswith("FIDO_2_")
            and not version.endswith("_PRE")
            and version[len("FIDO_2_") :].isdigit()
            and int(version[len("FIDO_2_") :]) >= 1
            for version in self.versions
        )

    @property
    def capable_of_msg(self) -> bool:
        """Whether CTAPHID_INIT, if there was one, says that CTAPHID_MSG is there."""
        return self.init is None or not self.init.capabilities & Capability.NMSG

    def capable(self, flag: Capability) -> bool:
        """Whether CTAPHID_INIT has that capability flag."""
        return self.init is not None and bool(self.init.capabilities & flag)


def CTAP2(facts: Facts) -> str | None:  # noqa: N802 - a condition reads like a constant
    """It speaks CTAP2 and its getInfo can be read."""
    if not facts.ctap2:
        return "the key does not speak CTAP2"
    return f"what the key can do is unknown: {facts.trouble}" if facts.trouble else None


def U2F(facts: Facts) -> str | None:  # noqa: N802 - a condition reads like a constant
    """It speaks U2F now."""
    if facts.u2f:
        return None
    return "the key does not speak U2F"


def SINCE_2_1(facts: Facts) -> str | None:  # noqa: N802 - a condition reads like a constant
    """It speaks CTAP 2.1 or later."""
    return None if facts.since_2_1 else "the key does not announce FIDO_2_1 or later"


def has_option(name: str) -> Condition:
    """Its options have that name, true or false."""

    def why_not(facts: Facts) -> str | None:
        return None if name in facts.options else f"the key does not announce option {name}"

    return why_not


def lacks_option(name: str) -> Condition:
    """Its options do not have that name."""

    def why_not(facts: Facts) -> str | None:
        return f"the key announces option {name}" if name in facts.options else None

    return why_not


def option_is(name: str, value: bool) -> Condition:
    """An option is there and has that value."""

    def why_not(facts: Facts) -> str | None:
        if name not in facts.options:
            return f"the key does not announce option {name}"
        if facts.options[name] is not value:
            return f"option {name} is {str(facts.options[name]).lower()}"
        return None

    return why_not


def has_extension(name: str) -> Condition:
    """It has that extension."""

    def why_not(facts: Facts) -> str | None:
        return None if name in facts.extensions else f"the key does not announce extension {name}"

    return why_not


def has_member(number: int, name: str) -> Condition:
    """Its getInfo has that member."""

    def why_not(facts: Facts) -> str | None:
        if number in facts.info:
            return None
        return f"the key's getInfo has no {name} (0x{number:02X})"

    return why_not


def supports_algorithm(number: int, name: str) -> Condition:
    """It makes credentials of that algorithm."""

    def why_not(facts: Facts) -> str | None:
        return None if number in facts.algorithms else f"the key does not announce {name}"

    return why_not
