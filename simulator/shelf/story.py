"""A recorded story as a scenario file, and what became of it when it was replayed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mfalab.simulator.clocks import QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_DAY, NS_PER_S
from mfalab.simulator.clocks.quartz import ageing_ppm
from mfalab.simulator.environment.devices import HeldDevice, HeldSms, HeldToken
from mfalab.simulator.environment.outcome import ExpectationFailed, ScenarioError
from mfalab.simulator.environment.people import Person
from mfalab.simulator.environment.policies import AWS_POLICIES
from mfalab.simulator.lab import Lab
from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.scenario_files.loader import load_cases
from mfalab.simulator.shelf.notebook import Of
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.verifier.aws_policies import ADMINISTRATOR, SELF_MANAGEMENT
from mfalab.verifier.records import Attachment, Role

_MS: Final = NS_PER_S // 1000
_PLAIN: Final = re.compile(r"(?!- )[A-Za-z0-9+/_.-][\w ./+*@=<>-]*(:[\w*/.-][\w ./+*@=<>-]*)*")
_SHOWN: Final = 100
"""How many entries a page shows: a state of it is told whole, however long the story is."""
OTHERWISE: Final = "# replayed otherwise: "


def write_story(shelf: Shelf) -> str:
    """The story so far as the text of a scenario file, with what became of its replay."""
    text = _written(shelf)
    return text + "".join(f"{OTHERWISE}{_line(each)}\n" for each in replay(text))


def replay(text: str) -> list[str]:
    """Do a scenario, and tell what ended otherwise than it says: a sentence for each step."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "story.scenario.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            (case,) = load_cases(path)
        except ProblemsFound as found:
            return [problem.message for problem in found.problems]
    lab = Lab(case.scenario, case=case.id)
    wrong = []
    for number, step in enumerate(case.scenario.steps, 1):
        try:
            lab.do(step)
        except (ExpectationFailed, ScenarioError) as failure:
            wrong.append(f"step {number} ({step.do}): {failure}")
    return wrong


def tell_story(shelf: Shelf) -> dict[str, Any]:
    """The story for a page: its last steps, how many came before, and what no step expresses."""
    story = shelf.notebook
    before = max(0, len(story.entries) - _SHOWN)
    return {
        "before": before,
        "steps": [_flow(words) for words in _steps(shelf, before)],
        "omitted": [
            sentence if times == 1 else f"{sentence}, {times} times"
            for sentence, times in story.omitted.items()
        ],
    }


def _written(shelf: Shelf) -> str:
    story = shelf.notebook
    steps = list(_steps(shelf)) or [{"do": "wait", "for": "0 s"}]
    people = {
        name: person for name, person in shelf.lab.people.items() if _is_in(name, steps, shelf)
    }
    omitted = [*tell_story(shelf)["omitted"], *_without_policies(shelf, people.values())]
    lines = [
        "# Recorded by mfalab serve: done on the shelf, in the console and through the API.",
        *(f"# not expressed: {_line(each)}" for each in omitted),
        "scenario: Recorded on the shelf",
        "tags: [recorded]",
        f"verifier: {shelf.lab.verifier.profile.name}",
        f"start: {format_instant(story.begin_ns)}",
    ]
    if story.roles:  # whose trust policies have the account's id
        lines += ["accounts:", f"  main: {{id: {shelf.lab.accounts['main'].id}}}"]
    if people:
        known = (f"  {name}: {_flow(_person(shelf, each))}" for name, each in people.items())
        lines += ["people:", *known]
    devices = {
        **{name: _device(shelf, name) for name in shelf.lab.devices},
        **{
            each.name: {"kind": each.kind, "owner": each.owner} for each in story.stand_ins.values()
        },
    }
    for each in story.stand_ins.values():
        lines.insert(1, f"# {each.name} stands for a device that was not on the shelf.")
    if devices:
        lines += ["devices:", *(f"  {name}: {_flow(words)}" for name, words in devices.items())]
    if story.roles:
        roles = (f"  {name}: {_flow(_role(shelf, each))}" for name, each in story.roles.items())
        lines += ["roles:", *roles]
    lines += ["steps:", *(f"  - {_flow(words)}" for words in steps)]
    return "\n".join(lines) + "\n"


def _is_in(name: str, steps: list[dict[str, Any]], shelf: Shelf) -> bool:
    named = any(words.get(key) == name for words in steps for key in ("who", "for", "from", "as"))
    owners = [each.owner for each in shelf.lab.devices.values()]
    trusted = f':user/{shelf.lab.people[name].user_name}"'
    return (
        named
        or name in [*owners, *(each.owner for each in shelf.notebook.stand_ins.values())]
        or any(trusted in role.trust_policy for role in shelf.notebook.roles.values())
    )


# Steps, and the time between them


