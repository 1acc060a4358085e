"""Members of requests, and the codes for those that are wrong."""

import pytest

from mfalab.devices.ctap.fields import Members, public_key_descriptors
from mfalab.devices.ctap.status import CtapError, CtapStatus


def refused(work):
    with pytest.raises(CtapError) as caught:
        work()
    return caught.value.status


def descriptor(identity, kind="public-key"):
    return {"id": identity, "type": kind}


def test_a_request_that_is_no_map_is_refused():
    assert refused(lambda: Members([1])) is CtapStatus.CBOR_UNEXPECTED_TYPE


def test_an_absent_member_is_none_or_missing():
    members = Members({1: "text"})
    assert 2 not in members
    assert members.optional(2, str) is None
    assert refused(lambda: members.required(2, str)) is CtapStatus.MISSING_PARAMETER


@pytest.mark.parametrize(("value", "kind"), [("1", int), (1, bytes), (True, int), ([], dict)])
def test_a_member_of_another_type_is_refused(value, kind):
    assert refused(lambda: Members({1: value}).optional(1, kind)) is CtapStatus.CBOR_UNEXPECTED_TYPE


def test_an_unsigned_member_is_not_below_zero():
    assert Members({1: 0}).unsigned(1) == 0
    assert refused(lambda: Members({1: -1}).unsigned(1)) is CtapStatus.CBOR_UNEXPECTED_TYPE


def test_descriptors_of_unknown_types_are_passed_over():
    members = Members({5: [descriptor(b"a"), descriptor(b"b", "other"), descriptor(b"c")]})
    assert public_key_descriptors(members, 5, 3) == [b"a", b"c"]
    assert public_key_descriptors(members, 6, 3) == []


def test_a_list_longer_than_the_limit_is_refused_whatever_its_types():
    members = Members({5: [descriptor(b"a", "other")] * 4})
    assert refused(lambda: public_key_descriptors(members, 5, 3)) is CtapStatus.LIMIT_EXCEEDED


def test_a_descriptor_without_an_id_is_refused():
    members = Members({5: [{"type": "public-key"}]})
    assert refused(lambda: public_key_descriptors(members, 5, 3)) is CtapStatus.MISSING_PARAMETER
