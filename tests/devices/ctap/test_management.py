"""Credential management, large blobs and fingers beyond their error codes."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import CtapStatus, Prompt, cbor
from mfalab.devices.ctap.commands import SampleStatus

PARTY = sha256(b"example.com").digest()
EMPTY = b"\x80" + sha256(b"\x80").digest()[:16]


@pytest.fixture
def full(key):
    key.set_pin()
    for rp in ("example.com", "b.example"):
        for user in (b"alice", b"bob"):
            key.register(rp=rp, user=user, rk=True, pin="1234")
    return key


def test_walks_belong_to_their_channel_and_end_with_other_commands(full):
    begun = full.manage(2)[1]
    assert begun[5] == 2
    full.channel = 2
    assert full.status(10, {1: 3}) == CtapStatus.NOT_ALLOWED
    full.channel = 1
    assert full.good(10, {1: 3})[3]["id"] == "b.example"
    assert full.status(10, {1: 3}) == CtapStatus.NOT_ALLOWED
    full.manage(4, {1: PARTY})
    full.info()
    assert full.status(10, {1: 5}) == CtapStatus.NOT_ALLOWED


def test_one_walk_is_not_gone_on_with_by_another(full):
    full.manage(2)
    assert full.status(10, {1: 5}) == CtapStatus.NOT_ALLOWED


def test_token_of_an_rp_manages_that_rp(full):
    status, answer = full.manage(4, {1: PARTY}, rp_id="example.com")
    assert (status, answer[9]) == (0, 2)
    params = {2: answer[7]}
    assert full.manage(6, params, rp_id="example.com")[0] == 0
    assert len(full.state.credentials) == 3


def test_deleted_credential_never_signs_and_makes_room(full):
    answer = full.manage(4, {1: PARTY})[1]
    remaining = full.info()[0x14]
    assert full.manage(6, {2: answer[7]})[0] == 0
    request = full.get(allow=[answer[7]["id"]], options={"up": False})
    assert full.status(2, request) == CtapStatus.NO_CREDENTIALS
    assert full.info()[0x14] == remaining + 1


def test_description_tells_protection_and_large_blob_key(key):
    key.set_pin()
    key.register(rk=True, pin="1234", extensions={"credProtect": 2, "largeBlobKey": True})
    answer = key.manage(4, {1: PARTY})[1]
    assert (answer[0x0A], len(answer[0x0B])) == (2, 32)
    assert answer[8][3] == -7


def test_update_without_names_removes_them(full):
    answer = full.manage(4, {1: PARTY})[1]
    params = {2: answer[7], 3: {"id": answer[6]["id"]}}
    assert full.manage(7, params)[0] == 0
    assert full.manage(4, {1: PARTY})[1][6] == {"id": answer[6]["id"]}


def test_preview_command_serves_old_clients(make_key):
    key = make_key("yubikey-like")
    key.set_pin()
    key.register(rk=True, pin="1234")
    assert key.manage(1, command=0x41) == (0, {1: 1, 2: 99})


# Large blobs


def blob(size):
    content = bytes(size - 16)
    return content + sha256(content).digest()[:16]


def test_array_starts_as_17_bytes(key):
    assert key.good(12, {1: 100, 3: 0}) == {1: EMPTY}
    assert key.good(12, {1: 4, 3: 15}) == {1: EMPTY[15:]}
    assert key.good(12, {1: 4, 3: 17}) == {1: b""}


def test_array_is_replaced_only_when_it_is_whole(key):
    data = blob(2000)
    assert key.status(12, key.write_blob_members(data[:1100], 0, 2000)) == 0
    assert key.good(12, {1: 100, 3: 0}) == {1: EMPTY}
    assert key.status(12, key.write_blob_members(data[1100:], 1100)) == 0
    assert key.good(12, {1: 1100, 3: 0})[1] == data[:1100]


def test_write_begun_again_starts_anew(key):
    data = blob(1200)
    key.good(12, key.write_blob_members(data[:600], 0, 1200))
    key.good(12, key.write_blob_members(data[:500], 0, 1200))
    assert key.status(12, key.write_blob_members(data[600:], 600)) == CtapStatus.INVALID_SEQ
    assert key.status(12, key.write_blob_members(data[500:], 500)) == 0


def test_broken_array_leaves_the_old_one(key):
    assert key.status(12, key.write_blob_members(blob(40), 0, 40)) == 0
    assert key.status(12, key.write_blob_members(bytes(40), 0, 40)) == CtapStatus.INTEGRITY_FAILURE
    assert key.good(12, {1: 100, 3: 0}) == {1: blob(40)}
    assert key.status(12, key.write_blob_members(bytes(1), 40)) == CtapStatus.INVALID_SEQ


def test_token_writes_every_fragment(key):
    key.set_pin()
    token = key.token(permissions=16)
    data = blob(1500)
    assert key.status(12, key.write_blob_members(data[:1000], 0, 1500, token=token)) == 0
    assert key.status(12, key.write_blob_members(data[1000:], 1000)) == CtapStatus.PUAT_REQUIRED
    assert key.status(12, key.write_blob_members(data[1000:], 1000, token=token)) == 0


# Fingers


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
    nobody = capture(bio, None, template=template, timeout=5000)
    codes = [(answer[5], answer[6]) for answer in (poor, other, nobody)]
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
