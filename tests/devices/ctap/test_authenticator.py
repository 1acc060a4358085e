"""Registration and authentication: what the answers say, and in which order things happen."""

from mfalab.devices.ctap import Transport


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
