"""authenticatorReset."""


def test_counter_survives_reset(key):
    for _ in range(3):
        key.register()
    assert key.status(7) == 0
    assert key.counter(key.good(1, key.make())) == 4


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
