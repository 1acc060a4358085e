"""The lab file: what lies on a bench, and what a scenario's devices are bound to.

    lab: Bench one
    rigs:
      rig: {driver: scpi, port: /dev/ttyACM0, serial: "0042"}
    keys:
      left: {at: "hid:1-1.4", touch: "rig:1", power: "rig:1", pin: "2468"}
    bind:
      security_key: [left]

`bind` names kinds of device, or devices as scenarios call them, and says what stands for them.
Everything that nothing stands for is simulated, as the scenario says. A file is looked at whole
before anything on the bench is touched; every mistake is told with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from mfalab.devices.ctap.model import ModelInvalid, load_model
from mfalab.devices.rig import RigSpec, make_rig
from mfalab.devices.rig.errors import OptionWrong
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.seed_files import NoSeed, SeedFiles, TotpEntry, resolve_seed_files
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import Name, Pin, Strict, nearest
from mfalab.simulator.scenario_files.mistakes import located
from mfalab.simulator.scenario_files.yaml_source import (
    Location,
    Source,
    data_of,
    mapping,
    node_at,
    read_source,
)
from mfalab.simulator.workbench.address import Address, BadAddress

MANUAL, NONE = "manual", "none"
"""A person is a rig that every bench has; `none` is no hand at all."""
BINDABLE = ("security_key", "hardware_totp")
"""The kinds of device that something on a bench can stand for."""

_HANDS = ("touch", "power")
"""What of a key's entry names a channel."""
_OPENS = ("seeds_password", "seeds_key")
"""What of a token's entry opens its seed file."""
_DRIVER: Final = "scpi"
_HUBS = ("ykush", "uhubctl")
"""Drivers whose port is a hub's number or location."""
_NO_PATH = re.compile(r"[a-z]+://|COM[0-9]+$")


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


Channel = Annotated[Place | None, BeforeValidator(_place)]
"""A rig's channel, `manual`, or `none`."""


class RigEntry(Strict):
    """A rig on the bench."""

    driver: Literal[
        "scpi", "numato", "lcus", "devantech", "ykush", "uhubctl", "lines", "manual"
    ] = _DRIVER
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

    at: Annotated[Address, BeforeValidator(_address)]
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

    at: Annotated[Place, BeforeValidator(_place)]
    """Who reads its display: `manual`, or a rig's channel."""
    serial: Annotated[str, Field(min_length=9, max_length=256, pattern=r"^[\w+=/:,.@-]+$")]
    """The serial number on its back; `EnableMFADevice` takes none below 9 characters."""
    seeds: str
    """The maker's seed file, PSKC or CSV, that has this serial number; relative to this file."""


class LabFile(Strict):
    """A bench: rigs, keys, tokens, and what scenarios' devices are bound to."""

    lab: str
    """What to call the bench in reports."""
    rigs: dict[Name, RigEntry] = Field(default_factory=dict)
    keys: dict[Name, KeyEntry] = Field(default_factory=dict)
    tokens: dict[Name, TokenEntry] = Field(default_factory=dict)
    bind: dict[str, Annotated[list[str], BeforeValidator(_several)]]
    """By kind of device, or by the name that scenarios give a device: what stands for it."""
    longest_wait: Span = 11 * NS_PER_S
    """How much of a scenario's wait is really waited with a real key that is reset later. Between
    two ceremonies a key has one deadline only: ten seconds from power-up it can be reset."""

    def places(self) -> Iterator[tuple[Location, Place]]:
        """Every channel that the file names, and where."""
        for name, entry in self.keys.items():
            for word in _HANDS:
                place = getattr(entry, word)
                if place is not None:
                    yield ("keys", name, word), place
        for name, token in self.tokens.items():
            yield ("tokens", name, "at"), token.at


def read_lab_file(path: Path) -> LabFile:
    """The bench that a file describes.

    Raises:
        ProblemsFound: the file describes none; all that is wrong with it.
    """
    source = read_source(path, str(path))
    data = data_of(source.root)
    _resolve_paths(path, data)
    try:
        lab = LabFile.model_validate(data)
    except ValidationError as error:
        told = _Told(source, data, frozenset(tuple(each["loc"]) for each in error.errors()))
        problems = [*located(source, source.root, error.errors(), LabFile), *_problems(told)]
        raise ProblemsFound(problems) from None
    if problems := list(_problems(_Told(source, data))):
        raise ProblemsFound(problems)
    return lab


def _resolve_paths(path: Path, data: Any) -> None:
    """Make every path in a lab file start at the file, wherever the command is run."""
    resolve_seed_files(path, mapping(data, "tokens"))
    for rig in mapping(data, "rigs").values():
        port = rig.get("port") if isinstance(rig, dict) else None
        if isinstance(port, str) and rig.get("driver") not in _HUBS and not _NO_PATH.match(port):
            rig["port"] = str(path.parent / port)
    for key in mapping(data, "keys").values():
        if isinstance(key, dict):
            key["at"] = _beside(path, key.get("at"))
    bind = mapping(data, "bind")
    for what, names in bind.items():
        several = isinstance(names, list)
        bind[what] = [_beside(path, each) for each in names] if several else _beside(path, names)


def _beside(path: Path, address: Any) -> Any:
    """An address whose file, if it names one, starts at a lab file."""
    if not isinstance(address, str):
        return address
    kind, _, rest = address.partition(":")
    is_file = rest and (kind == "replay" or (kind == "sim" and rest.endswith(".toml")))
    return f"{kind}:{path.parent / rest}" if is_file else address


