"""What a security key costs: a ceremony pair, a minute of waiting, memory.

The pair is one registration and one assertion. Its base is what the signatures alone take: a key
pair, an attestation signature and an assertion signature of `cryptography`. The authenticator does
these and everything around them; over CTAPHID, python-fido2 and 64-byte reports come on top.
"""

import gc
import itertools
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Ctap2

from mfalab.devices.ctap import Authenticator, MemoryStorage, cbor, load_model
from mfalab.devices.ctap.user import absent, touching
from mfalab.devices.schedule import OwnTime
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy

MODEL = "ctap-2.1-pin"
CDH = sha256(b"client data").digest()
RP = {"id": "example.com", "name": "Example"}
USER = {"id": b"alice", "name": "alice"}
PARAMS: list[Mapping[str, Any]] = [{"alg": -7, "type": "public-key"}]
MANY = 1000
PAIR = "create + get pair"


def random_bytes(name: str = "key") -> Callable[[int], bytes]:
    return Entropy(1).random_bytes(name)


@pytest.mark.benchmark(group=PAIR)
def test_bare_cryptography(benchmark: Any) -> None:
    attestation_key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(hashes.SHA256())
    message = bytes(200)

    def pair() -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        attestation_key.sign(message, algorithm)
        return key.sign(message, algorithm)

    benchmark.extra_info["role"] = "limit"
    assert benchmark(pair)


@pytest.mark.benchmark(group=PAIR)
@pytest.mark.parametrize("discoverable", [False, True], ids=["wrapped", "discoverable"])
def test_authenticator(benchmark: Any, discoverable: bool) -> None:
    authenticator = Authenticator(
        load_model(MODEL),
        storage=MemoryStorage(),
        clock=OwnTime(),
        random_bytes=random_bytes(),
    )
    authenticator.power_up()

    def answer(command: int, members: dict[int, Any]) -> Any:
        transaction = authenticator.begin_cbor(1, bytes([command]) + cbor.encode(members))
        transaction.touch()
        assert transaction.response is not None
        assert transaction.response[0] == 0
        return cbor.decode(transaction.response[1:])

    options = {7: {"rk": True}} if discoverable else {}

    def pair() -> bytes:
        data = answer(1, {1: CDH, 2: RP, 3: USER, 4: PARAMS, **options})[2]
        credential = {"id": data[55 : 55 + data[54]], "type": "public-key"}
        signature = answer(2, {1: RP["id"], 2: CDH, 3: [credential]})[3]
        assert isinstance(signature, bytes)
        return signature

    assert benchmark(pair)


def ctaphid_pair(device: Any) -> bytes:
    client = Ctap2(device)
    made = client.make_credential(CDH, RP, USER, PARAMS)
    assert made.auth_data.credential_data is not None
    allowed = {"id": made.auth_data.credential_data.credential_id, "type": "public-key"}
    return client.get_assertion(RP["id"], CDH, [allowed]).signature


class Replay(CtapDevice):
    """Answers of a key, given again in the same order: what is left is python-fido2's own work."""

    def __init__(self, key: CtapDevice) -> None:
        self.key: CtapDevice | None = key
        self.answers: list[bytes] = []
        self.next = 0

    @property
    def capabilities(self) -> int:
        return 4

    def call(self, cmd: int, data: bytes = b"", *_: Any, **__: Any) -> bytes:
        if self.key is not None:
            self.answers.append(self.key.call(cmd, data))
        answer = self.answers[self.next % len(self.answers)]
        self.next += 1
        return answer

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        return iter(())


@pytest.mark.benchmark(group=PAIR)
def test_python_fido2_alone(benchmark: Any) -> None:
    """What the client takes to write the requests of a pair and to read recorded answers."""
    key = SecurityKey(MODEL, random_bytes=random_bytes())
    key.plug()
    replay = Replay(key.device())
    first = ctaphid_pair(replay)
    replay.key = None
    assert benchmark(lambda: ctaphid_pair(replay)) == first


@pytest.mark.benchmark(group=PAIR)
def test_ctaphid_and_python_fido2(benchmark: Any) -> None:
    """With a new channel and getInfo for each pair, as a client does."""
    key = SecurityKey(MODEL, random_bytes=random_bytes())
    key.plug()
    assert benchmark(lambda: ctaphid_pair(key.device()))


