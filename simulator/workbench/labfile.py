"""The lab file: what lies on a bench, and what a scenario's devices are bound to.

    lab: Bench one
    rigs:
      rig: {driver: scpi, port: /dev/ttyACM0, serial: "0042"}
    keys:
      left: {at: "hid:1-1.4", touch: "rig:1", power: "rig:1", pin: "2468"}
    bind:
      security_key: [left]

`bind` names kinds of device, or devices as scenarios call them, and says what stands for them.
Everything that nothing stands for is simulated, as the scenario says. `target: webauthn:URL` says
what is under test, as `--target` does. `lab_reading` reads such a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.seed_files import TotpEntry
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import Name, Pin, Strict
from mfalab.simulator.scenario_files.yaml_source import (
    Location,
)
from mfalab.simulator.workbench.address import Address, BadAddress
from mfalab.simulator.workbench.target import known_kind

MANUAL, NONE = "manual", "none"
"""A person is a rig that every bench has; `none` is no hand at all."""
BINDABLE = ("security_key", "hardware_totp")
"""The kinds of device that something on a bench can stand for."""

HANDS = ("touch", "power")
"""What of a key's entry names a channel."""
DRIVER: Final = "scpi"


@dataclass(frozen=True, slots=True)
class Place:
    """A channel of a rig as a lab file writes it: `rig:2`, `rig` for its first, or `manual`."""

    rig: str
    number: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """The channel that a text names.

        Raises:
            ValueError: it names none.
        """
        rig, colon, number = text.partition(":")
        if not rig or (colon and not (number.isdigit() and int(number) > 0)):
            raise ValueError(f'"{text}" is no channel; write RIG:NUMBER, manual or none')
        return cls(rig, int(number or 1))