@dataclass(frozen=True, slots=True)
class _Told:
    """A lab file as far as it can be read: one wrong thing keeps no other from being looked at.

    Attributes:
        source: the file.
        data: its content, as texts.
        wrong: the locations of values that are none of those that belong there.
    """

    source: Source
    data: Any
    wrong: frozenset[Location] = frozenset()

    def text(self, *location: str | int) -> str | None:
        """The text at a location; None when there is none, or a wrong one."""
        value = self.data
        for part in location:
            inside = isinstance(value, dict) and part in value
            value = value[part] if inside else None
        return value if isinstance(value, str) and location not in self.wrong else None

    def places(self) -> Iterator[tuple[Location, Place]]:
        """See `LabFile.places`."""
        named = [("keys", name, word) for name in self.names("keys") for word in _HANDS]
        for location in [*named, *(("tokens", name, "at") for name in self.names("tokens"))]:
            text = self.text(*location)
            if text is not None and text != NONE:
                yield location, Place.parse(text)

    def names(self, section: str) -> list[str]:
        """What a section names, rightly described or not."""
        return list(mapping(self.data, section))

    def bound(self) -> Iterator[tuple[str, int, str]]:
        """What is bound to what: the device, the place in its list, the name or address."""
        for what, names in mapping(self.data, "bind").items():
            for index, name in enumerate(names if isinstance(names, list) else [names]):
                if isinstance(name, str):
                    yield what, index, name

    def problem(self, location: Location, message: str, *, key: bool = False) -> Problem:
        """What is wrong at a location."""
        return self.source.problem(node_at(self.source.root, location, key=key), message)


def _problems(told: _Told) -> Iterator[Problem]:
    """What is wrong between one entry and another, or with what an entry leads to."""
    yield from _unknown_rigs(told)
    yield from _wrong_options(told)
    yield from _missing_seeds(told)
    yield from _unknown_stand_ins(told)
    yield from _clashes(told)


def _unknown_rigs(told: _Told) -> Iterator[Problem]:
    rigs = [*told.names("rigs"), MANUAL]
    for location, place in told.places():
        if place.rig not in rigs:
            yield told.problem(
                location, f'no rig is called "{place.rig}"{nearest(place.rig, rigs)}'
            )


def _wrong_options(told: _Told) -> Iterator[Problem]:
    """Options that a driver does not have or cannot use; it is asked again without each."""
    for name, entry in mapping(told.data, "rigs").items():
        options = dict(mapping(entry, "options"))
        driver = told.text("rigs", name, "driver") or _DRIVER
        if ("rigs", name, "driver") in told.wrong:
            continue
        for option in list(options):
            if told.text("rigs", name, "options", option) is None:
                del options[option]
        while options:
            try:
                make_rig(RigSpec(name, driver, options=options), clock=WALL)
                break
            except OptionWrong as error:
                yield told.problem(
                    ("rigs", name, "options", error.option), f'"{error.option}": {error.why}'
                )
                if options.pop(error.option, None) is None:
                    break


def _missing_seeds(told: _Told) -> Iterator[Problem]:
    files = SeedFiles()
    for name in told.names("tokens"):
        at: Location = ("tokens", name)
        texts = {word: told.text(*at, word) for word in TotpEntry.model_fields}
        right: dict[str, Any] = {word: text for word, text in texts.items() if text is not None}
        # A file that may be opened by what is wrong is not opened without it.
        if "seeds" not in right or any((*at, word) in told.wrong for word in _OPENS):
            continue
        try:
            if "serial" in right:
                files.record(TotpEntry.model_validate(right))
            else:
                files.seeds(TotpEntry.model_construct(None, **right))
        except NoSeed as error:
            yield told.problem((*at, error.word), error.why)


def _unknown_stand_ins(told: _Told) -> Iterator[Problem]:
    """Names of nothing, and addresses of nothing."""
    for name in told.names("keys"):
        location: Location = ("keys", name, "at")
        text = told.text(*location)
        if text is not None:
            yield from _wrong_address(told, location, text)
    keys = told.names("keys")
    known = [*keys, *told.names("tokens")]
    for what, index, name in told.bound():
        location = ("bind", what, index)
        if ":" in name:
            yield from _wrong_address(told, location, name)
        elif name not in known:
            hint = nearest(name, known) or f"; there is {', '.join(known) or 'none'}"
            yield told.problem(location, f'no key and no token is called "{name}"{hint}')
        elif what in BINDABLE and (what == "security_key") != (name in keys):
            kind = "key" if name in keys else "token"
            yield told.problem(location, f"{name} is a {kind} and stands for no {what}")


def _wrong_address(told: _Told, location: Location, text: str) -> Iterator[Problem]:
    try:
        address = Address.parse(text)
        if address.kind == "sim":
            load_model(address.rest)
    except BadAddress as error:
        yield told.problem(location, str(error))
    except ModelInvalid as error:
        for problem in error.problems:
            yield told.problem(location, str(problem))


def _clashes(told: _Told) -> Iterator[Problem]:
    """Names and places that two things share, and a bench that stands for nothing."""
    keys = told.names("keys")
    for name in told.names("tokens"):
        if name in keys:
            yield told.problem(
                ("tokens", name), f'a key is called "{name}" too; rename one', key=True
            )
    for word in (MANUAL, NONE):
        if word in told.names("rigs"):
            message = f'"{word}" has a meaning of its own; rename the rig'
            yield told.problem(("rigs", word), message, key=True)
    seen: dict[tuple[str, Place], str] = {}
    for location, place in told.places():
        what = (str(location[-1]), place)
        if place.rig == MANUAL:
            continue
        if what in seen:
            yield told.problem(
                location, f"{place.rig}:{place.number} is already {location[-1]} of {seen[what]}"
            )
        seen[what] = str(location[1])
    if isinstance(told.data, dict) and told.data.get("bind") == {}:
        yield told.problem(("bind",), "nothing is bound; say what stands for `security_key`")
