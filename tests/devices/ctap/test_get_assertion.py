"""authenticatorGetAssertion and authenticatorGetNextAssertion."""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import Prompt

CDH = sha256(b"client data").digest()


UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def flags(answer):
    return answer[2][32]


def test_assertion_of_37_bytes_has_neither_user_nor_number_for_wrapped_credentials(key):
    credential = key.register()
    answer = key.good(2, key.get(allow=[credential]))
    assert set(answer) == {1, 2, 3}
    assert len(answer[2]) == 37
    assert answer[1] == {"id": credential, "type": "public-key"}


def test_silent_probe_needs_no_touch_and_says_so(key):
    credential = key.register()
    key.prompts.clear()
    answer = key.good(2, key.get(allow=[credential], options={"up": False}))
    assert key.prompts == []
    assert flags(answer) == 0


def test_several_accounts_come_newest_first_and_tell_only_ids_without_verification(key):
    for user in (b"alice", b"bob", b"carol"):
        key.register(user=user, rk=True)
    answers = [key.good(2, key.get()), key.good(8), key.good(8)]
    assert [answer[4] for answer in answers] == [{"id": b"carol"}, {"id": b"bob"}, {"id": b"alice"}]
    assert [answer.get(5) for answer in answers] == [3, None, None]


def test_several_accounts_tell_names_after_verification(key):
    key.set_pin()
    for user in (b"alice", b"bob"):
        key.register(user=user, rk=True, pin="1234")
    answer = key.good(2, key.get(**key.signed("1234", CDH, 2, "example.com")))
    assert answer[4] == {"id": b"bob", "name": "alice", "displayName": "Alice"}
    assert flags(answer) == flags(key.good(8)) == UP | UV


def test_allow_list_gives_one_answer_and_no_number(key):
    ids = [key.register(user=user, rk=True) for user in (b"alice", b"bob")]
    answer = key.good(2, key.get(allow=ids))
    assert 5 not in answer
    assert answer[1]["id"] == ids[0]
    assert key.status(8) == 0x30


def test_next_assertions_wait_30_s_from_each_call(key):
    for user in (b"alice", b"bob", b"carol"):
        key.register(user=user, rk=True)
    key.good(2, key.get())
    key.clock.advance(29.9)
    key.good(8)
    key.clock.advance(29.9)
    key.good(8)


def test_end_of_the_channel_ends_the_walk(key):
    for user in (b"alice", b"bob"):
        key.register(user=user, rk=True)
    key.good(2, key.get())
    key.authenticator.end_channel(2)
    assert key.authenticator.session.walk is not None
    key.authenticator.end_channel(1)
    assert key.status(8) == 0x30


def test_level_two_credential_is_found_by_its_id(key):
    credential = key.register(rk=True, extensions={"credProtect": 2})
    assert key.status(2, key.get(allow=[credential])) == 0


@pytest.mark.parametrize("touch_first", [True, False])
def test_touch_before_no_credentials_is_a_matter_of_the_model(make_key, touch_first):
    key = make_key(touch_before_no_credentials=touch_first)
    assert key.status(2, key.get()) == 0x2E
    assert key.prompts == [Prompt.TOUCH] * touch_first
