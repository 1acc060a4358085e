"""A small company to test with: root, Ada the administrator, Alice and Bob, and their devices."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest

from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    Credentials,
    Decision,
    Iam,
    MemoryStore,
    SecondPage,
    ServiceError,
    SignedIn,
    SqliteStore,
    Store,
    Sts,
    TokenSeed,
    TrailEvent,
    Verifier,
    otp,
)
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Service
from mfalab.verifier.records import Device, DeviceKind
from mfalab.verifier.service_model import Shape, service_model

ACCOUNT = "123456789012"
BAD_CODE = ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
START_S = 1_772_442_000  # 2026-03-02T09:00:00Z, the first second of a step and of a 180 s window


class SettableClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ns = START_S * 10**9

    def now_ns(self) -> int:
        return self.ns

    def advance(self, seconds: float) -> None:
        self.ns += round(seconds * 10**9)


@pytest.fixture(params=["compiled", "python"])
def twin(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which of the two key schedules computes codes."""
    if request.param == "compiled":
        request.getfixturevalue("compiled_codes")
    monkeypatch.setattr(otp, "COMPILED", request.param == "compiled")
    otp.key_schedule.cache_clear()
    yield request.param
    otp.key_schedule.cache_clear()


@dataclass
class Postbox:
    """Keeps what the verifier sends."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    mails: list[tuple[str, str, str, str]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)

    def send_sms(self, number: str, text: str) -> None:
        self.messages.append((number, text))

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None:
        self.mails.append((address, subject, text, token))

    def place_call(self, number: str, call_id: str) -> None:
        self.calls.append((number, call_id))

    def last_code(self) -> str:
        return self.messages[-1][1].rpartition(" ")[2]


@dataclass(frozen=True)
class Token:
    """What shows codes, as pyotp computes them."""

    serial: str
    seed: str
    clock: SettableClock

    def code(self, step: int = 0) -> str:
        """The code of the step so many steps from now."""
        return pyotp.TOTP(self.seed).at(self.clock.ns // 10**9 + 30 * step)

    def pair(self, second: int = 0) -> tuple[str, str]:
        """Two consecutive codes, the second so many steps from now."""
        return self.code(second - 1), self.code(second)

    def wrong_code(self) -> str:
        """A code of no step that could be accepted."""
        near = {self.code(step) for step in range(-20, 21)}
        return next(code for code in (f"{n:06}" for n in range(100)) if code not in near)


class Company:
    """The verifier with people in it, and short ways to what tests do all the time."""

    def __init__(
        self, verifier: Verifier, clock: SettableClock, outbox: Postbox, observed: list[Any]
    ) -> None:
        self.verifier, self.clock, self.outbox, self.observed = verifier, clock, outbox, observed
        self.store = verifier.store
        self.console = verifier.console
        verifier.create_account(
            ACCOUNT, root_email="root@example.com", root_password="root pw", root_phone="+15550100"
        )
        self.ids = {"root": ACCOUNT}
        for name, administrator in (("alice", False), ("bob", False), ("ada", True)):
            self.ids[name] = verifier.create_user(
                ACCOUNT, name, password=f"{name} pw", administrator=administrator
            ).id
        self.keys = {name: verifier.create_access_key(key) for name, key in self.ids.items()}

    def iam(self, who: str | Credentials) -> Iam:
        return self.verifier.iam(self.keys[who] if isinstance(who, str) else who)

    def sts(self, who: str | Credentials) -> Sts:
        return self.verifier.sts(self.keys[who] if isinstance(who, str) else who)

    def set(self, **fields: Any) -> None:
        self.verifier.profile = replace(self.verifier.profile, **fields)

    def create(self, name: str = "phone", by: str = "ada") -> Token:
        made = self.iam(by).create_virtual_mfa_device(VirtualMFADeviceName=name)
        device = made["VirtualMFADevice"]
        return Token(device["SerialNumber"], device["Base32StringSeed"].decode(), self.clock)

    def enable(self, token: Token, user: str = "alice", by: str = "ada", second: int = 0) -> None:
        one, two = token.pair(second)
        self.iam(by).enable_mfa_device(
            UserName=user,
            SerialNumber=token.serial,
            AuthenticationCode1=one,
            AuthenticationCode2=two,
        )

    def resync(self, token: Token, user: str = "alice", by: str = "ada", second: int = 0) -> None:
        one, two = token.pair(second)
        self.iam(by).resync_mfa_device(
            UserName=user,
            SerialNumber=token.serial,
            AuthenticationCode1=one,
            AuthenticationCode2=two,
        )

    def enrol(self, user: str = "alice", name: str = "phone") -> Token:
        token = self.create(name)
        self.enable(token, user)
        return token

    def enrol_root(self, name: str = "root-account-mfa-device") -> Token:
        root = self.signed_in_root()
        made = self.console.create_virtual_device(root.credentials, name)["VirtualMFADevice"]
        token = Token(made["SerialNumber"], made["Base32StringSeed"].decode(), self.clock)
        one, two = token.pair()
        self.console.enable_device(root.credentials, serial=token.serial, code1=one, code2=two)
        return token

    def ship(self, serial: str = "GAHT12345678") -> Token:
        secret = hashlib.sha1(serial.encode()).digest()
        self.verifier.register_tokens([TokenSeed(serial, secret)])
        import base64

        return Token(serial, base64.b32encode(secret).decode(), self.clock)

    def insert_key(self, user: str = "alice", name: str = "key") -> str:
        """A security key that some earlier registration left in the store."""
        serial = f"arn:aws:iam::{ACCOUNT}:u2f/user/{user}/{name}-EXAMPLE"
        now = self.clock.now_ns()
        with self.store.transaction() as tx:
            tx.insert(
                Device(
                    id=f"MFA{user}{name}",
                    kind=DeviceKind.FIDO,
                    serial=serial,
                    account_id=ACCOUNT,
                    name=name,
                    path="/",
                    created_ns=now,
                    owner_id=self.ids[user],
                    enabled_ns=now,
                )
            )
        return serial

    def enrol_sms(self, user: str = "alice", phone: str = "+15550123") -> str:
        ada = self.signed_in("ada").credentials
        serial = self.console.register_sms(ada, phone=phone, user_name=user)
        self.console.confirm_sms(ada, serial=serial, code=self.outbox.last_code())
        return serial

    def delete_user(self, user: str = "alice", by: str = "ada") -> None:
        """By the API: policies, access keys and password have to go before the user."""
        iam = self.iam(by)
        for attached in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=user, PolicyArn=attached["PolicyArn"])
        for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
        iam.delete_login_profile(UserName=user)
        iam.delete_user(UserName=user)

    def page(self, user: str = "alice") -> SecondPage:
        page = self.console.sign_in(ACCOUNT, user, f"{user} pw")
        assert isinstance(page, SecondPage)
        return page

    def root_page(self) -> SecondPage:
        page = self.console.sign_in_root("root@example.com", "root pw")
        assert isinstance(page, SecondPage)
        return page

    def fail_code(self, page: SecondPage, code: str, times: int = 1) -> None:
        """Type a code on the second page that must be refused as not valid."""
        for _ in range(times):
            with pytest.raises(ServiceError) as caught:
                self.console.submit_code(page.id, code)
            assert caught.value.args == BAD_CODE

    def signed_in(self, user: str = "alice") -> SignedIn:
        session = self.console.sign_in(ACCOUNT, user, f"{user} pw")
        assert isinstance(session, SignedIn)
        return session

    def signed_in_root(self) -> SignedIn:
        session = self.console.sign_in_root("root@example.com", "root pw")
        assert isinstance(session, SignedIn)
        return session

    def mfa_session(self, token: Token, who: str = "alice", step: int = 0) -> Credentials:
        """GetSessionToken with MFA."""
        return self.session(who, SerialNumber=token.serial, TokenCode=token.code(step))

    def session(self, who: str = "alice", **parameters: Any) -> Credentials:
        return Credentials.of(self.sts(who).get_session_token(**parameters))

    def serials(self, user: str = "alice") -> list[str]:
        listed = self.iam("ada").list_mfa_devices(UserName=user)["MFADevices"]
        return [device["SerialNumber"] for device in listed]

    def decisions(self) -> list[Decision]:
        return [seen for seen in self.observed if isinstance(seen, Decision)]

    def trail(self, name: str) -> list[TrailEvent]:
        return [
            seen for seen in self.observed if isinstance(seen, TrailEvent) and seen.name == name
        ]

    def everything(self) -> dict[str, list[object]]:
        """All records of the store."""
        from mfalab.verifier.records import RECORD_TYPES

        with self.store.transaction() as tx:
            return {kind.__name__: tx.find(kind) for kind in RECORD_TYPES}


def counted_bytes() -> Callable[[int], bytes]:
    """Bytes that differ from call to call and not from run to run."""
    calls = iter(range(10**9))

    def random_bytes(count: int) -> bytes:
        return hashlib.shake_128(str(next(calls)).encode()).digest(count)

    return random_bytes


def stream(name: str) -> Callable[[int], bytes]:
    """The stream of this name, at its start."""
    return lambda count: hashlib.shake_128(name.encode()).digest(count)


def company_on(store: Store) -> Company:
    clock, outbox, observed = SettableClock(), Postbox(), []
    verifier = Verifier(
        store=store,
        clock=clock,
        random_bytes=counted_bytes(),
        profile=AWS_IMMEDIATE,
        delays=stream,
        password_cost=CHEAP,
        outbox=outbox,
        observer=observed.append,
    )
    return Company(verifier, clock, outbox, observed)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    with SqliteStore(tmp_path / "verifier.db") as sqlite:
        yield sqlite


def misfits(shape: Shape, value: Any, at: str) -> Iterator[str]:
    """Where an answer is not as the service model has it; policies are parsed, as boto3's."""
    if shape.kind == "structure":
        if not isinstance(value, dict):
            yield f"{at} is {value!r}"
            return
        for name, member in value.items():
            if name not in shape.members:
                yield f"{at} has {name}"
            else:
                yield from misfits(shape.members[name], member, f"{at}.{name}")
        missing = shape.required - value.keys() - {"UserName", "Path"}  # root has neither
        yield from (f"{at} lacks {name}" for name in missing)
    elif shape.kind == "list" and isinstance(value, list) and shape.element is not None:
        for each in value:
            yield from misfits(shape.element, each, f"{at}[]")
    elif not isinstance(value, _TYPES[shape.kind]) or (
        shape.kind == "string" and isinstance(value, dict) and "ocument" not in shape.name
    ):
        yield f"{at} is {value!r}"


