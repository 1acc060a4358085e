"""Credentials and their counters."""

from mfalab.devices.ctap.model import CounterKind


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