def _address(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return Address.parse(value)
        except BadAddress as error:
            raise ValueError(str(error)) from None
    return value


def _place(value: Any) -> Any:
    if isinstance(value, str):
        return None if value == NONE else Place.parse(value)
    return value


def _hex(value: Any) -> Any:
    if isinstance(value, str):
        plain = value.replace("-", "").lower()
        if len(plain) != 32 or any(each not in "0123456789abcdef" for each in plain):
            raise ValueError(f'"{value}" is no AAGUID; it has 32 hexadecimal digits')
        return plain
    return value


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_TEXT = WithJsonSchema({"type": "string"})
_At = Annotated[Address, BeforeValidator(_address), _TEXT]
Channel = Annotated[Place | None, BeforeValidator(_place), _TEXT]
"""A rig's channel, `manual`, or `none`."""


class RigEntry(Strict):
    """A rig on the bench."""

    driver: Literal[
        "scpi", "numato", "lcus", "devantech", "ykush", "uhubctl", "lines", "manual"
    ] = DRIVER
    """What kind of board it is."""
    port: str | None = None
    """Its serial port, relative to this file, or any URL that pyserial knows; a hub's location.
    Found by itself when there is one board."""
    serial: str | None = None
    """The serial number it must have."""
    options: dict[str, str] = Field(default_factory=dict)
    """What only this driver knows; see docs/rig.md."""


class KeyEntry(Strict):
    """A security key on the bench.

    A real key changes for good only when the file says `destructive: true` for this very key: by
    its port, and by its serial number or its AAGUID.
    """

    at: _At
    """sim:MODEL, hid:SERIAL-or-PORT-or-NODE, nfc:READER, udp:[HOST:]PORT, or replay:FILE."""
    touch: Channel = None
    """Who touches it: a rig's channel, `manual`, or `none`."""
    power: Channel = None
    """Who cuts its power: a rig's channel, `manual`, or `none`."""
    pin: Pin | None = None
    """Its PIN, if it has one and the lab may use it."""
    serial: str | None = None
    """The serial number that it must have."""
    port: str | None = None
    """The port that it must be in, as `mfalab devices` shows it."""
    aaguid: Annotated[str, BeforeValidator(_hex)] | None = None
    """The AAGUID that it must have."""
    destructive: bool = False
    """Whether it may be reset, and credentials and PINs be made on it."""

    @field_validator("touch", "power", "pin")
    @classmethod
    def _only_a_real_key_has(cls, value: Any, told: ValidationInfo) -> Any:
        at = told.data.get("at")
        if value is not None and at is not None and not at.is_real:
            raise ValueError(f"a key at {at} needs no {told.field_name}; remove it")
        return value

    @field_validator("serial", "port")
    @classmethod
    def _only_a_node_tells(cls, value: str | None, told: ValidationInfo) -> str | None:
        at = told.data.get("at")
        if value is not None and at is not None and at.kind != "hid":
            what = "serial number" if told.field_name == "serial" else "port"
            raise ValueError(f"a key at {at} has no {what} to be told by; remove it")
        return value

    @field_validator("destructive")
    @classmethod
    def _nothing_is_destroyed_by_mistake(cls, value: bool, told: ValidationInfo) -> bool:
        # What was found wrong is missing here, and was said: only what is None is not there.
        at, missing = told.data.get("at"), {name for name in told.data if told.data[name] is None}
        if value and at is not None and at.is_real:
            if at.kind == "hid" and ("port" in missing or {"serial", "aaguid"} <= missing):
                raise ValueError(
                    "destructive: true is for one very key: say its port, and its serial number "
                    "or its AAGUID (mfalab devices prints them)"
                )
            if at.kind != "hid" and "aaguid" in missing:
                raise ValueError(
                    "destructive: true is for one very key: say its AAGUID "
                    "(mfalab devices prints it)"
                )
        return value


class TokenEntry(TotpEntry):
    """A hardware TOTP token on the bench; codes are read off its display."""

    at: Annotated[Place, BeforeValidator(_place), _TEXT]
    """Who reads its display: `manual`, or a rig's channel."""
    serial: Annotated[str, Field(min_length=9, max_length=256, pattern=r"^[\w+=/:,.@-]+$")]
    """The serial number on its back; `EnableMFADevice` takes none below 9 characters."""
    seeds: str
    """The maker's seed file, PSKC or CSV, that has this serial number; relative to this file."""


_ONE_OR_MORE = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
)


class LabFile(Strict):
    """A bench: rigs, keys, tokens, and what scenarios' devices are bound to."""

    lab: str
    """What to call the bench in reports."""
    rigs: dict[Name, RigEntry] = Field(default_factory=dict)
    keys: dict[Name, KeyEntry] = Field(default_factory=dict)
    tokens: dict[Name, TokenEntry] = Field(default_factory=dict)
    bind: dict[str, Annotated[list[str], BeforeValidator(_several), _ONE_OR_MORE]] = Field(
        default_factory=dict
    )
    """By kind of device, or by the name that scenarios give a device: what stands for it. It may be
    left out where there is a target."""
    target: Annotated[str, AfterValidator(known_kind)] | None = None
    """The system under test, in the words of `--target`, which wins; its files are relative to this
    one. The embedded verifier when left out."""
    longest_wait: Span = 11 * NS_PER_S
    """How much of a scenario's wait is really waited with a real key that is reset later. Between
    two ceremonies a key has one deadline only: ten seconds from power-up it can be reset."""

    @model_validator(mode="after")
    def _is_for_something(self) -> Self:
        if self.target is None and "bind" not in self.model_fields_set:
            raise ValueError(
                "nothing stands for anything, and nothing is tested: add bind or target"
            )
        return self

    def places(self) -> Iterator[tuple[Location, Place]]:
        """Every channel that the file names, and where."""
        for name, entry in self.keys.items():
            for word in HANDS:
                place = getattr(entry, word)
                if place is not None:
                    yield ("keys", name, word), place
        for name, token in self.tokens.items():
            yield ("tokens", name, "at"), token.at
