"""The types of what is passed in, checked against the annotations of the methods that take it.

The parameters of IAM and STS have service models (`parameter_rules`). The console and the
verifier's own methods have only their annotations, and what a page posts may be of any type: it has
to end in an error that is documented, and before anything is written.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import lru_cache, wraps
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

C = TypeVar("C")

_INTEGERS = range(-(2**63), 2**63)
"""What a store keeps."""


def typed(refuse: Callable[[list[tuple[str, str]]], Exception]) -> Callable[[type[C]], type[C]]:
    """Check the arguments of all public methods of a class.

    Args:
        refuse: makes the error from the names of the arguments, each with what it must be.
    """

    def decorate(kind: type[C]) -> type[C]:
        for name, method in list(vars(kind).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(kind, name, _checked(method, refuse))
        return kind

    return decorate


def violations(name: str, hint: Any, value: object) -> Iterator[tuple[str, str]]:
    """What a value that was passed under a name must be and is not, each with where that is."""
    kind: type = type(value)
    if _always_fits(hint, kind):
        return
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if not any(not list(violations(name, part, value)) for part in inner):
            yield from violations(name, inner[0], value)
    elif hint is str and isinstance(value, str):
        # A password that cannot be encoded is just a wrong one.
        if not name.lower().endswith("password") and not _is_unicode(value):
            yield name, "be Unicode text"
    elif hint is int and isinstance(value, int) and not isinstance(value, bool):
        if value not in _INTEGERS:
            yield name, "be an integer of 64 bits"
    elif origin is Iterable:
        if not isinstance(value, Iterable) or isinstance(value, str | bytes):
            yield name, f"be a list, not {type(value).__name__}"
        elif isinstance(value, Sequence):  # what is read once is left to the method
            for index, each in enumerate(value, start=1):
                yield from violations(f"{name}.{index}", inner[0], each)
    elif origin is Mapping:
        if not isinstance(value, Mapping):
            yield name, f"be a mapping, not {type(value).__name__}"
        else:
            for key, each in value.items():
                yield from violations(f"{name} key", inner[0], key)
                yield from violations(f"{name}[{key!r}]", inner[1], each)
    elif origin is tuple:
        if not isinstance(value, tuple):
            yield name, f"be a tuple, not {type(value).__name__}"
        else:
            for each in value:
                yield from violations(name, inner[0], each)
    elif hint is Any or not isinstance(hint, type):
        return
    elif getattr(hint, "_is_protocol", False) and not getattr(hint, "_is_runtime_protocol", False):
        return  # what it can do shows when it is used
    elif not isinstance(value, hint) or hint is int:
        yield name, f"be {_NAMES.get(hint, f'a {hint.__name__}')}, not {type(value).__name__}"
    elif is_dataclass(value):
        for field, type_of_field in _hints(kind).items():
            yield from violations(f"{name}.{field}", type_of_field, getattr(value, field))


_NAMES = {str: "a string", int: "an integer", bool: "a boolean", type(None): "left out"}


def _checked(
    method: Callable[..., Any], refuse: Callable[[list[tuple[str, str]]], Exception]
) -> Callable[..., Any]:
    # `transaction` gives the methods that it makes their `Call`.
    names = [name for name in inspect.signature(method).parameters if name not in ("self", "call")]

    @wraps(method)
    def perform(self: Any, *args: Any, **kwargs: Any) -> Any:
        hints = _hints(method)
        wrong = [
            violation
            for name, value in (*zip(names, args, strict=False), *kwargs.items())
            if name in hints
            for violation in violations(name, hints[name], value)
        ]
        if wrong:
            raise refuse(wrong)
        return method(self, *args, **kwargs)

    return perform


@lru_cache(maxsize=1024)
def _always_fits(hint: Any, kind: type) -> bool:
    """Whether no value of exactly this type needs a look; most arguments are of such a type."""
    if get_origin(hint) in (Union, UnionType):
        return any(_always_fits(part, kind) for part in get_args(hint))
    if hint in (str, int) or get_origin(hint) or not isinstance(hint, type):
        return False
    if getattr(hint, "_is_protocol", False):
        return False
    return issubclass(kind, hint) and not is_dataclass(kind)


@lru_cache(maxsize=256)
def _hints(annotated: Any) -> dict[str, Any]:
    return get_type_hints(annotated)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
