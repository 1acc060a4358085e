"""Registration and authentication: what the answers say, and in which order things happen."""

from dataclasses import replace
from hashlib import sha256

import pytest

from mfalab.devices.ctap import Prompt, Transport
from mfalab.devices.ctap.model import CounterKind

CDH = sha256(b"client data").digest()
UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def flags(answer):
    return answer[2][32]


def test_registration_asks_for_one_touch_and_tells_presence_only(key):
    answer = key.good(1, key.make())
    assert key.prompts == [Prompt.TOUCH]
    assert flags(answer) == UP | AT
    assert answer[2][:32] == sha256(b"example.com").digest()
    assert answer[2][37:53] == key.model.aaguid


def test_first_supported_algorithm_of_the_list_wins(key):
    wishes = [{"alg": alg, "type": "public-key"} for alg in (-257, -8, -7)]
    answer = key.good(1, key.make(params=wishes))
    assert answer[3]["alg"] == -7  # the attestation key's
    credential = key.register(params=wishes, user=b"bob", rk=True)
    assert key.state.credentials[credential].algorithm == -8


def test_unknown_members_options_extensions_and_types_are_ignored(key):
    request = key.make(
        options={"unknown": True},
        extensions={"unknown": [1, 2]},
        exclude=[{"type": "unknown", "id": b"x", "more": 1}],
    )
    assert key.status(1, request | {0x63: "unknown"}) == 0


def test_uv_true_beside_a_pin_uv_auth_param_is_absent(key):
    key.set_pin()
    signed = key.signed("1234", CDH, 1, "example.com")
    answer = key.good(1, key.make(options={"uv": True}, **signed))
    assert flags(answer) == UP | UV | AT


def test_up_true_is_legal_since_2_1(key):
    assert key.status(1, key.make(options={"up": True})) == 0


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


def test_same_rp_and_user_overwrites_and_a_prefix_does_not(key):
    first = key.register(user=b"alice", rk=True)
    prefix = key.register(user=b"alic", rk=True)
    assert set(key.state.credentials) == {first, prefix}
    second = key.register(user=b"alice", rk=True)
    assert set(key.state.credentials) == {prefix, second}
    assert key.status(2, key.get(allow=[first])) == 0x2E


def test_overwriting_works_in_a_full_store(make_key):
    key = make_key("slots-25", slots=1)
    key.register(user=b"alice", rk=True)
    key.register(user=b"alice", rk=True)
    assert key.status(1, key.make(user=b"bob", rk=True)) == 0x28


def test_wrapped_credential_belongs_to_its_rp_and_to_this_key(key, make_key):
    credential = key.register()
    assert key.status(2, key.get(rp="other.example", allow=[credential])) == 0x2E
    assert make_key(seed=2).status(2, key.get(allow=[credential])) == 0x2E


def test_discoverable_credential_belongs_to_its_rp(key):
    credential = key.register(rk=True)
    assert key.status(2, key.get(rp="other.example", allow=[credential])) == 0x2E


def test_every_bit_of_a_wrapped_id_counts(key):
    credential = key.register()
    for at in range(len(credential)):
        changed = bytearray(credential)
        changed[at] ^= 1
        assert key.status(2, key.get(allow=[bytes(changed)], options={"up": False})) == 0x2E


def test_level_three_credential_is_not_excluded_without_verification(key):
    credential = key.register(extensions={"credProtect": 3})
    assert key.status(1, key.make(exclude=[credential])) == 0


def test_level_three_credential_is_excluded_with_verification(key):
    key.set_pin()
    credential = key.register(extensions={"credProtect": 3}, pin="1234")
    signed = key.signed("1234", CDH, 1, "example.com")
    assert key.status(1, key.make(exclude=[credential], **signed)) == 0x19


def test_level_two_credential_is_found_by_its_id(key):
    credential = key.register(rk=True, extensions={"credProtect": 2})
    assert key.status(2, key.get(allow=[credential])) == 0


@pytest.mark.parametrize("touch_first", [True, False])
def test_touch_before_no_credentials_is_a_matter_of_the_model(make_key, touch_first):
    key = make_key(touch_before_no_credentials=touch_first)
    assert key.status(2, key.get()) == 0x2E
    assert key.prompts == [Prompt.TOUCH] * touch_first


