"""authenticatorLargeBlobs."""

from hashlib import sha256

from mfalab.devices.ctap import CtapStatus

EMPTY = b"\x80" + sha256(b"\x80").digest()[:16]


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


def test_write_begun_again_starts_again(key):
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
