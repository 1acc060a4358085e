"""Power fails at every single store write of every command, before and after that write.

After power-up the state is the old or the new one, but for tries, which may have been counted;
no attacker wins a try of the PIN or of a finger by pulling the plug.
"""

from hashlib import sha256

import pytest

from mfalab.devices.ctap import Faults, MemoryStorage, cbor

BLOB = b"\x80" + sha256(b"\x80").digest()[:16]


def plain(make_key, storage=None):
    return make_key(storage=storage)


def bio(make_key, storage=None):
    return make_key("ctap-2.1-bio", storage=storage)


def prepare_plain(key):
    key.register(rk=True)


def prepare_owned(key):
    key.set_pin()
    key.register(rk=True, pin="1234")


def prepare_bio(key):
    prepare_owned(key)
    key.enrol()


def credential(key):
    return {2: {"id": next(iter(key.state.credentials)), "type": "public-key"}}


def managed(number, more=()):
    def request(key):
        params = credential(key) | dict(more)
        message = bytes([number]) + cbor.encode(params)
        param = key.protocol().authenticate(key.token("1234", 4), message)
        return 10, {1: number, 2: params, 3: 2, 4: param}

    return request


def configured(number, params=None):
    def request(key):
        message = b"\xff" * 32 + bytes([13, number]) + (cbor.encode(params) if params else b"")
        param = key.protocol().authenticate(key.token("1234", 32), message)
        members = {1: number, 2: params, 3: 2, 4: param}
        return 13, {k: v for k, v in members.items() if v is not None}

    return request


def last_sample(key):
    token = key.token("1234", 8)
    key.finger = "index"
    answer = key.good(9, key.enrol_members(1, token=token))
    for _ in range(answer[6] - 1):
        key.good(9, key.enrol_members(2, {1: answer[4]}, token=token))
    return 9, key.enrol_members(2, {1: answer[4]}, token=token)


def named_finger(number, more=()):
    def request(key):
        params = {1: next(iter(key.state.fingers))} | dict(more)
        return 9, key.enrol_members(number, params, token=key.token("1234", 8))

    return request


def change_pin(old, new):
    def request(key):
        protocol = key.protocol()
        public, shared = key.agree(protocol)
        new_enc = protocol.encrypt(shared, new.encode().ljust(64, b"\0"))
        old_enc = protocol.encrypt(shared, sha256(old.encode()).digest()[:16])
        param = protocol.authenticate(shared, new_enc + old_enc)
        return 6, {1: 2, 2: 4, 3: public, 4: param, 5: new_enc, 6: old_enc}

    return request


def wrong_finger(key):
    request = key.token_members(None, 2, "example.com")[0]
    key.finger = "toe"
    return 6, request


CASES = {
    "register, wrapped": (plain, prepare_plain, lambda key: (1, key.make())),
    "register, discoverable": (plain, prepare_plain, lambda key: (1, key.make(user=b"b", rk=True))),
    "register, overwriting": (plain, prepare_plain, lambda key: (1, key.make(rk=True))),
    "sign": (plain, prepare_plain, lambda key: (2, key.get())),
    "reset": (bio, prepare_bio, lambda key: (key.power_cycle(), (7, None))[1]),
    "set PIN": (plain, prepare_plain, lambda key: (6, key.set_pin_members("1234"))),
    "change PIN": (plain, prepare_owned, change_pin("1234", "5678")),
    "change PIN, wrong": (plain, prepare_owned, change_pin("0000", "5678")),
    "token": (plain, prepare_owned, lambda key: (6, key.token_members("1234", 4)[0])),
    "token, wrong PIN": (plain, prepare_owned, lambda key: (6, key.token_members("0000", 4)[0])),
    "token by finger": (bio, prepare_bio, lambda key: (6, key.token_members(None, 4)[0])),
    "token, wrong finger": (bio, prepare_bio, wrong_finger),
    "register by finger": (bio, prepare_bio, lambda key: (1, key.make(options={"uv": True}))),
    "delete credential": (plain, prepare_owned, managed(6)),
    "rename user": (plain, prepare_owned, managed(7, {3: {"id": b"alice", "name": "a"}}.items())),
    "write blobs": (plain, prepare_plain, lambda key: (12, key.write_blob_members(BLOB, 0, 17))),
    "toggle alwaysUv": (plain, prepare_owned, configured(2)),
    "set minimum length": (plain, prepare_owned, configured(3, {1: 6, 2: ["a.example"]})),
    "enrol": (bio, prepare_bio, last_sample),
    "rename finger": (bio, prepare_bio, named_finger(5, {2: "thumb"}.items())),
    "remove finger": (bio, prepare_bio, named_finger(6)),
}


def without_tries(records):
    return {name: value for name, value in records.items() if name != "retries"}


def tries(records):
    return cbor.decode(records["retries"])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_power_cut_leaves_the_old_or_the_new_state(make_key, name, done):
    make, prepare, request = CASES[name]
    key = make(make_key)
    prepare(key)
    prepared = request(key)
    old = key.storage.read()
    writes = key.storage.writes
    key.call(*prepared)
    writes = key.storage.writes - writes
    new = key.storage.read()
    assert writes >= 1

    for cut in range(1, writes + 1):
        key = make(make_key)
        prepare(key)
        prepared = request(key)
        assert key.storage.read() == old
        key.authenticator.faults = Faults(power_cut_at_write=cut, power_cut_done=done)
        assert key.call(*prepared) == (None, {})
        assert not key.authenticator.powered
        left = key.storage.read()
        assert without_tries(left) in (without_tries(old), without_tries(new))
        if "wrong" in name:
            pairs = zip(tries(left), tries(old), strict=True)
            assert all(after <= before for after, before in pairs)

        again = make(make_key, storage=MemoryStorage(left))
        assert again.info()


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_pulling_the_plug_at_each_guess_wins_no_try(make_key, done):
    """The cut comes at the second write, the one that would tell a right PIN from a wrong one."""
    key = make_key()
    key.set_pin()
    for used in range(1, 9):
        members = key.token_members("0000", 4)[0]
        key.authenticator.faults = Faults(power_cut_at_write=1, power_cut_done=done)
        assert key.status(6, members) is None
        key.authenticator.faults = Faults()
        key.authenticator.power_up()
        # A try that was never written was never compared either.
        assert key.retries()[3] == (8 - used if done else 8)
    expected = "PIN_BLOCKED" if done else "SUCCESS"
    assert key.token_status("1234", 4).name == expected


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_no_comparison_happens_before_its_try_is_written(make_key, done):
    """Whatever the PIN is, a cut at the first write looks the same from outside."""
    looks = []
    for pin in ("1234", "0000"):
        key = make_key()
        key.set_pin()
        members = key.token_members(pin, 4)[0]
        key.authenticator.faults = Faults(power_cut_at_write=1, power_cut_done=done)
        looks.append((key.status(6, members), key.storage.read()))
    assert looks[0] == looks[1]


def test_a_new_key_cut_at_its_first_write_is_new_again(make_key):
    storage = MemoryStorage()
    with pytest.raises(Exception, match="Power failed"):
        make_key(storage=storage, faults=Faults(power_cut_at_write=1))
    assert storage.read() == {}
    assert make_key(storage=storage).info()
