"""A security key in a person's hand, and python-fido2's PIN protocols as its client."""

import itertools
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from fido2.ctap import CtapDevice
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2
from fido2.hid import CTAPHID

from mfalab.devices.ctap import (
    NO_FAULTS,
    Authenticator,
    CtapStatus,
    MemoryStorage,
    Prompt,
    Transport,
    cbor,
    load_model,
)
from mfalab.simulator.entropy import Entropy
from support.clocks import SetClock

CDH = sha256(b"client data").digest()
RP = "example.com"


class Key:
    """An authenticator with its owner, who touches at once unless told otherwise."""

    def __init__(self, model="ctap-2.1-pin", *, seed=1, storage=None, faults=NO_FAULTS, **changes):
        kind = load_model(model) if isinstance(model, str) else model
        self.model = replace(kind, **changes) if changes else kind
        self.clock = SetClock(s=1000)
        self.storage = MemoryStorage() if storage is None else storage
        self.random_bytes = self.drawn = Entropy(seed).random_bytes("key")
        self.authenticator = Authenticator(
            self.model,
            storage=self.storage,
            clock=self.clock,
            random_bytes=self.draw,
            faults=faults,
        )
        self.authenticator.power_up()
        self.touches = True
        self.finger = "thumb"
        self.prompts = []
        self.transport = Transport.USB
        self.channel = 1

    def draw(self, size):
        """What the key gets; a test may set what is drawn."""
        return self.drawn(size)

    @property
    def state(self):
        return self.authenticator.state

    def power_cycle(self):
        self.authenticator.power_down()
        self.authenticator.power_up()

    def begin(self, command, members=None):
        request = bytes([command]) + (b"" if members is None else cbor.encode(members))
        return self.authenticator.begin_cbor(self.channel, request, self.transport)

    def serve(self, transaction):
        """Do what the owner does until there is an answer."""
        while transaction.under_way:
            self.prompts.append(transaction.wants)
            if transaction.wants is None or not self.touches:
                self.clock.ns = transaction.deadline_ns
                transaction.advance()
            elif transaction.wants is Prompt.FINGER:
                transaction.finger(self.finger)
            else:
                transaction.touch()
        return transaction.response

    def raw(self, request):
        return self.serve(self.authenticator.begin_cbor(self.channel, request, self.transport))

    def call(self, command, members=None):
        """Status and answer of a CTAP2 command."""
        response = self.serve(self.begin(command, members))
        if response is None:
            return None, {}
        answer = cbor.decode(response[1:]) if response[1:] else {}
        return CtapStatus(response[0]), answer

    def good(self, command, members=None):
        status, answer = self.call(command, members)
        assert status is CtapStatus.SUCCESS
        return answer

    def status(self, command, members=None):
        return self.call(command, members)[0]

    def apdu(self, ins, p1=0, data=b"", cla=0):
        raw = bytes([cla, ins, p1, 0, 0]) + len(data).to_bytes(2, "big") + data + b"\0\0"
        return self.authenticator.begin_u2f(self.channel, raw, self.transport)

    def info(self):
        return self.good(4)

    # Requests

    def make(self, rp=RP, user=b"alice", rk=False, **members):
        """The members of a makeCredential request; names are those of `_MAKE`."""
        request = {
            1: CDH,
            2: {"id": rp, "name": rp.title()},
            3: {"id": user, "name": "alice", "displayName": "Alice"},
            4: [{"alg": -7, "type": "public-key"}],
        }
        options = dict(members.pop("options", {}))
        if rk:
            options["rk"] = True
        if options:
            request[7] = options
        return request | named(_MAKE, members)

    def get(self, rp=RP, **members):
        return {1: rp, 2: CDH} | named(_GET, members)

    def register(self, **members):
        """A registered credential's ID, with a token when there is a PIN."""
        pin = members.pop("pin", None)
        if pin:
            members |= self.signed(pin, CDH, permissions=1, rp_id=members.get("rp", RP))
        answer = self.good(1, self.make(**members))
        data = answer[2]
        return data[55 : 55 + int.from_bytes(data[53:55], "big")]

    def counter(self, answer):
        return int.from_bytes(answer[2][33:37], "big")

    # PIN

    def protocol(self, number=None):
        number = number or self.model.pin_uv_protocols[0]
        return PinProtocolV2() if number == 2 else PinProtocolV1()

    def agree(self, protocol):
        peer = self.good(6, {1: protocol.VERSION, 2: 2})[1]
        return protocol.encapsulate(peer)

    def set_pin_members(self, pin, number=None):
        protocol = self.protocol(number)
        key, shared = self.agree(protocol)
        raw = pin if isinstance(pin, bytes) else pin.encode().ljust(64, b"\0")
        new = protocol.encrypt(shared, raw)
        param = protocol.authenticate(shared, new)
        return {1: protocol.VERSION, 2: 3, 3: key, 4: param, 5: new}

    def set_pin(self, pin="1234", number=None):
        return self.status(6, self.set_pin_members(pin, number))

    def change_pin(self, old, new, number=None):
        protocol = self.protocol(number)
        key, shared = self.agree(protocol)
        raw = new if isinstance(new, bytes) else new.encode().ljust(64, b"\0")
        new_enc = protocol.encrypt(shared, raw)
        old_enc = protocol.encrypt(shared, sha256(old.encode()).digest()[:16])
        param = protocol.authenticate(shared, new_enc + old_enc)
        return self.status(6, {1: protocol.VERSION, 2: 4, 3: key, 4: param, 5: new_enc, 6: old_enc})

    def token_members(self, pin, permissions=None, rp_id=None, number=None):
        """A request for a token, and what opens its answer."""
        protocol = self.protocol(number)
        key, shared = self.agree(protocol)
        members = {1: protocol.VERSION, 2: 5 if permissions is None else 9, 3: key}
        if pin is None:
            members[2] = 6
        else:
            members[6] = protocol.encrypt(shared, sha256(pin.encode()).digest()[:16])
        if permissions is not None:
            members[9] = permissions
        if rp_id is not None:
            members[10] = rp_id
        return members, protocol, shared

    def token(self, pin="1234", permissions=None, rp_id=None, number=None):
        members, protocol, shared = self.token_members(pin, permissions, rp_id, number)
        return protocol.decrypt(shared, self.good(6, members)[2])

    def token_status(self, pin="1234", permissions=None, rp_id=None, number=None):
        return self.status(6, self.token_members(pin, permissions, rp_id, number)[0])

    def signed(self, pin, message, permissions=None, rp_id=None, token=None):
        """The pinUvAuthParam and protocol members of makeCredential and getAssertion."""
        if not self.model.pin_uv_auth_token:
            permissions = rp_id = None
        token = token or self.token(pin, permissions, rp_id)
        protocol = self.protocol()
        return {"param": protocol.authenticate(token, message), "protocol": protocol.VERSION}

    def retries(self):
        return self.good(6, {1: self.model.pin_uv_protocols[0], 2: 1})

    # Commands whose subcommands are signed

    def manage(self, number, params=None, *, pin="1234", token=None, rp_id=None, command=10):
        token = token or self.token(pin, 4, rp_id)
        message = bytes([number]) + (b"" if params is None else cbor.encode(params))
        members = {1: number, 3: self.protocol().VERSION}
        members[4] = self.protocol().authenticate(token, message)
        if params is not None:
            members[2] = params
        return self.call(command, members)

    def configure(self, number, params=None, *, pin=None, token=None):
        members = {1: number}
        if params is not None:
            members[2] = params
        if pin or token:
            token = token or self.token(pin, 32)
            message = b"\xff" * 32 + bytes([13, number])
            message += b"" if params is None else cbor.encode(params)
            members[3] = self.protocol().VERSION
            members[4] = self.protocol().authenticate(token, message)
        return self.status(13, members)

    def enrol_members(self, number, params=None, *, token):
        message = bytes([1, number]) + (b"" if params is None else cbor.encode(params))
        members = {1: 1, 2: number, 4: self.protocol().VERSION}
        members[5] = self.protocol().authenticate(token, message)
        if params is not None:
            members[3] = params
        return members

    def enrol(self, finger="thumb", pin="1234"):
        """Enrol a finger from the first sample to the last; its template ID."""
        token = self.token(pin, 8)
        self.finger = finger
        answer = self.good(9, self.enrol_members(1, token=token))
        identity = answer[4]
        while answer[6]:
            answer = self.good(9, self.enrol_members(2, {1: identity}, token=token))
        return identity

    def write_blob_members(self, data, offset=0, length=None, *, token=None):
        members = {2: data, 3: offset}
        if length is not None:
            members[4] = length
        if token:
            message = b"\xff" * 32 + b"\x0c\x00" + offset.to_bytes(4, "little")
            members[5] = self.protocol().authenticate(token, message + sha256(data).digest())
            members[6] = self.protocol().VERSION
        return members


