"""Writes the Python form of a scenario, for stories that need a decision, a loop or arithmetic."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from mfalab.simulator.scenario_files.loader import Case

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

from mfalab import Lab
'''


_ABOUT = ("scenario", "tags", "source", "steps")
_WIDTH = 100
_LONGEST_NAME = 60


def as_python(cases: Sequence[Case]) -> str:
    """A pytest file with one test for each case; all cases are of one scenario file."""
    first = cases[0]
    parts = [_HEAD.format(title=_prose(first.scenario.scenario), file=_prose(first.path.name))]
    taken: set[str] = set()
    for case in cases:
        name = _test_name(case, taken)
        taken.add(name)
        parts.append(_test(case, name))
    return "\n\n".join(parts)


def _prose(text: str) -> str:
    """A text as it may stand in a docstring."""
    spelt = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in text.replace("\\", "\\\\")
    )
    return spelt.replace('"""', "'''").removesuffix('"').strip()


def _test_name(case: Case, taken: set[str]) -> str:
    """A name for a case that no other case of the file has: `-2 steps` is not `2 steps`."""
    signed = re.sub(r"-(?=[0-9.])", " minus ", case.params)
    words = re.sub(r"\W+", "_", f"{case.name} {signed}").lower()[:_LONGEST_NAME].strip("_")
    name, number = words, 1
    while name in taken:
        number += 1
        name = f"{words}_{number}"
    return name


def _test(case: Case, name: str) -> str:
    setting = {key: value for key, value in case.data.items() if key not in _ABOUT}
    lines = [f"def test_{name}(mfa_seed: int) -> None:"]
    lines += _call("lab = Lab.of", {"seed": "mfa_seed", "case": _literal(case.id, 0, 0)}, setting)
    for step, model in zip(case.data["steps"], case.scenario.steps, strict=True):
        typed = _typed(step, model)
        words = {key: value for key, value in typed.items() if key not in ("do", "name")}
        verb = f"{step['do']}_" if keyword.iskeyword(step["do"]) else step["do"]
        lines += _call(f"lab.{verb}", {}, words)
    return "\n".join(lines) + "\n"


def _typed(written: Any, read: Any) -> Any:
    """What a file says, with numbers and truth values as a model has read them.

    A file's scalars are texts. A quantity such as `400 d` stays one.
    """
    if isinstance(written, dict):
        if isinstance(read, BaseModel):
            fields = type(read).model_fields
            read = {field.alias or name: getattr(read, name) for name, field in fields.items()}
        known = read if isinstance(read, dict) else {}
        return {key: _typed(value, known.get(key)) for key, value in written.items()}
    if isinstance(read, bool) and isinstance(written, str):
        return read
    if isinstance(read, int) and written == str(read):
        return read
    return written


def _call(function: str, code: dict[str, str], words: dict[str, Any]) -> Iterator[str]:
    """A call as a formatter would break it; some arguments are code, the others values."""
    names = {name: f"{name}_" if keyword.iskeyword(name) else name for name in words}
    flat = ", ".join(
        [
            *(f"{name}={text}" for name, text in code.items()),
            *(f"{names[name]}={_flat(value)}" for name, value in words.items()),
        ]
    )
    if len(f"    {function}({flat})") <= _WIDTH:
        yield f"    {function}({flat})"
        return
    yield f"    {function}("
    if len(f"        {flat}") <= _WIDTH and len(code) + len(words) > 1:
        yield f"        {flat}"
    else:
        for name, text in code.items():
            yield f"        {name}={text},"
        for name, value in words.items():
            yield f"        {names[name]}={_literal(value, 8, len(names[name]) + 1)},"
    yield "    )"


def _literal(value: Any, indent: int, before: int) -> str:
    """A value on one line if it fits behind `before` characters, else an item a line."""
    flat = _flat(value)
    if indent + before + len(flat) + 1 <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    space = " " * (indent + 4)
    if isinstance(value, list):
        items = [f"{space}{_literal(item, indent + 4, 0)}," for item in value]
        return "\n".join(["[", *items, f"{' ' * indent}]"])
    items = [
        f"{space}{_flat(key)}: {_literal(item, indent + 4, len(_flat(key)) + 2)},"
        for key, item in value.items()
    ]
    return "\n".join(["{", *items, f"{' ' * indent}}}"])


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_flat(key)}: {_flat(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text
