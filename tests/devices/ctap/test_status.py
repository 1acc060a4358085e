"""Status codes of CTAP2 against python-fido2's, and the error that carries one."""

import pickle

import pytest
from fido2.ctap import CtapError as Foreign

from mfalab.devices.ctap.status import CtapError, CtapStatus


@pytest.mark.parametrize("theirs", list(Foreign.ERR), ids=lambda each: each.name)
def test_code_is_called_as_python_fido2_calls_it(theirs):
    ours = {each.name: int(each) for each in CtapStatus}
    assert ours.get(theirs.name, int(theirs)) == theirs


def test_error_is_a_sentence_with_the_code():
    error = CtapError(CtapStatus.PIN_INVALID, "7 tries are left")
    assert str(error) == "The authenticator answers PIN_INVALID (0x31): 7 tries are left."
    assert str(CtapError(CtapStatus.OTHER)) == "OTHER (0x7F)"


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(CtapError(CtapStatus.PIN_INVALID, "why")))
    assert (error.status, error.why) == (CtapStatus.PIN_INVALID, "why")
