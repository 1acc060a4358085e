"""Every word of the scenario language explained: its fields with unit, default and example.

Nothing is written here that stands elsewhere. Texts are the docstrings of the models and enums,
units those of `Quantity`, and examples the lines of the shipped suites.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from inspect import Parameter, cleandoc, getsource, signature
from itertools import pairwise
from textwrap import dedent
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

from mfalab.devices import errors
from mfalab.devices.ctap.model import load_model, model_names
from mfalab.devices.ctap.status import CtapStatus
from mfalab.devices.otp.quirks import APP_PRESETS, AppQuirks
from mfalab.simulator.clocks import climates
from mfalab.simulator.environment.outcome import PREVENTED
from mfalab.simulator.language import units
from mfalab.simulator.language.setting import AnyDevice, ProfileChanges, Setting, VerifierSpec
from mfalab.simulator.language.words import Reference, Strict, marks, nearest
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.shape import alternatives
from mfalab.simulator.scenario_files.suites import shipped
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Expect
from mfalab.simulator.steps.refusals import INJECTED, codes, met_by
from mfalab.verifier import PROFILES, Profile, ServiceError, refusals
from mfalab.verifier.decision import Outcome
from mfalab.verifier.known_verifiers import SOURCES
from mfalab.verifier.webauthn.outcomes import CeremonyOutcome

_DECISIONS = ("decision on a code", "decision on a security key's answer")
_MET_GROUPS = ("refusals", "decisions")
_NO_DOCSTRING = "(Python runs without docstrings: -OO)"


@dataclass(frozen=True, slots=True)
class Told:
    """One field, or one figure of a profile or a quirk."""

    name: str
    text: str
    required: bool = False
    unit: str = ""
    default: str = ""
    """What it is when left out; empty for nothing."""
    value: str = ""
    """What it is, in a profile or with a quirk."""
    example: str = ""
    fields: tuple[Told, ...] = ()
    """Of a field that holds others."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One word of the language."""

    word: str
    group: str
    text: str
    example: str = ""
    """A line of a shipped scenario."""
    fields: tuple[Told, ...] = ()
    steps: tuple[str, ...] = ()
    """Of a refusal or a decision: the steps that can meet it."""


def explain(word: str, group: str | None = None) -> list[Topic]:
    """What a word means; a few mean two things.

    Args:
        word: as scenario files have it.
        group: one of `GROUPS`, to look nowhere else.

    Raises:
        LookupError: it is no word of the language, or of the group.
    """
    topics = [topic for found in vocabulary(group).values() for topic in found]
    found = [topic for topic in topics if topic.word == word]
    if found:
        return found
    if group is not None:
        hint = nearest(word, [topic.word for topic in topics])
        raise LookupError(f'there is no {group.removesuffix("s")} "{word}"{hint}')
    holders = [t.word for t in topics if word in {told.name for told in t.fields}]
    if holders:
        more = f" and {len(holders) - 4} others" if len(holders) > 4 else ""
        raise LookupError(
            f'"{word}" is a field of {", ".join(holders[:4])}{more}; '
            f"`mfalab explain {holders[0]}` tells about it"
        )
    hint = nearest(word, [topic.word for topic in topics])
    raise LookupError(
        f'there is no word "{word}" to explain{hint or "; `mfalab explain` lists all"}'
    )


def vocabulary(group: str | None = None) -> dict[str, list[Topic]]:
    """Everything that can be explained, by group; or one group."""
    return {name: _topics(name) for name in ([group] if group else GROUPS)}


@cache
def _topics(group: str) -> list[Topic]:
    return list(GROUPS[group]())


def as_list(groups: Mapping[str, Iterable[Topic]]) -> str:
    """The words of some groups, with their first lines."""
    blocks = []
    for name, topics in groups.items():
        firsts = {topic.word: topic.text.partition("\n")[0] for topic in topics}
        width = max(map(len, firsts))
        met = {topic.word: f" [{_met_in(topic)}]" for topic in topics if name in _MET_GROUPS}
        lines = [
            f"  {word:<{width}}  {first}{met.get(word, '')}".rstrip()
            for word, first in firsts.items()
        ]
        blocks.append("\n".join([name, *lines]))
    return "\n\n".join(blocks)