_TYPES: dict[str, Any] = {
    "list": list,
    "map": dict,
    "string": (str, dict),
    "integer": int,
    "boolean": bool,
    "timestamp": datetime,
    "blob": bytes,
}


@pytest.fixture(autouse=True)
def answers_fit_the_service_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer in every test of the verifier, whatever else the test is about."""
    perform = Service.perform

    def checked(service: Service, operation: str, door: Door, *args: Any, **words: Any) -> Any:
        answer = perform(service, operation, door, *args, **words)
        if door is not Door.CONSOLE:
            output = service_model(door.value).operation(operation).output
            wrong = list(misfits(output or Shape("", "structure"), answer, operation))
            assert not wrong, wrong
        return answer

    monkeypatch.setattr(Service, "perform", checked)


@pytest.fixture(scope="session")
def fresh_company() -> Callable[[], Company]:
    """Makes a company, for each of many examples."""
    return lambda: company_on(MemoryStore())


@pytest.fixture
def company() -> Company:
    return company_on(MemoryStore())


@pytest.fixture
def clock(company: Company) -> SettableClock:
    return company.clock


@pytest.fixture
def refused() -> Callable[..., Any]:
    """Expects one refusal, with its exact code, text and status."""

    @contextmanager
    def expect(code: str, message: str, status: int) -> Iterator[None]:
        with pytest.raises(ServiceError) as caught:
            yield
        assert caught.value.args == (code, message, status)

    return expect


@pytest.fixture
def new_company() -> Callable[[Store], Company]:
    return company_on
