"""An answer is what a test expects, or says what it is instead."""

import pytest
from fido2 import cbor

from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.hid import Answer
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.verdicts import Failure

GET_INFO = 0x04


def reply(value=None, status=0, body=None):
    raw = body if body is not None else b"" if value is None else cbor.encode(value)
    return Reply(GET_INFO, status, raw, value, Answer(0x10, b"", 0, 0, 0))


def test_one_of_several_codes_is_enough():
    found = reply(status=0x2E)
    assert found.must(CtapStatus.SUCCESS, CtapStatus.NO_CREDENTIALS) is found
    with pytest.raises(Failure, match="expected 0x00 SUCCESS or 0x30 NOT_ALLOWED, got 0x2E NO"):
        found.must(CtapStatus.SUCCESS, CtapStatus.NOT_ALLOWED)


def test_success_is_no_refusal():
    assert reply(status=1).refused()
    with pytest.raises(Failure, match="an error code"):
        reply().refused()


@pytest.mark.parametrize(
    ("value", "body", "got"),
    [([1], None, "list"), (None, b"\xa1\x01", "it ends after 2 bytes in the middle of an item")],
)
def test_a_body_that_is_no_map_is_told(value, body, got):
    with pytest.raises(Failure) as found:
        reply(value, body=body).members()
    assert (found.value.expected, found.value.got) == ("a CBOR map from getInfo", got)


@pytest.mark.parametrize(
    ("value", "got"), [({}, "nothing"), ({3: True}, "bool"), ({3: "8"}, "str")]
)
def test_a_member_of_another_type_is_told(value, got):
    with pytest.raises(Failure) as found:
        reply(value).member(3, int)
    assert found.value.expected == "member 0x03 of getInfo as int"
    assert found.value.got == got


def test_an_answer_without_a_body_has_no_members():
    assert reply().members() == {}