def as_text(topic: Topic) -> str:
    """A topic for people."""
    lines = [f"{topic.word} ({topic.group}): {topic.text}"]
    lines += ["", *_field_lines(topic.fields, 2)] if topic.fields else []
    if topic.group not in ("refusal", *_DECISIONS):
        shown = {"such as": topic.example}
    else:
        shown = {"such as": topic.example, "met by": _met_in(topic)}
    more = [f"  {what}  {text}" for what, text in shown.items() if text]
    return "\n".join([*lines, "", *more] if more else lines)


def _met_in(topic: Topic) -> str:
    """The steps that can meet a refusal or a decision."""
    return ", ".join(topic.steps) or "no step: by Python calls only"


def _field_lines(told: Iterable[Told], indent: int) -> Iterator[str]:
    """A line for each field; below a field that holds others, a line for each of those."""
    told = list(told)
    width = max((len(each.name) for each in told), default=0)
    for each in told:
        facts = [
            f"{each.value}." if each.value else "required." if each.required else "",
            each.text,
            f"Unit: {each.unit}." if each.unit else "",
            f"Default: {each.default}." if each.default else "",
            f"Such as {each.example}." if each.example else "",
        ]
        yield f"{' ' * indent}{each.name:<{width}}  {' '.join(filter(None, facts))}"
        yield from _field_lines(each.fields, indent + 2)


# -- the groups ----------------------------------------------------------------------------


def _sections() -> Iterator[Topic]:
    told = tuple(
        _field(Scenario, name, _shipped_lines(), deep=False) for name in Scenario.model_fields
    )
    yield Topic("scenario", "section", _about(Scenario), _line("scenario", ""), told)
    for name, info in Setting.model_fields.items():
        for model in _models(info.annotation):
            if name != "devices":
                yield Topic(name, "section", _about(model), _line(name, ""), _fields(model, name))


def _devices() -> Iterator[Topic]:
    for model in alternatives(AnyDevice):
        kind = model.model_fields["kind"].default
        yield Topic(
            kind, "device kind", _about(model), _line("kind", kind), _fields(model, "kind", kind)
        )


def _steps() -> Iterator[Topic]:
    for verb, model in VOCABULARY.items():
        yield Topic(verb, "step", _about(model), _line("do", verb), _fields(model, "do", verb))


def _refusals() -> Iterator[Topic]:
    texts: dict[str, list[str]] = {}
    docs = _texts_below(refusals)
    for name, make in vars(refusals).items():
        if name in docs and callable(make):
            error = _made(make)
            texts.setdefault(error.code, []).append(
                f"{docs[name]} HTTP {error.status}: {error.message}"
            )
    for code, (message, status) in INJECTED.items():
        texts.setdefault(code, []).append(f"A fault of the service. HTTP {status}: {message}")
    for code, text in PREVENTED.items():
        texts.setdefault(code, []).append(text)
    for error_class in vars(errors).values():
        if isinstance(error_class, type) and errors.DeviceError in error_class.__bases__:
            texts.setdefault(error_class.__name__, []).append(_first_line(error_class))
    for status in CtapStatus:
        text = f"The security key answers with CTAP's status 0x{status:02x} (section 8.2)."
        texts.setdefault(status.name, []).append(text)
    for code in codes():
        met = tuple(verb for verb, step in VOCABULARY.items() if code in met_by(step))
        line = _line("refused", code)
        yield Topic(code, "refusal", "\n  ".join(texts[code]), line, steps=met)


def _made(make: Callable[..., ServiceError]) -> ServiceError:
    """A refusal with the names of its values in their places."""
    names = [
        name for name, each in signature(make).parameters.items() if each.default is Parameter.empty
    ]
    return make(*(f"<{name}>" for name in names))