def _steps(shelf: Shelf, before: int = 0) -> Iterator[dict[str, Any]]:
    """The steps of the story, with waits between them, behind so many entries."""
    story = shelf.notebook
    begin_ns = story.entries[before - 1].at_ns if before else story.begin_ns
    now_ns, vague = begin_ns // _MS * _MS, False
    for entry in islice(story.entries, before, None):
        at_ns = entry.at_ns // _MS * _MS
        if at_ns > now_ns:
            until = {"until": format_instant(at_ns)}
            yield {"do": "wait", **(until if vague else {"for": _duration(at_ns - now_ns)})}
            now_ns, vague = at_ns, False
        vague = vague or entry.vague
        yield {key: _named(shelf, said) for key, said in entry.words.items()}


def _named(shelf: Shelf, said: Any) -> Any:
    return shelf.notebook.name_of(said.serial) if isinstance(said, Of) else said


def _duration(duration_ns: int) -> str:
    """A whole number of milliseconds, exactly, in the largest unit that makes it whole."""
    for unit, size in (("d", NS_PER_DAY), ("h", 3600 * NS_PER_S), ("min", 60 * NS_PER_S)):
        if duration_ns % size == 0:
            return f"{duration_ns // size} {unit}"
    whole, rest = divmod(duration_ns // _MS, 1000)
    return f"{whole}.{rest:03d} s" if rest else f"{whole} s"


# People and devices


def _person(shelf: Shelf, person: Person) -> dict[str, Any]:
    words: dict[str, Any] = {"typing": "instant"}
    if person.root:
        return {**words, "role": "root"}
    if _policies(shelf, person.identity_id) == [ADMINISTRATOR]:
        words["role"] = "administrator"
    if person.user_name != person.name:
        words["user_name"] = person.user_name
    return words


def _policies(shelf: Shelf, holder_id: object) -> list[str]:
    """The names, with their paths, of the managed policies that a person, or a role, has."""
    with shelf.lab.verifier.store.transaction() as tx:
        attached = tx.find(Attachment, owner_id=holder_id)
    return sorted(each.policy_arn.partition(":policy/")[2] for each in attached)


def _role(shelf: Shelf, role: Role) -> dict[str, Any]:
    words: dict[str, Any] = {
        "trust_policy": _listed(json.loads(role.trust_policy)["Statement"]),
        "max_session": f"{role.max_session_s} s",
    }
    known = [name for name in _role_policies(shelf, role) if name in AWS_POLICIES]
    return {**words, **({"policies": known} if known else {})}


def _role_policies(shelf: Shelf, role: Role) -> list[str]:
    return [name.rpartition("/")[2] for name in _policies(shelf, role.id)]


def _listed(statements: Any) -> Any:
    """Statements as a list: a document may have one by itself."""
    return statements if isinstance(statements, list) else [statements]


def _without_policies(shelf: Shelf, people: Iterable[Person]) -> Iterator[str]:
    """What the file does not say of people and roles: which policies they have by now."""
    for person in people:
        usual = ([ADMINISTRATOR], [SELF_MANAGEMENT])
        if not person.root and _policies(shelf, person.identity_id) not in usual:
            yield f"the policies of {person.name}"
    for name, role in shelf.notebook.roles.items():
        if not AWS_POLICIES.keys() >= set(_role_policies(shelf, role)):
            yield f"the policies of the role {name}"


def _device(shelf: Shelf, name: str) -> dict[str, Any]:
    """A device as it was put there, with what chance made of it."""
    device, words = shelf.lab.devices[name], dict(shelf.given[name])
    return {**words, **_drawn(device, words)}


def _drawn(device: HeldDevice, words: Mapping[str, Any]) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    if isinstance(device, HeldSms):
        drawn["number"] = words.get("number") or device.thing.number
    if isinstance(device, HeldToken):
        drawn["serial"] = device.serial
        if isinstance(device.clock, QuartzClock) and device.period_s is not None:
            quartz = device.clock.quartz
            drawn["drift"] = f"{quartz.offset_ppm!r} ppm"
            drawn["turnover"] = f"{quartz.turnover_c!r} C"
            first_year = quartz.ageing_ppm / ageing_ppm(1.0)
            drawn["ageing"] = f"{round(first_year, 9)!r} ppm"
    return drawn


# YAML


def _flow(said: Any) -> str:
    if isinstance(said, Mapping):
        pairs = (f"{_flow(str(key))}: {_flow(each)}" for key, each in said.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(said, list | tuple):
        return f"[{', '.join(map(_flow, said))}]"
    text = said if isinstance(said, str) else json.dumps(said)
    plain = _PLAIN.fullmatch(text) and text == text.strip() and text not in ("null", "~")
    return text if plain else _printable(json.dumps(text, ensure_ascii=False))


def _line(text: str) -> str:
    return _printable(" ".join(text.split()))


def _printable(text: str) -> str:
    """Escaped as YAML's quoted texts have it: of what is not printable its reader takes no file."""
    return "".join(each if each.isprintable() else f"\\U{ord(each):08X}" for each in text)
