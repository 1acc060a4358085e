"""Writes simulator/verbs.py from the step models: `make verbs`.

The models are the one source of what a step takes. test_verbs.py holds the written file to them.
"""

import keyword
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from mfalab.simulator.language.key_use import KeyUse
from mfalab.simulator.language.setting import ProfileChanges
from mfalab.simulator.steps import VOCABULARY
from mfalab.simulator.steps.base import Expect, Step

PATH = Path(__file__).parents[2] / "simulator" / "verbs.py"
_DICTIONARIES = {KeyUse: "KeyUseWords", Expect: "ExpectWords"}
_REPEATED = ("times", "every", "jitter")
_WIDTH = 86

_HEAD = '''\
"""The verbs of a lab: each step of the vocabulary as a method; written by `make verbs`.

The step models say what a step takes, and a test holds this file to them. It is written out so that
an editor completes `lab.sign_in(` and a type checker refuses a wrong verb, keyword or type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, TypedDict

from mfalab.simulator.environment.outcome import Outcome
from mfalab.simulator.language.key_use import KeyUse
from mfalab.simulator.language.setting import ProfileChanges
from mfalab.simulator.steps.base import Expect
'''

_CLASS = '''
class Verbs(ABC):
    """What can be done in a lab. A keyword that Python reserves has an underscore behind it.

    Quantities are texts with a unit, such as `"400 d"`; `expect` says how the step is to end.
    `mfalab steps VERB` describes each argument.
    """

    @abstractmethod
    def _perform(self, verb: str, given: dict[str, Any]) -> Outcome:
        """Perform a step; what has its default among the arguments was not given."""
'''


def type_text(annotation: Any) -> str:
    """The type that a caller may give, as text."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        quantity = any(isinstance(each, BeforeValidator) for each in arguments[1:])
        return "str" if quantity and arguments[0] in (int, float) else type_text(arguments[0])
    if origin is Literal:
        return annotation_text(arguments)
    if origin in (Union, UnionType):
        parts = list(dict.fromkeys(type_text(each) for each in arguments if each is not NoneType))
        if "str" in parts:
            parts = [each for each in parts if not each.startswith("Literal")]
        return " | ".join([*parts, *(["None"] if NoneType in arguments else [])])
    if origin is tuple:
        return "Sequence[str]"
    if origin in (list, dict):
        container = "Sequence" if origin is list else "Mapping"
        return f"{container}[{', '.join(map(type_text, arguments))}]"
    if annotation in _DICTIONARIES:
        return f"{annotation.__name__} | {_DICTIONARIES[annotation]}"
    if annotation is ProfileChanges:
        return "ProfileChanges | Mapping[str, Any]"
    return {"LimitValue": "str", "Lapse": "str"}.get(annotation.__name__, annotation.__name__)


def annotation_text(words: Sequence[Any]) -> str:
    return f"Literal[{', '.join(quoted(word) for word in words)}]"


def quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def field_type(field: FieldInfo) -> str:
    """The type of a field; pydantic keeps what stood in `Annotated` beside it."""
    quantity = any(isinstance(each, BeforeValidator) for each in field.metadata)
    return "str" if quantity and field.annotation in (int, float) else type_text(field.annotation)


def default_text(field: FieldInfo, written: str) -> str:
    """What stands behind the equals sign; a quantity's default is shown as its text."""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "USUAL"
    if written == "str" and not isinstance(value, str):
        assert not value
        return quoted("0 s" if field.annotation is int else "0 %")
    if isinstance(value, dict | list):
        return "()" if isinstance(value, list) else "NONE"
    return quoted(value)


def arguments(model: type[Step]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields that are arguments, those that must be given first."""
    fields = [each for each in model.model_fields.items() if each[0] not in Step.model_fields]
    yield from (each for each in fields if each[1].is_required())
    yield from (each for each in fields if not each[1].is_required())


def method(verb: str, model: type[Step]) -> Iterator[str]:
    name = f"{verb}_" if keyword.iskeyword(verb) else verb
    given = []
    last = [(each, model.model_fields[each]) for each in _REPEATED]
    for field_name, field in [*arguments(model), *last]:
        written = field_type(field)
        default = "" if field.is_required() else f" = {default_text(field, written)}"
        given.append(f"{field_name}: {written}{default}")
    given.append("expect: Expected = ACCEPTED")
    yield f"    def {name}(self, *, {', '.join(given)}) -> Outcome:"
    yield from docstring(model)
    yield f'        return self._perform("{verb}", locals())'
    yield ""


def docstring(model: type[Step]) -> Iterator[str]:
    told = cleandoc(model.__doc__ or "").split("\n\n")
    lines = [line for paragraph in told for line in (*textwrap.wrap(paragraph, _WIDTH), "")][:-1]
    yield f'        """{lines[0]}' + ('"""' if len(lines) == 1 else "")
    if len(lines) > 1:
        yield from (f"        {line}".rstrip() for line in lines[1:])
        yield '        """'


def dictionary(model: type[BaseModel], name: str) -> Iterator[str]:
    yield ""
    yield ""
    yield f"class {name}(TypedDict, total=False):"
    yield f'    """`{model.__name__}` in the words of a scenario file."""'
    yield ""
    for field_name, field in model.model_fields.items():
        yield f"    {field_name}: {field_type(field).removesuffix(' | None')}"


def source() -> str:
    """The text of simulator/verbs.py."""
    lines = [_HEAD.rstrip()]
    for model, name in _DICTIONARIES.items():
        lines += dictionary(model, name)
    lines += [
        "",
        "",
        'Expected = Expect | ExpectWords | Literal["accepted", "declared"]',
        "ACCEPTED: Final = Expect()",
        "USUAL: Final = KeyUse()",
        "NONE: Final[Mapping[str, Any]] = MappingProxyType({})",
        "",
        _CLASS.rstrip(),
        "",
    ]
    for verb, model in VOCABULARY.items():
        lines += method(verb, model)
    formatted = subprocess.run(
        [Path(sys.executable).parent / "ruff", "format", "--stdin-filename", "verbs.py", "-"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        cwd=PATH.parents[1],
    )
    return formatted.stdout


if __name__ == "__main__":
    PATH.write_text(source(), encoding="utf-8")