def _decisions() -> Iterator[Topic]:
    for enum, group in zip((Outcome, CeremonyOutcome), _DECISIONS, strict=True):
        met = tuple(verb for verb, step in VOCABULARY.items() if enum in step.decides)
        for word, text in _enum_texts(enum).items():
            yield Topic(word, group, text, _line("decision", word), steps=met)


def _enum_texts(enum: type[StrEnum]) -> dict[str, str]:
    docs = _texts_below(enum)
    return {each.value: docs.get(name, "") for name, each in enum.__members__.items()}


def _profiles() -> Iterator[Topic]:
    docs = _profile_texts()
    for name, profile in PROFILES.items():
        figures = VerifierSpec.figures(profile)
        told = tuple(Told(word, docs[word], value=_plain(value)) for word, value in figures.items())
        text = SOURCES.get(name, "The figures of a verifier.")
        yield Topic(name, "profile", text, _line("verifier", name), told)


@cache
def _profile_texts() -> dict[str, str]:
    """What each figure of a profile means, by the word of scenario files."""
    docs = _texts_below(Profile)
    words = VerifierSpec.figures(next(iter(PROFILES.values())))
    return dict(
        zip(words, (docs.get(f.name, "") for f in fields(Profile) if f.name != "name"), strict=True)
    )


def _climates() -> Iterator[Topic]:
    for name, text in climates.TEXTS.items():
        yield Topic(name, "climate", text, _line("climate", name))


def _quirks() -> Iterator[Topic]:
    docs = _texts_below(AppQuirks)
    plain = AppQuirks()
    for name, quirks in APP_PRESETS.items():
        told = tuple(
            Told(f.name, docs[f.name], value=_plain(getattr(quirks, f.name)))
            for f in fields(AppQuirks)
            if getattr(quirks, f.name) != getattr(plain, f.name)
        )
        text = "An app that departs from the key URI in this:" if told else "An app without quirks."
        yield Topic(name, "quirks of an app", text, _line("quirks", name), told)


def _key_models() -> Iterator[Topic]:
    for name in model_names():
        model = load_model(name)
        text = f"{model.name}; {', '.join(model.versions)}."
        yield Topic(name, "security key model", text, _line("model", name))


def _quantities() -> Iterator[Topic]:
    for quantity in units.QUANTITIES:
        word = quantity.what.removeprefix("a ").removeprefix("number of ").replace(" ", "_")
        written = ", ".join([*quantity.units, *quantity.words])
        text = f"A number and a unit: {written}."
        yield Topic(word, "quantity", text, quantity.example)


GROUPS: Mapping[str, Callable[[], Iterable[Topic]]] = {
    "sections": _sections,
    "device kinds": _devices,
    "steps": _steps,
    "refusals": _refusals,
    "decisions": _decisions,
    "profiles": _profiles,
    "climates": _climates,
    "quirks of apps": _quirks,
    "security key models": _key_models,
    "quantities": _quantities,
}


# -- fields ----------------------------------------------------------------------------------


def _fields(model: type[Strict], key: str, word: str = "") -> tuple[Told, ...]:
    """The fields of a model whose entries the shipped suites write as `KEY: WORD`."""
    lines = [line for line in _shipped_lines() if re.search(_pattern(key, word), line)]
    told = [_field(model, name, lines) for name in model.model_fields if name not in ("do", "kind")]
    return tuple(
        sorted(told, key=lambda each: each.name in ("name", "expect", "times", "every", "jitter"))
    )


