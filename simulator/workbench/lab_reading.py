"""Reads a lab file: all that is wrong with it is told at once, each mistake with its place.

A file is looked at whole before anything on the bench is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mfalab.devices.ctap.model import ModelInvalid, load_model
from mfalab.devices.rig import RigSpec, make_rig
from mfalab.devices.rig.errors import OptionWrong
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.seed_files import NoSeed, SeedFiles, TotpEntry, resolve_seed_files
from mfalab.simulator.language.setting import DEVICE_KINDS
from mfalab.simulator.language.words import nearest
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
from mfalab.simulator.workbench.labfile import (
    BINDABLE,
    DRIVER,
    HANDS,
    MANUAL,
    NONE,
    LabFile,
    Place,
)
from mfalab.simulator.workbench.target import beside

_OPENS = ("seeds_password", "seeds_key")
"""What of a token's entry opens its seed file."""
_HUBS = ("ykush", "uhubctl")
"""Drivers whose port is a hub's number or location."""
_NO_PATH = re.compile(r"[a-z]+://|COM[0-9]+$")
_ALMOST = 0.8
"""So alike is a misspelt kind to the kind; names that people give to devices are less so."""


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


def target_problem(path: Path, why: str) -> ProblemsFound:
    """What is wrong with the target that a lab file names, with its place."""
    source = read_source(path, str(path))
    return ProblemsFound([source.problem(node_at(source.root, ("target",)), why)])


def _resolve_paths(path: Path, data: Any) -> None:
    """Make every path in a lab file start at the file, wherever the command is run."""
    resolve_seed_files(path, mapping(data, "tokens"))
    for rig in mapping(data, "rigs").values():
        port = rig.get("port") if isinstance(rig, dict) else None
        if isinstance(port, str) and rig.get("driver") not in _HUBS and not _NO_PATH.match(port):
            rig["port"] = str(path.parent / port)
    if isinstance(data, dict) and "target" in data:
        data["target"] = beside(path.parent, data["target"])
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
        named = [("keys", name, word) for name in self.names("keys") for word in HANDS]
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
    yield from _wrong_kinds(told)
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
        driver = told.text("rigs", name, "driver") or DRIVER
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


def _wrong_kinds(told: _Told) -> Iterator[Problem]:
    """Kinds that nothing on a bench stands for, and misspelt ones, which would bind nothing."""
    for what in mapping(told.data, "bind"):
        if what in BINDABLE:
            continue
        if what in DEVICE_KINDS:
            message = f"nothing on a bench stands for a {what}; known: {', '.join(BINDABLE)}"
            yield told.problem(("bind", what), message, key=True)
            continue
        if any(kind in what for kind in DEVICE_KINDS):  # `security_key_2` is a device's name
            continue
        if near := get_close_matches(what.lower().replace("-", "_"), DEVICE_KINDS, 1, _ALMOST):
            message = (
                f'"{what}" is no kind of device; did you mean "{near[0]}"? '
                "(A device that is called so needs another name to be bound by it.)"
            )
            yield told.problem(("bind", what), message, key=True)


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
    if isinstance(told.data, dict) and told.data.get("bind") == {} and "target" not in told.data:
        yield told.problem(("bind",), "nothing is bound; say what stands for `security_key`")
