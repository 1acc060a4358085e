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
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from mfalab.devices.ctap.model import ModelInvalid, load_model
from mfalab.devices.otp.seed import OtpKind
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.seed_files import resolve_seed_files
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import Name, Strict, nearest
from mfalab.simulator.scenario_files.mistakes import find_seed, located
from mfalab.simulator.scenario_files.yaml_source import (
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
    ] = "scpi"
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
    """sim:MODEL, hid:SERIAL-or-PORT-or-NODE, nfc:READER, or replay:FILE."""
    touch: Channel = None
    """Who touches it: a rig's channel, `manual`, or `none`."""
    power: Channel = None
    """Who cuts its power: a rig's channel, `manual`, or `none`."""
    pin: str | None = None
    """Its PIN, if it has one and the lab may use it."""
    destructive: bool = False
    """Whether it may be reset, and credentials and PINs be made on it."""
    serial: str | None = None
    """The serial number that it must have."""
    port: str | None = None
    """The port that it must be in, as `mfalab devices` shows it."""
    aaguid: Annotated[str, BeforeValidator(_hex)] | None = None
    """The AAGUID that it must have."""

    @model_validator(mode="after")
    def _nothing_is_destroyed_by_mistake(self) -> Self:
        if not self.at.is_real:
            said = [word for word in ("touch", "power", "pin") if getattr(self, word) is not None]
            if said:
                raise ValueError(f"a key at {self.at} needs no {' and no '.join(said)}; remove it")
        elif self.destructive:
            if self.at.kind == "hid" and (self.port is None or not (self.serial or self.aaguid)):
                raise ValueError(
                    "destructive: true is for one very key: say its port, and its serial number "
                    "or its AAGUID (mfalab devices prints them)"
                )
            if self.at.kind == "nfc" and self.aaguid is None:
                raise ValueError(
                    "destructive: true is for one very key: say its AAGUID "
                    "(mfalab devices prints it)"
                )
        return self


class TokenEntry(Strict):
    """A hardware TOTP token on the bench; codes are read off its display."""

    at: Annotated[Place, BeforeValidator(_place)]
    """Who reads its display: `manual`, or a rig's channel."""
    serial: Annotated[str, Field(min_length=9, max_length=256, pattern=r"^[\w+=/:,.@-]+$")]
    """The serial number on its back; `EnableMFADevice` takes none below 9 characters."""
    seeds: str
    """The maker's seed file, PSKC or CSV, that has this serial number; relative to this file."""
    seeds_password: str | None = None
    """The password of an encrypted PSKC file."""


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

    def places(self) -> Iterator[tuple[tuple[str | int, ...], Place]]:
        """Every channel that the file names, and where."""
        for name, entry in self.keys.items():
            for word in ("touch", "power"):
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
        raise ProblemsFound(list(located(source, source.root, error.errors(), LabFile))) from None
    problems = [*_unresolved(source, source.root, lab), *_clashes(source, source.root, lab)]
    if problems:
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


def _unresolved(source: Source, root: yaml.Node, lab: LabFile) -> Iterator[Problem]:
    """Names that nothing has."""
    rigs = [*lab.rigs, MANUAL]
    for location, place in lab.places():
        if place.rig not in rigs:
            where = node_at(root, location)
            yield source.problem(where, f'no rig is called "{place.rig}"{nearest(place.rig, rigs)}')
    for name, entry in lab.keys.items():
        if entry.at.kind == "sim":
            where = node_at(root, ("keys", name, "at"))
            yield from _unknown_model(source, where, entry.at)
    for name, token in lab.tokens.items():
        at = ("tokens", name)
        found = find_seed(source, root, at, token.seeds, token.serial, token.seeds_password)
        if isinstance(found, Problem):
            yield found
        elif found.seed.kind is not OtpKind.TOTP:
            message = f"{token.serial} is event-based; a bench reads TOTP tokens"
            yield source.problem(node_at(root, (*at, "serial")), message)
    known = [*lab.keys, *lab.tokens]
    for what, names in lab.bind.items():
        for index, name in enumerate(names):
            where = node_at(root, ("bind", what, index))
            if name.partition(":")[1]:
                yield from _wrong_address(source, where, name)
            elif name not in known:
                hint = nearest(name, known) or f"; there is {', '.join(known) or 'none'}"
                yield source.problem(where, f'no key and no token is called "{name}"{hint}')
            elif what in BINDABLE and (what == "security_key") != (name in lab.keys):
                kind = "key" if name in lab.keys else "token"
                yield source.problem(where, f"{name} is a {kind} and stands for no {what}")


def _wrong_address(source: Source, where: yaml.Node, text: str) -> Iterator[Problem]:
    try:
        address = Address.parse(text)
    except BadAddress as error:
        yield source.problem(where, str(error))
        return
    if address.kind == "sim":
        yield from _unknown_model(source, where, address)


def _unknown_model(source: Source, where: yaml.Node, address: Address) -> Iterator[Problem]:
    try:
        load_model(address.rest)
    except ModelInvalid as error:
        for problem in error.problems:
            yield source.problem(where, str(problem))


def _clashes(source: Source, root: yaml.Node, lab: LabFile) -> Iterator[Problem]:
    """Names and places that two things share, and a bench that stands for nothing."""
    for name in lab.tokens:
        if name in lab.keys:
            where = node_at(root, ("tokens", name), key=True)
            yield source.problem(where, f'a key is called "{name}" too; rename one')
    if MANUAL in lab.rigs or NONE in lab.rigs:
        word = MANUAL if MANUAL in lab.rigs else NONE
        where = node_at(root, ("rigs", word), key=True)
        yield source.problem(where, f'"{word}" has a meaning of its own; rename the rig')
    seen: dict[tuple[str, Place], str] = {}
    for location, place in lab.places():
        what = (str(location[-1]), place)
        if place.rig == MANUAL:
            continue
        if what in seen:
            where = node_at(root, location)
            yield source.problem(
                where, f"{place.rig}:{place.number} is already {location[-1]} of {seen[what]}"
            )
        seen[what] = str(location[1])
    if not lab.bind:
        where = node_at(root, ("bind",))
        yield source.problem(where, "nothing is bound; say what stands for `security_key`")
