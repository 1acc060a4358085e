"""Refusals as exceptions."""

import inspect
import pickle
import re

import pytest

from mfalab.verifier import ServiceError, refusals
from mfalab.verifier.errors import ServiceError as Raised

EVERY = {
    name: function
    for name, function in inspect.getmembers(refusals, inspect.isfunction)
    if function.__module__ == refusals.__name__ and not name.startswith("_")
}


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_every_refusal_survives_pickling_and_says_a_sentence(make: object) -> None:
    assert callable(make)
    parameters = inspect.signature(make).parameters.values()
    error = make(*[9 if parameter.annotation == "int" else "It" for parameter in parameters])
    assert isinstance(error, ServiceError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is Raised
    assert again.args == error.args == type(error)(*error.args).args
    assert str(error) == ": ".join(filter(None, (error.code, error.message)))
    assert re.fullmatch(r"[A-Z][A-Za-z0-9.]+", error.code)
    assert 400 <= error.status < 600
    wanted = r"'?[A-Z]|1 validation error detected: Value "
    assert re.match(wanted, error.message) or error.code == "ReportNotPresent"
