"""Each operation is one transaction: what is refused leaves no trace but its cost."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.verifier import CHEAP, DeviceKind, MemoryStore, ServiceError, SmsMode, Verifier

ACCOUNT = "123456789012"
COSTS = {"Budget", "SignIn", "SmsChallenge", "Recovery"}
"""What a refused attempt may change: budgets, a page's failures, tries of a code or a call."""


def lasting(company: Any) -> dict[str, list[Any]]:
    """All records but costs, without the last use of keys."""
    everything = company.everything()
    everything["AccessKey"] = [replace(key, uses=()) for key in everything["AccessKey"]]
    return {kind: records for kind, records in everything.items() if kind not in COSTS}


class People:
    """People who do things in any order, sensible or not."""

    def __init__(self, company: Any) -> None:
        self.company = company
        company.set(sms=SmsMode.PREVIEW, devices_per_identity=2, console_locked_after=4)
        self.tokens = [company.create("one"), company.create("two"), company.ship()]
        self.sessions: list[Any] = [company.signed_in("ada").credentials]
        self.pages: list[str] = []

    def act(self, verb: str, who: str, user: str, which: int, steps: tuple[int, int]) -> None:
        company, token = self.company, self.tokens[which]
        caller = self.sessions[which % len(self.sessions)] if who == "session" else who
        one, two = token.code(steps[0]), token.code(steps[1])
        pair = {
            "UserName": user,
            "SerialNumber": token.serial,
            "AuthenticationCode1": one,
            "AuthenticationCode2": two,
        }
        console, page = company.console, self.pages[-1] if self.pages else "PAGE"
        match verb:
            case "create":
                company.iam(caller).create_virtual_mfa_device(VirtualMFADeviceName="one")
            case "enable":
                company.iam(caller).enable_mfa_device(**pair)
            case "resync":
                company.iam(caller).resync_mfa_device(**pair)
            case "deactivate":
                company.iam(caller).deactivate_mfa_device(UserName=user, SerialNumber=token.serial)
            case "delete":
                company.iam(caller).delete_virtual_mfa_device(SerialNumber=token.serial)
            case "delete user":
                company.iam(caller).delete_user(UserName=user)
            case "session":
                answer = company.sts(caller).get_session_token(
                    SerialNumber=token.serial, TokenCode=one
                )["Credentials"]
                self.sessions.append(
                    company.keys["ada"].__class__(
                        answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]
                    )
                )
            case "sign in":
                shown = console.sign_in(ACCOUNT, user, f"{user} pw")
                self.pages.append(getattr(shown, "id", "PAGE"))
            case "choose":
                console.choose(page, list(DeviceKind)[which])
            case "submit":
                console.submit_code(page, one)
            case "resend":
                console.resend_code(page)
            case "page resync":
                console.resync(page, one, two)
            case "register sms":
                console.register_sms(self.sessions[0], phone=f"+1555000{which}", user_name=user)
            case "confirm sms":
                serial = f"arn:aws:iam::{ACCOUNT}:sms-mfa/{user}"
                console.confirm_sms(self.sessions[0], serial=serial, code=one)


VERBS = [
    "create",
    "enable",
    "resync",
    "deactivate",
    "delete",
    "delete user",
    "session",
    "sign in",
    "choose",
    "submit",
    "resend",
    "page resync",
    "register sms",
    "confirm sms",
]
ACTIONS = st.tuples(
    st.sampled_from(VERBS),
    st.sampled_from(["ada", "alice", "bob", "root", "session"]),
    st.sampled_from(["alice", "bob", "nobody"]),
    st.integers(0, 2),
    st.sampled_from([(-1, 0), (0, 1), (1, 2), (0, 0), (2, 1), (40, 41)]),
)


@pytest.mark.slow
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(ACTIONS, min_size=5, max_size=25), st.integers(0, 40))
def test_refused_operations_change_nothing_but_costs(
    new_company: Callable[[Any], Any], actions: list[Any], pause: int
) -> None:
    people = People(new_company(MemoryStore()))
    for action in actions:
        people.company.clock.advance(pause)
        before = lasting(people.company)
        try:
            people.act(*action)
        except ServiceError:
            assert lasting(people.company) == before
        limit = people.company.verifier.profile.devices_per_identity
        owners = [device.owner_id for device in people.company.everything()["Device"]]
        assert all(owners.count(owner) <= limit for owner in owners if owner)


def test_refused_code_costs_an_attempt_and_a_refused_request_none(company: Any) -> None:
    token = company.enrol()
    for _ in range(3):
        with pytest.raises(ServiceError):
            company.session(SerialNumber=token.serial, TokenCode=token.wrong_code())
        with pytest.raises(ServiceError):
            company.session(SerialNumber=token.serial, TokenCode="1")
    (budget,) = company.everything()["Budget"]
    assert budget.attempts == 3


def test_code_that_two_requests_bring_at_once_is_accepted_once(
    new_company: Callable[[Any], Any], store: Any
) -> None:
    company = new_company(store)
    token = company.enrol()
    outcomes: list[str] = []
    gate = threading.Barrier(4)

    def request() -> None:
        gate.wait()
        try:
            company.mfa_session(token)
            outcomes.append("accepted")
        except ServiceError:
            outcomes.append("refused")

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "refused", "refused", "refused"]


@pytest.mark.slow
def test_everything_is_in_the_store(new_company: Callable[[Any], Any], store: Any) -> None:
    """Each step is done by a verifier that knows nothing but the store."""
    company = new_company(store)
    company.set(sms=SmsMode.PREVIEW)
    profile = company.verifier.profile
    salt = iter(range(10**6))

    def fresh() -> Verifier:
        made = Verifier(
            store=store,
            clock=company.clock,
            random_bytes=lambda count: f"restart {next(salt):06}".encode().ljust(count)[-count:],
            profile=profile,
            password_cost=CHEAP,
            outbox=company.outbox,
        )
        company.verifier, company.console = made, made.console
        return made

    fob = company.ship()
    fresh()
    company.enable(fob)
    fresh()
    page = company.page()
    signed_in = fresh().console.submit_code(page.id, fob.code())
    with pytest.raises(ServiceError, match="invalid MFA one time pass code"):
        fresh().sts(company.keys["alice"]).get_session_token(
            SerialNumber=fob.serial, TokenCode=fob.code()
        )
    fresh().console.register_sms(signed_in.credentials, phone="+15550123")
    serial = f"arn:aws:iam::{ACCOUNT}:sms-mfa/alice"
    fresh().console.confirm_sms(
        signed_in.credentials, serial=serial, code=company.outbox.last_code()
    )
    assert fresh().console.users(signed_in.credentials)[1] == {
        "UserName": "alice",
        "MFA": "Hardware, SMS",
    }
    fresh().iam(company.keys["ada"]).generate_credential_report()
    assert fresh().iam(company.keys["ada"]).get_credential_report()["Content"]
    company.enrol_root()
    started = fresh().console.recovery.start(company.root_page().id)
    fresh().console.recovery.send_mail(started)
    fresh().console.recovery.follow_link(company.outbox.mails[-1][3])
    digits = fresh().console.recovery.call(started)
    fresh().console.recovery.enter_digits(started, digits)
    assert fresh().console.recovery.finish(started).identity_id == ACCOUNT
    for owned in (fob.serial, serial):
        fresh().iam(company.keys["ada"]).deactivate_mfa_device(UserName="alice", SerialNumber=owned)
    company.delete_user()
    company.enable(fob, "bob", second=2)
    assert company.serials("bob") == [fob.serial]