@pytest.mark.benchmark(group=PAIR)
def test_ctaphid_and_python_fido2_on_a_timeline(benchmark: Any) -> None:
    """The same as a client of a scenario, with a second for each touch."""
    clients = BlockingClients(Timeline(0))
    key = SecurityKey(
        MODEL, random_bytes=random_bytes(), scheduler=clients, user=touching(NS_PER_S)
    )
    key.plug()
    assert benchmark(lambda: clients.call(lambda: ctaphid_pair(key.device())))


def wait_for_nobody(client: Ctap2) -> None:
    """Ask twice for a touch that does not come: 30 s each, with a keepalive every 100 ms."""
    for _ in range(2):
        with pytest.raises(CtapError) as caught:
            client.make_credential(CDH, RP, USER, PARAMS)
        assert caught.value.code is CtapError.ERR.USER_ACTION_TIMEOUT


@pytest.mark.benchmark(group="a minute of waiting for a touch")
def test_minute_of_own_time(benchmark: Any) -> None:
    time = OwnTime()
    key = SecurityKey(MODEL, random_bytes=random_bytes(), scheduler=time, user=absent)
    key.plug()
    client = Ctap2(key.device())
    benchmark.extra_info["role"] = "limit"
    benchmark(lambda: wait_for_nobody(client))
    assert time.now_ns() % (60 * NS_PER_S) == 0


@pytest.mark.benchmark(group="a minute of waiting for a touch")
def test_minute_on_a_timeline(benchmark: Any) -> None:
    timeline = Timeline(0)
    clients = BlockingClients(timeline)
    key = SecurityKey(MODEL, random_bytes=random_bytes(), scheduler=clients, user=absent)
    key.plug()
    client = clients.call(lambda: Ctap2(key.device()))
    benchmark(lambda: clients.call(lambda: wait_for_nobody(client)))
    assert timeline.now_ns() % (60 * NS_PER_S) == 0


def unplugged(number: int) -> SecurityKey:
    return SecurityKey(MODEL, random_bytes=random_bytes(f"key {number}"))


def shared_stream() -> Callable[[int], SecurityKey]:
    """Keys that draw from one stream: a stream of Python's takes 2.5 KiB by itself."""
    stream = random_bytes()
    return lambda number: SecurityKey(MODEL, random_bytes=stream)


def plugged(number: int) -> SecurityKey:
    key = unplugged(number)
    key.plug()
    return key


def used(number: int) -> SecurityKey:
    """With a channel, a discoverable credential and an assertion behind it."""
    key = plugged(number)
    client = Ctap2(key.device())
    client.make_credential(CDH, RP, USER, PARAMS, options={"rk": True})
    client.get_assertion(RP["id"], CDH)
    return key


def bytes_of_each(make: Callable[[int], SecurityKey]) -> float:
    """What one of many keys keeps, by the allocator's account."""
    make(0)  # what all keys share is there by now
    gc.collect()
    tracemalloc.start()
    try:
        keys = [make(number) for number in range(1, MANY + 1)]
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / len(keys)
    finally:
        tracemalloc.stop()


@pytest.mark.benchmark(group=f"{MANY} keys in one process")
@pytest.mark.parametrize("state", ["sharing a stream", "unplugged", "plugged", "used"])
def test_memory_of_a_key(benchmark: Any, state: str) -> None:
    """The time is that of making the keys; the memory stands in a line of its own."""
    makes = {"unplugged": unplugged, "plugged": plugged, "used": used}
    make = makes.get(state) or shared_stream()
    each = bytes_of_each(make)
    benchmark.extra_info["figures"] = {"bytes of each key": round(each)}
    numbers = itertools.count(1)
    benchmark.pedantic(lambda: [make(next(numbers)) for _ in range(MANY)], rounds=1)
    assert each < 64 * 1024


@pytest.mark.benchmark(group=f"{MANY} keys in one process")
def test_all_wait_at_once_for_a_touch(benchmark: Any) -> None:
    """Each with its own client, blocked for the same second on one timeline: 10,000 keepalives."""

    def crowd() -> int:
        timeline = Timeline(0)
        clients = BlockingClients(timeline)
        touch = touching(NS_PER_S)
        keys = [
            SecurityKey(MODEL, random_bytes=random_bytes(), scheduler=clients, user=touch)
            for _ in range(MANY)
        ]
        for key in keys:
            key.plug()

        def register(key: SecurityKey) -> bytes:
            return Ctap2(key.device()).make_credential(CDH, RP, USER, PARAMS).auth_data

        made = clients.run(*(lambda key=key: register(key) for key in keys))
        return len(made)

    assert benchmark.pedantic(crowd, rounds=1) == MANY
