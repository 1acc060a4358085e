"""authenticatorBioEnrollment."""

import pytest

from mfalab.devices.ctap import CtapStatus, Prompt, cbor
from mfalab.devices.ctap.commands import SampleStatus


@pytest.fixture
def bio(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    return key


def capture(key, finger, sample=SampleStatus.GOOD, template=None, timeout=None):
    params = {} if template is None else {1: template}
    if timeout is not None:
        params[3] = timeout
    token = key.authenticator.session.token.value
    members = key.enrol_members(1 if template is None else 2, params or None, token=token)
    transaction = key.begin(9, members)
    assert transaction.wants is Prompt.FINGER
    if finger is None:
        key.clock.ns = transaction.deadline_ns
        transaction.advance()
    else:
        transaction.finger(finger, sample)
    assert transaction.response[0] == 0
    return cbor.decode(transaction.response[1:])


def test_samples_that_are_not_good_are_taken_again(bio):
    bio.token(permissions=8)
    first = capture(bio, "thumb")
    assert (first[5], first[6]) == (SampleStatus.GOOD, 3)
    template = first[4]
    poor = capture(bio, "thumb", SampleStatus.POOR_QUALITY, template)
    other = capture(bio, "index", template=template)
    missed = capture(bio, None, template=template, timeout=5000)
    codes = [(answer[5], answer[6]) for answer in (poor, other, missed)]
    assert codes == [
        (SampleStatus.POOR_QUALITY, 3),
        (SampleStatus.MERGE_FAILURE, 3),
        (SampleStatus.NO_USER_ACTIVITY, 3),
    ]
    assert [capture(bio, "thumb", template=template)[6] for _ in range(3)] == [2, 1, 0]
    assert list(bio.state.fingers) == [template]


def test_timeout_of_a_capture_is_that_of_the_request(bio):
    bio.token(permissions=8)
    start = bio.clock.ns
    capture(bio, None, timeout=5000)
    assert bio.clock.ns - start == 5_000_000_000


def test_finger_that_is_known_is_told(bio):
    bio.enrol("thumb")
    bio.token(permissions=8)
    assert capture(bio, "thumb")[5] == SampleStatus.EXISTS


def test_cancelled_enrolment_is_gone_and_needs_no_token(bio):
    bio.token(permissions=8)
    template = capture(bio, "thumb")[4]
    assert bio.status(9, {1: 1, 2: 3}) == 0
    token = bio.authenticator.session.token.value
    members = bio.enrol_members(2, {1: template}, token=token)
    assert bio.status(9, members) == CtapStatus.INVALID_PARAMETER
    assert not bio.state.fingers


def test_any_enrolled_finger_verifies_and_a_removed_one_does_not(bio):
    thumb = bio.enrol("thumb")
    bio.enrol("index")
    for finger in ("thumb", "index"):
        bio.finger = finger
        assert bio.token_status(None, 2, "example.com") == 0
    token = bio.token(permissions=8)
    assert bio.status(9, bio.enrol_members(6, {1: thumb}, token=token)) == 0
    bio.finger = "thumb"
    assert bio.token_status(None, 2, "example.com") == CtapStatus.UV_INVALID


def test_second_finger_of_one_request_may_be_the_right_one(bio):
    bio.enrol("thumb")
    transaction = bio.begin(1, bio.make(options={"uv": True}))
    transaction.finger("toe")
    assert transaction.wants is Prompt.FINGER
    transaction.touch()
    assert transaction.wants is Prompt.FINGER
    transaction.finger("thumb")
    assert transaction.response[0] == 0
    assert bio.good(6, {1: 2, 2: 7}) == {5: 3}


def test_finger_on_a_key_that_wants_a_touch_is_one(bio):
    transaction = bio.begin(11)
    transaction.finger("toe")
    assert transaction.response == b"\0"
