"""Parts of a scenario that come over a wire as JSON: read by the rules of files, in their words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

from pydantic import ValidationError

from mfalab.simulator.language.problems import Problem, ProblemsFound
from mfalab.simulator.language.setting import AnyDevice
from mfalab.simulator.scenario_files.aws_names import refused_names
from mfalab.simulator.scenario_files.aws_policies import policy_problems
from mfalab.simulator.scenario_files.loader import unresolved
from mfalab.simulator.scenario_files.mistakes import located
from mfalab.simulator.scenario_files.scenario import Scenario
from mfalab.simulator.scenario_files.shape import KEY
from mfalab.simulator.scenario_files.yaml_source import Source, data_of, node_at, parse_source
from mfalab.simulator.steps.base import Step
from mfalab.verifier import Profile

_NOTHING = {"do": "wait", "for": "0 s"}


class NotUnderstood(ValueError):
    """Something that is no part of a scenario. Args: all that is wrong, in one line."""


def parse_json(body: bytes) -> dict[str, Any]:
    """A JSON object whose keys are all different.

    Raises:
        NotUnderstood: it is none.
    """
    try:
        given = json.loads(body.decode(), object_pairs_hook=_distinct, parse_constant=_no_number)
    except NotUnderstood:
        raise
    except UnicodeDecodeError as error:
        raise NotUnderstood(f"the body is not UTF-8: byte {error.start} is wrong") from None
    except RecursionError:
        raise NotUnderstood("the body is nested too deep") from None
    except ValueError as error:
        raise NotUnderstood(f"the body is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise NotUnderstood("the body is no JSON object {KEY: VALUE}")
    return given


def read_devices(given: Mapping[str, Any], around: Mapping[str, Any]) -> Mapping[str, AnyDevice]:
    """Devices, as a scenario's section has them.

    Args:
        given: by name; parsed JSON, whose numbers and truth values count as the texts they are.
        around: the other sections: `people`, `phones`.

    Raises:
        NotUnderstood: what `mfalab check` would find wrong with them.
    """
    return _read({**around, "devices": given, "steps": [_NOTHING]}).devices


def read_profile(name: str, figures: Mapping[str, str]) -> Profile:
    """A verifier's profile with some of its figures changed, as a scenario has it.

    Args:
        name: of the profile.
        figures: by their words, such as `sms` or `console_session`.

    Raises:
        NotUnderstood: what `mfalab check` would find wrong with them.
    """
    if "profile" in figures:
        raise NotUnderstood("profile: it is no figure of one")
    given = {"verifier": {**figures, "profile": name}, "steps": [_NOTHING]}
    return _read(given).verifier.resolve()


def read_step(given: Mapping[str, Any], around: Mapping[str, Any]) -> Step:
    """A step, as a scenario has it.

    Args:
        given: parsed JSON.
        around: the other sections, with all that the step may name.

    Raises:
        NotUnderstood: what `mfalab check` would find wrong with it.
    """
    return _read({**around, "steps": [given]}).steps[0]


def _read(sections: Mapping[str, Any]) -> Scenario:
    try:
        # A line for each value, so that a problem's line shows the value that is meant.
        text = json.dumps({"scenario": "a part", **sections}, ensure_ascii=False, indent=1)
        text.encode()
        source = parse_source(text, "")
        problems: list[Problem] = []
        scenario = _scenario(source, problems)
    except ProblemsFound as found:
        raise NotUnderstood(_told(found.problems)) from None
    except UnicodeEncodeError:
        raise NotUnderstood("the body has half of a character (a lone surrogate)") from None
    except RecursionError:
        raise NotUnderstood("the body is nested too deep") from None
    if scenario is None or problems:
        raise NotUnderstood(_told(ProblemsFound(problems).problems))
    return scenario


def _scenario(source: Source, problems: list[Problem]) -> Scenario | None:
    root = source.root
    data = data_of(root)
    problems += unresolved(source, root, data)
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as error:
        problems += located(source, root, error.errors(), Scenario)
        return None
    problems += [
        source.problem(node_at(root, at, key=at[-1] == KEY), message)
        for at, message in chain(refused_names(scenario), policy_problems(scenario))
    ]
    return scenario


def _told(problems: tuple[Problem, ...]) -> str:
    """Each problem behind what stands where it is: `"drift": 45: '45' has no unit`."""
    told = []
    for problem in problems:
        shown = problem.source.strip().rstrip(" ,:{[")
        message = problem.message.removeprefix("step 1: ")
        told.append(f"{shown[:80]}: {message}" if shown.strip("]}") else message)
    return "; ".join(told)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
        raise NotUnderstood(f'key "{twice[:80]}" is here twice; keep one')
    return given


def _no_number(text: str) -> None:
    raise NotUnderstood(f"{text} is no number of JSON")
