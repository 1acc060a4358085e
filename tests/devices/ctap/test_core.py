"""What the commands share: presence, verification, flags."""

from mfalab.devices.ctap import CtapStatus, Prompt

RP = "example.com"


UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


def flags(answer):
    return answer[2][32]


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


def test_counter_at_its_end_stays_there(make_key):
    key = make_key(counter_start=2**32 - 2)
    credential = key.register(rk=True)
    request = key.get(allow=[credential])
    assert [key.counter(key.good(2, request)) for _ in range(2)] == [2**32 - 1] * 2


def test_wrong_fingers_block_until_the_pin_is_given(make_key):
    key = make_key("ctap-2.1-bio")
    key.set_pin()
    key.enrol()
    key.finger = "toe"
    assert key.status(1, key.make(options={"uv": True})) == CtapStatus.PUAT_REQUIRED
    assert key.good(6, {1: 2, 2: 7}) == {5: 0}
    key.finger = "thumb"
    assert key.token_status(None, 1, RP) == CtapStatus.UV_BLOCKED
    key.power_cycle()
    assert key.token_status(None, 1, RP) == CtapStatus.UV_BLOCKED
    assert key.token_status("1234") == 0
    assert key.token_status(None, 1, RP) == 0


def test_fingers_since_the_last_pin_are_counted(make_key):
    key = make_key("ctap-2.3")
    key.set_pin()
    key.enrol()
    for _ in range(2):
        key.token(None, 1, RP)
    assert key.info()[0x17] == 2
    key.token("1234", 4)
    assert key.info()[0x17] == 0
