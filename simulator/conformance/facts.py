"""What a key announces, and the conditions that tests draw from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mfalab.devices.ctap.commands import Capability, Command
from mfalab.simulator.conformance.hid import InitAnswer
from mfalab.simulator.traces.vocabulary import RESPONSES


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


Condition = Callable[[Facts], str | None]
"""Why a test does not apply to a key, by what the key announces; None when it does."""


def unless(holds: Callable[[Facts], bool], why: str) -> Condition:
    """A condition that gives one reason when something does not hold."""
    return lambda facts: None if holds(facts) else why


SPEAKS_CTAP2: Final = unless(lambda facts: facts.ctap2, "the key does not speak CTAP2")
U2F: Final = unless(lambda facts: facts.u2f, "the key does not speak U2F")
SINCE_2_1: Final = unless(
    lambda facts: facts.since_2_1, "the key does not announce FIDO_2_1 or later"
)
NOT_ALWAYS_UV: Final = unless(lambda facts: not facts.options.get("alwaysUv"), "alwaysUv is on")


def CTAP2(facts: Facts) -> str | None:  # noqa: N802 - a condition reads like a constant
    """It speaks CTAP2 and its getInfo can be read."""
    trouble = f"what the key can do is unknown: {facts.trouble}" if facts.trouble else None
    return SPEAKS_CTAP2(facts) or trouble


def has_option(name: str) -> Condition:
    """Its options have that name, true or false."""
    return unless(lambda facts: name in facts.options, f"the key does not announce option {name}")


def lacks_option(*names: str) -> Condition:
    """Its options have none of these names."""

    def why_not(facts: Facts) -> str | None:
        there = next((name for name in names if name in facts.options), None)
        return there and f"the key announces option {there}"

    return why_not


def option_is(name: str, value: bool) -> Condition:
    """An option is there and has that value."""

    def why_not(facts: Facts) -> str | None:
        if facts.options.get(name) is value:
            return None
        return has_option(name)(facts) or f"option {name} is {str(not value).lower()}"

    return why_not


def is_enterprise(*, enabled: bool) -> Condition:
    """It offers enterprise attestation, which is enabled or not yet."""
    reason = f"enterprise attestation is {'off' if enabled else 'enabled'}"

    def why_not(facts: Facts) -> str | None:
        return has_option("ep")(facts) or (None if facts.options["ep"] is enabled else reason)

    return why_not


def has_extension(name: str) -> Condition:
    """It has that extension."""
    return unless(
        lambda facts: name in facts.extensions, f"the key does not announce extension {name}"
    )


def has_member(number: int) -> Condition:
    """Its getInfo has that member."""
    name = RESPONSES[Command.GET_INFO][number]
    return unless(
        lambda facts: number in facts.info, f"the key's getInfo has no {name} (0x{number:02X})"
    )


def supports_algorithm(number: int, name: str) -> Condition:
    """It makes credentials of that algorithm."""
    return unless(lambda facts: number in facts.algorithms, f"the key does not announce {name}")


MC_GA_BY_PIN: Final = unless(
    lambda facts: not facts.options.get("noMcGaPermissionsWithClientPin"),
    "a PIN gives no permission to register or sign in here",
)
HAS_TOKENS: Final = option_is("pinUvAuthToken", value=True)
STORES: Final = option_is("rk", value=True)
"""It stores discoverable credentials."""


def speaks_protocol(number: int) -> Condition:
    """It speaks that PIN/UV auth protocol."""
    return unless(
        lambda facts: number in facts.protocols,
        f"the key does not speak PIN/UV auth protocol {number}",
    )