def _field(model: type[Strict], name: str, lines: Iterable[str], *, deep: bool = True) -> Told:
    info = model.model_fields[name]
    written = info.alias or name
    found = list(marks(info.annotation, info.metadata))
    quantity = next((each for each in found if isinstance(each, units.Quantity)), None)
    reference = next((each for each in found if isinstance(each, Reference)), None)
    words = list(dict.fromkeys(_words(info.annotation)))
    holds = tuple(
        _field(held, inner, lines)
        for held in (_models(info.annotation) if deep else ())
        for inner in held.model_fields
    )
    text = info.description or ""
    if not text and issubclass(model, ProfileChanges):
        text = _profile_texts().get(written, "")
    parts = [
        " ".join(text.split()),
        f"The name of a {reference.to}." if reference and not text else "",
        f"One of: {', '.join(words)}." if words else "",
    ]
    default = "" if info.is_required() or holds else _default(info.default, quantity, found)
    used = (re.search(rf"[\s{{]{written}: ([^,{{}}\[\]]+)", line) for line in lines)
    example = next((match[1].strip() for match in used if match), "")
    return Told(
        written,
        " ".join(filter(None, parts)),
        info.is_required(),
        _units(quantity) if quantity else "",
        default,
        example=example
        or (quantity.example if quantity else next((w for w in words if w != default), "")),
        fields=holds,
    )


def _default(value: Any, quantity: units.Quantity | None, marks: Iterable[Any]) -> str:
    if isinstance(value, (int, float)) and quantity:
        return quantity.write(value)
    if isinstance(value, int) and units.MOMENT in marks:
        return units.format_instant(value)
    return "" if value is None or not isinstance(value, (str, int, float)) else _plain(value)


def _plain(value: Any) -> str:
    """A value as YAML has it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_plain, value))}]"
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def _units(quantity: units.Quantity) -> str:
    return ", ".join(quantity.units)


def _words(annotation: Any) -> Iterator[str]:
    """The words that a field takes, if it takes some words only."""
    for item in alternatives(annotation):
        if get_origin(item) is Literal:
            yield from map(str, get_args(item))
        elif isinstance(item, type) and issubclass(item, StrEnum):
            yield from (each.value for each in item)
        elif item is bool:
            yield from ("true", "false")


def _models(annotation: Any) -> list[type[Strict]]:
    """The models that a field holds, itself or by name; not what every step has."""
    return [
        item
        for outer in alternatives(annotation)
        for inner in ([outer] if get_origin(outer) is None else get_args(outer))
        for item in alternatives(inner)
        if isinstance(item, type) and issubclass(item, Strict) and item is not Expect
    ]


# -- texts -----------------------------------------------------------------------------------


def _about(model: type) -> str:
    """A model's own docstring; `getdoc` would take that of a class above where it has none."""
    return cleandoc(model.__doc__) if model.__doc__ else _NO_DOCSTRING


def _first_line(model: type) -> str:
    return _about(model).partition("\n")[0]


@cache
def _texts_below(holder: type | ModuleType) -> dict[str, str]:
    """The text below each name that a class or a module assigns, or of each of its functions."""
    tree = ast.parse(dedent(getsource(holder))).body
    body = tree if isinstance(holder, ModuleType) else getattr(tree[0], "body", [])
    found: dict[str, str] = {}
    for statement, below in pairwise([*body, ast.Pass()]):
        if isinstance(statement, ast.FunctionDef):
            if not statement.name.startswith("_"):
                found[statement.name] = ast.get_docstring(statement) or ""
            continue
        if not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)):
            continue
        if isinstance(statement, ast.AnnAssign):
            targets: list[ast.expr] = [statement.target]
        else:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = " ".join(str(below.value.value).split())
    return found


@cache
def _shipped_lines() -> list[str]:
    """The lines of the shipped suites."""
    return [
        line.strip().removeprefix("- ")
        for path in sorted(shipped().rglob("*.scenario.yaml"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def _pattern(key: str, word: str) -> str:
    return rf"(?:^|[\s{{]){key}: {re.escape(word)}(?:$|[\s,}}])" if word else rf"^{key}:"


def _line(key: str, word: str) -> str:
    """The shortest whole line of the shipped suites that has a word behind a key, or these two."""
    used = [line for line in _shipped_lines() if re.search(_pattern(key, word), line)]
    whole = [
        line
        for line in used
        if line.count("{") == line.count("}") and line[-1] != ":" and ("{" in line or not word)
    ]
    return min(whole, key=len, default=f"{key}: {word}" if word else "")