_MAKE = {
    "cdh": 1, "params": 4, "exclude": 5, "extensions": 6, "param": 8, "protocol": 9,
    "enterprise": 10, "formats": 11,
}  # fmt: skip
_GET = {"cdh": 2, "allow": 3, "extensions": 4, "options": 5, "param": 6, "protocol": 7}


def named(keys, members):
    result = {}
    for name, value in members.items():
        ids = name in ("exclude", "allow") and all(isinstance(item, bytes) for item in value)
        listed = [{"id": item, "type": "public-key"} for item in value] if ids else value
        result[keys[name]] = listed
    return result


class MemoryDevice(CtapDevice):
    """python-fido2's way to a key, whose owner touches at once."""

    def __init__(self, key: Key) -> None:
        self.key = key

    @property
    def capabilities(self) -> int:
        return int(self.key.authenticator.capabilities)

    def call(self, cmd, data=b"", event=None, on_keepalive=None) -> bytes:
        if cmd == CTAPHID.CBOR:
            transaction = self.key.authenticator.begin_cbor(1, data, self.key.transport)
            if on_keepalive and transaction.under_way:
                on_keepalive(transaction.status)
            return self.key.serve(transaction)
        for _ in itertools.count():
            transaction = self.key.authenticator.begin_u2f(1, data, self.key.transport)
            if transaction.wants is None or not self.key.touches:
                return transaction.response
            transaction.touch()
            if data[1] == 2 and data[2] == 7:
                return transaction.response
        raise AssertionError

    @classmethod
    def list_devices(cls) -> Any:
        return iter(())


@pytest.fixture(scope="session")
def make_key():
    return Key


@pytest.fixture
def key():
    return Key()


@pytest.fixture
def owned(key):
    """A key with the PIN 1234."""
    assert key.set_pin("1234") == 0
    return key


@pytest.fixture
def device():
    return MemoryDevice