def test_finger_is_presence_and_verification_at_once(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    key.prompts.clear()
    answer = key.good(1, key.make(options={"uv": True}))
    assert key.prompts == [Prompt.FINGER]
    assert flags(answer) == UP | UV | AT


def test_always_uv_turns_to_the_finger_by_itself(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    assert key.configure(2, pin="1234") == 0
    assert flags(key.good(1, key.make())) == UP | UV | AT


def test_backup_flags_follow_the_model(make_key):
    key = make_key(backup_eligible=True, backup_state=True)
    assert flags(key.good(1, key.make())) == UP | AT | BE | BS


# Counters


def test_global_counter_is_shared_and_grows(key):
    first, second = key.register(rk=True), key.register()
    counts = [key.counter(key.good(2, key.get(allow=[c]))) for c in (first, second, first)]
    assert counts == [3, 4, 5]


def test_counter_per_credential_grows_by_itself(make_key):
    key = make_key(counter=CounterKind.PER_CREDENTIAL, counter_start=10, counter_step=3)
    first, second = key.register(rk=True), key.register()
    counts = [key.counter(key.good(2, key.get(allow=[c]))) for c in (first, second, first)]
    assert counts == [16, 16, 19]


def test_zero_counter_stays_zero(make_key):
    key = make_key("slots-25")
    credential = key.register(rk=True)
    assert [key.counter(key.good(2, key.get(allow=[credential]))) for _ in range(2)] == [0, 0]


def test_counter_at_its_end_stays_there(make_key):
    key = make_key(counter_start=2**32 - 2)
    credential = key.register(rk=True)
    request = key.get(allow=[credential])
    assert [key.counter(key.good(2, request)) for _ in range(2)] == [2**32 - 1] * 2


def test_counter_survives_reset(key):
    for _ in range(3):
        key.register()
    assert key.status(7) == 0
    assert key.counter(key.good(1, key.make())) == 4


# Formats


def test_client_may_wish_for_no_attestation(make_key):
    key = make_key("ctap-2.3")
    assert key.good(1, key.make(formats=["none"]))[1] == "none"
    assert key.good(1, key.make(formats=["unknown", "packed"]))[1] == "packed"
    assert key.good(1, key.make(formats=["unknown"]))[1] == "packed"


def test_vendor_facilitated_enterprise_attestation_knows_its_rps(make_key):
    key = make_key("enterprise")
    assert key.configure(1) == 0
    assert key.good(1, key.make(rp="corp.example", enterprise=1))[4] is True
    assert 4 not in key.good(1, key.make(rp="other.example", enterprise=1))
    assert key.good(1, key.make(rp="other.example", enterprise=2))[4] is True


# Reset


def test_reset_ends_everything(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    wrapped, stored = key.register(pin="1234"), key.register(rk=True, pin="1234")
    key.configure(2, pin="1234")
    key.configure(3, {1: 5, 2: ["example.com"]}, pin="1234")
    key.power_cycle()
    assert key.status(7) == 0
    options = key.info()[4]
    assert (options["clientPin"], options["uv"], options["alwaysUv"]) == (False, False, False)
    assert key.info()[0x0D] == 4
    for credential in (wrapped, stored):
        assert key.status(2, key.get(allow=[credential])) == 0x2E
    assert not key.state.credentials


def test_reset_at_ten_seconds_is_allowed_and_power_cycle_opens_it_again(key):
    key.clock.advance(10)
    assert key.status(7) == 0
    key.clock.advance(0.001)
    assert key.status(7) == 0x30
    key.power_cycle()
    assert key.status(7) == 0


# Power and people


def test_pulled_key_never_answers_and_keeps_nothing_half_made(key):
    before = key.storage.read()
    transaction = key.begin(1, key.make(rk=True))
    key.authenticator.power_down()
    transaction.touch()
    transaction.cancel()
    transaction.advance()
    assert (transaction.response, transaction.wants) == (None, None)
    assert key.storage.read() == before


def test_touch_and_cancel_after_the_answer_do_nothing(key):
    transaction = key.begin(1, key.make())
    transaction.touch()
    answer = transaction.response
    transaction.touch()
    transaction.decline()
    transaction.cancel()
    assert transaction.response == answer


def test_prompt_tells_who_asks_for_what(key):
    transaction = key.begin(1, key.make())
    assert (transaction.rp_id, transaction.info) == ("example.com", "register")
    assert transaction.deadline_ns == key.clock.ns + 30_000_000_000
    key.clock.advance(29.999)
    transaction.advance()
    assert transaction.response is None


def test_tap_is_presence_once(key):
    key.transport = Transport.NFC
    assert key.status(1, key.make()) == 0
    assert key.prompts == []
    assert key.status(1, key.make()) == 0x3B
    key.power_cycle()
    assert key.status(1, key.make()) == 0


def test_same_seed_same_bytes(make_key):
    answers = []
    for _ in range(2):
        key = make_key(seed=7)
        made = key.serve(key.begin(1, key.make(rk=True)))
        answers.append((made, key.serve(key.begin(2, key.get()))))
    assert answers[0] == answers[1]
    assert make_key(seed=8).serve(key.begin(1, key.make(rk=True))) != answers[0][0]


def test_state_survives_in_another_authenticator_and_a_clone_counts_for_itself(key, make_key):
    credential = key.register(rk=True)
    clone = make_key(storage=type(key.storage)(key.storage.read()), seed=9)
    assert key.counter(key.good(2, key.get(allow=[credential]))) == 2
    assert clone.counter(clone.good(2, clone.get(allow=[credential]))) == 2


def test_model_may_be_changed_field_by_field(make_key):
    key = make_key()
    other = make_key(replace(key.model, user_action_timeout_s=5))
    transaction = other.begin(11)
    assert transaction.deadline_ns - other.clock.ns == 5_000_000_000
