"""The AWS Query protocol: an operation and its parameters as the fields of a form.

A member of a structure is joined by a dot, a member of a list by `member` and its number:
`Tags.member.1.Key=team`. Fields stand in the query of the URL or in the body. AWS does not document
what it does with a form that no client of its own sends; here the first of several fields of one
name counts, numbers of members may have gaps and any order, and a field that the operation does not
have is ignored, as an older service ignores a newer client's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from mfalab.verifier import refusals
from mfalab.verifier.service_model import Shape
from mfalab.verifier.wire.messages import Request

MOST_FIELDS = 10_000
"""No operation has as many."""


def form(request: Request) -> dict[str, str]:
    """The fields of a request, of its URL and of its body.

    Raises:
        ServiceError: MalformedQueryString: not UTF-8, or too many fields.
    """
    fields: dict[str, str] = {}
    # In a body + is a space; in a URL a signature takes it for itself, and so does its reader.
    for text in (request.query, request.body.decode("latin-1").replace("+", " ")):
        if text.count("&") > MOST_FIELDS:
            raise refusals.malformed_query_string()
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if pair:
                fields.setdefault(_decoded(name), _decoded(value))
    return fields


def parameters(shape: Shape, fields: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of an operation, nested as in process; numbers and flags stay texts."""
    return _structure(shape, [(name.split("."), value) for name, value in fields.items()])


_Parts = Iterable[tuple[list[str], str]]
"""What is left of the names of fields, and their values."""


def _structure(shape: Shape, parts: _Parts) -> dict[str, Any]:
    below: dict[str, list[tuple[list[str], str]]] = {}
    for name, value in parts:
        if name and name[0] in shape.members:
            below.setdefault(name[0], []).append((name[1:], value))
    found = {
        name: _value(member, below[name]) for name, member in shape.members.items() if name in below
    }
    return {name: value for name, value in found.items() if value is not None}


def _value(shape: Shape, parts: list[tuple[list[str], str]]) -> Any:
    whole = next((value for name, value in parts if not name), None)
    if shape.kind == "structure":
        return _structure(shape, parts)
    if shape.kind == "list":
        return _list(shape, parts) if whole is None else (whole or [])
    return whole


def _list(shape: Shape, parts: _Parts) -> list[Any]:
    """The elements by their numbers. Clients send an empty list as a field without a value."""
    assert shape.element is not None
    below: dict[int, list[tuple[list[str], str]]] = {}
    for name, value in parts:
        if name[0] == "member" and len(name) > 1 and re.fullmatch("[0-9]{1,9}", name[1]):
            below.setdefault(int(name[1]), []).append((name[2:], value))
        else:
            raise refusals.malformed_query_string()
    return [_value(shape.element, below[number]) for number in sorted(below)]


def _decoded(text: str) -> str:
    if "%" not in text and text.isascii():
        return text
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise refusals.malformed_query_string() from None
