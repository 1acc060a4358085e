"""Our tables of the service models against those of the botocore that is installed."""

import inspect
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from mfalab.verifier import Iam, Sts
from mfalab.verifier.calls import _SECRET_PARAMETERS
from mfalab.verifier.service_model import Shape, service_model

WRITER = Path(__file__).with_name("write_service_models.py")
SERVICES = ("iam", "sts")
EVERY = [(service, name) for service in SERVICES for name in sorted(service_model(service).names)]
BOTOCORE = {
    service: botocore.session.get_session().get_service_model(service) for service in SERVICES
}


def facts(shape: Any) -> dict[str, Any]:
    """What botocore says of a shape, and of what it is made of."""
    told = {
        "kind": shape.type_name,
        "least": shape.metadata.get("min") or None,
        "most": shape.metadata.get("max"),
        "pattern": shape.metadata.get("pattern"),
        "words": tuple(shape.metadata.get("enum", ())),
        "sensitive": shape.metadata.get("sensitive", False),
    }
    assert not shape.serialization, "no shape of these services has a name of its own on the wire"
    if shape.type_name == "structure":
        told["members"] = [(name, facts(member)) for name, member in shape.members.items()]
        told["required"] = set(shape.required_members)
    if shape.type_name == "list":
        told["element"] = facts(shape.member)
    if shape.type_name == "map":
        told |= {"element": facts(shape.value), "key": facts(shape.key)}
    return told


def ours(shape: Shape) -> dict[str, Any]:
    """What our tables say of it."""
    told: dict[str, Any] = {
        name: getattr(shape, name)
        for name in ("kind", "least", "most", "pattern", "words", "sensitive")
    }
    if shape.kind == "structure":
        told["members"] = [(name, ours(member)) for name, member in shape.members.items()]
        told["required"] = set(shape.required)
    if shape.element is not None:
        told["element"] = ours(shape.element)
    if shape.key is not None:
        told["key"] = ours(shape.key)
    return told


@pytest.mark.parametrize(("service", "name"), EVERY, ids=[name for _, name in EVERY])
def test_operation_is_as_botocore_has_it(service: str, name: str) -> None:
    told, operation = (
        BOTOCORE[service].operation_model(name),
        service_model(service).operation(name),
    )
    assert operation.name == name
    if told.input_shape is None:
        assert operation.input.members == {}
    else:
        assert ours(operation.input) == facts(told.input_shape)
    if told.output_shape is None:
        assert operation.output is operation.wrapper is None
    else:
        wrapper = told.output_shape.serialization.pop("resultWrapper")
        assert operation.output is not None
        assert (wrapper, ours(operation.output)) == (operation.wrapper, facts(told.output_shape))
    assert dict(operation.errors) == {
        error.metadata.get("error", {}).get("code", error.name): error.metadata.get(
            "error", {}
        ).get("httpStatusCode", 400)
        for error in told.error_shapes
    }


@pytest.mark.parametrize("service", SERVICES)
def test_version_and_namespace(service: str) -> None:
    told, model = BOTOCORE[service], service_model(service)
    assert (model.version, model.namespace) == (told.api_version, told.metadata["xmlNamespace"])


@pytest.mark.parametrize("service", SERVICES)
def test_file_is_as_it_would_be_written_today(service: str) -> None:
    spec = spec_from_file_location("write_service_models", WRITER)
    assert spec is not None
    assert spec.loader is not None
    writer = module_from_spec(spec)
    spec.loader.exec_module(writer)
    written = (writer.HOME / f"{service}.json").read_text()
    assert written == writer.text(writer.table(service, service_model(service).names))


@pytest.mark.parametrize(("door", "service"), [(Iam, "iam"), (Sts, "sts")])
def test_every_operation_has_its_model_and_no_parameter_of_its_own(
    door: type, service: str
) -> None:
    methods = [method for _, method in inspect.getmembers(door) if hasattr(method, "operation")]
    assert methods
    for method in methods:
        members = service_model(service).operation(method.operation).input.members
        taken = set(inspect.signature(method).parameters) - {"self", "call"}
        assert taken <= set(members), method.operation


def test_no_secret_is_told_to_the_observer() -> None:
    """What the models call sensitive, and the codes, which they do not."""
    secrets = {
        name
        for service, operation in EVERY
        for name, member in service_model(service).operation(operation).input.members.items()
        if member.sensitive and not operation.startswith("AssumeRoleWith")
    }
    assert secrets <= _SECRET_PARAMETERS


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_is_one_for_python(service: str) -> None:
    for row in service_model(service)._shape_rows.values():
        if "pattern" in row:
            Shape("", "string", pattern=row["pattern"]).matches("text")
            assert r"\p{" not in re.sub(r"\[\\p\{L\}\\p\{Z\}\\p\{N\}[^]]*\]", "", row["pattern"])


def test_models_are_read_when_the_first_operation_is_called_and_not_before() -> None:
    """`mfalab run` starts as fast as before; and the verifier needs no botocore."""
    code = (
        "import sys, mfalab.verifier as v, mfalab.verifier.service_model as m;"
        "assert m.service_model.cache_info().currsize == 0;"
        "assert not any(n.startswith('boto') for n in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_operation() -> None:
    with pytest.raises(KeyError, match="Nonsense"):
        service_model("iam").operation("Nonsense")
