"""Writes verifier/service_models from the service models of the botocore that is installed.

    python tests/verifier/write_service_models.py [iam:OPERATION | sts:OPERATION ...]

The operations that are written already, and those that are named, are written again: their
constraints and shapes without the documentation, an operation or a shape in each line.
`test_service_model.py` holds the files against the botocore of the day.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
from botocore.model import ServiceModel

HOME = Path(__file__).parents[2] / "verifier" / "service_models"
SERVICES = ("iam", "sts")
_FACTS = ("min", "max", "pattern", "enum", "sensitive", "required")
"""What is kept of a shape beside its type and its parts."""


def service_model(service: str) -> ServiceModel:
    """The model that botocore has."""
    return botocore.session.get_session().get_service_model(service)


def table(service: str, operations: Iterable[str]) -> dict[str, Any]:
    """Our form of a service model, with these operations and the shapes that they need."""
    model = service_model(service)
    description = model._service_description
    shapes = description["shapes"]
    entries: dict[str, Any] = {}
    wanted: list[str] = []
    for name in sorted(set(operations)):
        raw = description["operations"][name]
        entry: dict[str, Any] = {}
        if "input" in raw:
            entry["input"] = raw["input"]["shape"]
        if "output" in raw:
            entry |= {"output": raw["output"]["shape"], "wrapper": raw["output"]["resultWrapper"]}
        entry["errors"] = [error["shape"] for error in raw.get("errors", ())]
        entries[name] = entry
        wanted += [entry[part] for part in ("input", "output") if part in entry]
        wanted += entry["errors"]
    used: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name not in used:
            used[name] = _shape(name, shapes[name])
            wanted += _parts(used[name])
    return {
        "version": model.api_version,
        "namespace": model.metadata["xmlNamespace"],
        "operations": entries,
        "shapes": dict(sorted(used.items())),
    }


def _shape(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("exception"):
        error = raw.get("error", {})
        return {
            "type": "error",
            "code": error.get("code", name),
            "status": error.get("httpStatusCode", 400),
        }
    kept = {"type": raw["type"], **{fact: raw[fact] for fact in _FACTS if raw.get(fact)}}
    if raw.get("min") == 0:
        kept.pop("min", None)
    if "members" in raw:
        kept["members"] = {name: member["shape"] for name, member in raw["members"].items()}
    for part in ("member", "key", "value"):
        if part in raw:
            kept[part] = raw[part]["shape"]
    return kept


def _parts(shape: dict[str, Any]) -> Iterator[str]:
    yield from shape.get("members", {}).values()
    yield from (shape[part] for part in ("member", "key", "value") if part in shape)


def text(content: dict[str, Any]) -> str:
    """A table as it is written: an operation or a shape in each line."""
    head = ("version", "namespace")
    lines = ["{", *(f" {json.dumps(key)}: {json.dumps(content[key])}," for key in head)]
    for key, end in (("operations", ","), ("shapes", "")):
        rows = [f"  {json.dumps(n)}: {json.dumps(row)}" for n, row in content[key].items()]
        lines += [f" {json.dumps(key)}: {{", ",\n".join(rows), f" }}{end}"]
    return "\n".join([*lines, "}", ""])


def main(named: list[str]) -> None:
    """Write both files."""
    for service in SERVICES:
        path = HOME / f"{service}.json"
        known = json.loads(path.read_text())["operations"] if path.exists() else {}
        added = [name.partition(":")[2] for name in named if name.startswith(f"{service}:")]
        path.write_text(text(table(service, [*known, *added])))


if __name__ == "__main__":
    main(sys.argv[1:])
