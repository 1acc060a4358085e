"""Answers and errors in XML, by the output shapes of the service models."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from mfalab.verifier.errors import ServiceError
from mfalab.verifier.service_model import Operation, Shape

_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot say, not even by a reference."""
_PLAIN = re.compile("[\t\n\x20-%'-;=?-~]*")
"""What stands in XML as it is: ASCII without &, < and >."""


def answer(
    operation: Operation, namespace: str, result: Mapping[str, Any], request_id: str
) -> bytes:
    """The answer of an operation of the Query protocol."""
    content = ""
    if operation.output is not None and operation.wrapper is not None:
        content = element(operation.wrapper, "".join(_members(operation.output, result)))
    metadata = element("ResponseMetadata", element("RequestId", request_id))
    return document(f"{operation.name}Response", namespace, content + metadata)


def error(refusal: ServiceError, namespace: str, request_id: str) -> bytes:
    """A refusal of the Query protocol; one without a text has no Message."""
    content = element("Type", "Receiver" if refusal.status >= 500 else "Sender")
    content += element("Code", text(refusal.code))
    if refusal.message:
        content += element("Message", text(refusal.message))
    request = element("RequestId", request_id)
    return document("ErrorResponse", namespace, element("Error", content) + request)


def document(name: str, namespace: str, content: str) -> bytes:
    """A whole document; characters that are not ASCII are written in UTF-8."""
    return f'<{name} xmlns="{namespace}">{content}</{name}>'.encode()


def element(name: str, content: str) -> str:
    """An element with content that is XML already."""
    return f"<{name}>{content}</{name}>" if content else f"<{name}/>"


def text(value: str) -> str:
    """Text as XML. A parser would make line feeds of carriage returns, so they are references."""
    if _PLAIN.fullmatch(value):
        return value
    return escape(_NO_CHARACTER.sub("\ufffd", value), {"\r": "&#13;"})


def iso(moment: datetime) -> str:
    """Such as `2026-09-11T10:00:00Z`."""
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def _members(shape: Shape, value: Mapping[str, Any]) -> Iterator[str]:
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield element(name, _value(member, value[name]))


def _value(shape: Shape, value: Any) -> str:
    if shape.kind == "structure":
        return "".join(_members(shape, value))
    if shape.kind == "list":
        assert shape.element is not None
        return "".join(element("member", _value(shape.element, each)) for each in value)
    if shape.kind == "map":
        assert shape.element is not None
        assert shape.key is not None
        return "".join(
            element(
                "entry", element("key", text(key)) + element("value", _value(shape.element, each))
            )
            for key, each in value.items()
        )
    if shape.kind == "boolean":
        return "true" if value else "false"
    if shape.kind == "timestamp":
        return iso(value)
    if shape.kind == "blob":
        return base64.b64encode(value).decode()
    if shape.name == "policyDocumentType":
        # IAM hands policy documents out percent-encoded; boto3 makes dictionaries of them.
        return quote(value if isinstance(value, str) else json.dumps(value), safe="")
    return text(str(value))
