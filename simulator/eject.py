"""Writes the Python form of a scenario, for stories that need a decision, a loop or arithmetic."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from pprint import pformat
from typing import Any

from mfalab.simulator.loader import Case

TEMPLATE = """\
# yaml-language-server: $schema=scenario.schema.json
# (mfalab schema > scenario.schema.json lets your editor complete and check this file;
#  mfalab steps lists what people can do.)
scenario: A user enables an authenticator app and signs in with it
tags: [enrolment]
people:
  alice: {}
devices:
  app: {kind: totp_app, owner: alice}
steps:
  - {do: enable, who: alice, device: app}
  - {do: wait, for: 1 d}
  - {do: sign_in, who: alice, with: app, code: wrong, expect: {refused: InvalidAuthenticationCode}}
  - {do: try_again, who: alice, with: app}
"""

_HEAD = '''\
"""{title}

Ejected from {file}; change it as you like. Each call is one step and raises an AssertionError
when the step does not end as it should.
"""

from mfalab.simulator import Lab
'''


_ABOUT = ("scenario", "tags", "source", "steps")
_WIDTH = 96


def as_python(cases: Sequence[Case]) -> str:
    """A pytest file with one test for each case; all cases are of one scenario file."""
    first = cases[0]
    parts = [_HEAD.format(title=first.scenario.scenario, file=first.path.name)]
    parts += [_test(case) for case in cases]
    return "\n\n".join(parts)


def _test(case: Case) -> str:
    name = re.sub(r"\W+", "_", case.local_id).strip("_").lower()
    setting = {key: value for key, value in case.data.items() if key not in _ABOUT}
    lines = [f"def test_{name}(mfa_seed: int) -> None:"]
    lines += _call("lab = Lab.of", {"seed": "mfa_seed", "case": repr(case.id)}, setting)
    for step in case.data["steps"]:
        words = {key: value for key, value in step.items() if key not in ("do", "name")}
        verb = f"{step['do']}_" if keyword.iskeyword(step["do"]) else step["do"]
        lines += _call(f"lab.{verb}", {}, words)
    return "\n".join(lines) + "\n"


def _call(function: str, code: dict[str, str], words: dict[str, Any]) -> list[str]:
    """A call, on one line if it fits; some arguments are code, the others values."""
    arguments = [f"{name}={text}" for name, text in code.items()]
    for name, value in words.items():
        argument = f"{name}_" if keyword.iskeyword(name) else name
        arguments.append(f"{argument}={pformat(value, width=_WIDTH - 12, sort_dicts=False)}")
    line = f"    {function}({', '.join(arguments)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return [line]
    inner = [f"        {argument},".replace("\n", "\n        ") for argument in arguments]
    return [f"    {function}(", *inner, "    )"]
