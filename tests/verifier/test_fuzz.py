"""What pages and programmers may pass to the console and the verifier: any value, one at a time.

Every argument of every public method is spoilt in turn while the others are as they should be. What
is no type that the method takes is an error that is documented, before anything is written; what is
one has an answer of the service. Answers of security keys have a fuzz test of their own
(webauthn/test_fuzz.py), as have store files (store/test_damage.py), parameters and policies.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mfalab.verifier import (
    Conflict,
    Credentials,
    DeviceKind,
    MovingFactor,
    ServiceError,
    SmsMode,
    SqliteStore,
    TokenSeed,
    Verifier,
)
from mfalab.verifier.authorization import Door
from mfalab.verifier.console import Console
from mfalab.verifier.recovery import RootRecovery
from mfalab.verifier.webauthn.outcomes import CeremonyFailed

ACCOUNT = "123456789012"
DEEP: list[Any] = []
for _ in range(5_000):
    DEEP = [DEEP]
WRONG_TYPES: list[Any] = [
    None,
    True,
    0,
    1.5,
    float("nan"),
    10**30,
    b"bytes",
    [],
    ["text"],
    {},
    {"error": {"name": "NotAllowedError"}},
    set(),
    object(),
    DEEP,
    int,
    print,
    DeviceKind.SMS,
    Credentials("AKIA", "secret", 5),  # type: ignore[arg-type]
    Credentials([], {}),  # type: ignore[arg-type]
]
TEXTS = ["", " ", "\0", "\ud800", "\udfff x", "x" * 100_000, "٠١٢٣٤٥", "é", "'; --", "000000", "%s"]
SEEDS = [
    TokenSeed("GAHT00000001", b""),
    TokenSeed("GAHT00000002", b"seed", algorithm="MD5"),
    TokenSeed("GAHT00000003", b"seed", digits=0),
    TokenSeed("GAHT00000004", b"seed", period_s=0),
    TokenSeed("GAHT00000005", b"seed", moving_factor=MovingFactor.EVENT, counter=-1),
    TokenSeed(5, b"seed"),  # type: ignore[arg-type]
    TokenSeed("GAHT00000006", "seed"),  # type: ignore[arg-type]
    TokenSeed("GAHT00000007", b"seed", counter=1 << 64),
]


def methods_of(kind: type) -> list[str]:
    return [
        name
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]


class World:
    """A company on disk, and good arguments for everything."""

    def __init__(self, company: Any) -> None:
        self.company = company
        company.set(sms=SmsMode.PREVIEW)
        phone = company.enrol("alice")
        company.enrol_root()
        company.enrol_sms("bob")
        ada = company.signed_in("ada").credentials
        console, recovery = company.console, company.console.recovery
        page, root_page = company.page("alice"), company.root_page()
        started = recovery.start(root_page.id)
        recovery.send_mail(started)
        token = company.outbox.mails[-1][3]
        role = company.verifier.create_role(ACCOUNT, "reader", trusts=[ACCOUNT])
        self.good: dict[str, Any] = {
            "account_id": ACCOUNT,
            "user_name": "alice",
            "password": "alice pw",
            "old_password": "alice pw",
            "new_password": "another pw",
            "action": "iam:GetUser",
            "door": Door.STS,
            "email": "root@example.com",
            "page_id": page.id,
            "kind": DeviceKind.VIRTUAL,
            "code": phone.code(1),
            "code1": phone.code(1),
            "code2": phone.code(2),
            "response": {},
            "credentials": ada,
            "name": "name",
            "serial": phone.serial,
            "phone": "+15550199",
            "recovery_id": started,
            "token": token,
            "digits": "123456",
            "root_email": "other@example.com",
            "root_password": "pw",
            "identity_id": company.ids["alice"],
            "trusts": [ACCOUNT],
            "seeds": [TokenSeed("GAHT99999999", b"seed")],
            "registration_data": b"\x05\x04" + bytes(100),
            "client_data_hash": bytes(32),
            "role": role,
            "operation": "CreateUser",
            "error": ServiceError("X", "x", 400),
        }
        self.doors: list[tuple[Any, list[str]]] = [
            (console, methods_of(Console)),
            (recovery, methods_of(RootRecovery)),
            (company.verifier, methods_of(Verifier)),
        ]

    def calls(self) -> Iterator[tuple[Callable[..., object], dict[str, Any], str]]:
        """Every method with good arguments, and which of them is to be spoilt."""
        for door, names in self.doors:
            for name in names:
                method = getattr(door, name)
                parameters = [
                    each
                    for each in inspect.signature(method).parameters.values()
                    if each.name != "call"
                ]
                given = {
                    each.name: self.good.get(each.name, "x")
                    for each in parameters
                    if each.default is each.empty
                }
                for each in parameters:
                    yield method, given, each.name

    def everything(self) -> dict[str, list[object]]:
        found: dict[str, list[object]] = self.company.everything()
        return found


@pytest.fixture
def world(tmp_path: Any, new_company: Callable[[Any], Any]) -> Iterator[World]:
    with SqliteStore(tmp_path / "verifier.db") as store:
        yield World(new_company(store))


def answer(method: Callable[..., object], given: dict[str, Any]) -> Exception | None:
    """How a call ended; anything that is not documented is raised."""
    try:
        method(**given)
    except (ServiceError, Conflict, CeremonyFailed) as error:
        return error
    except (TypeError, ValueError) as error:
        if isinstance(getattr(method, "__self__", None), Verifier):
            return error
        raise
    return None


def test_every_argument_of_every_type(world: World) -> None:
    for method, given, spoilt in list(world.calls()):
        before = world.everything()
        for junk in WRONG_TYPES:
            taken = answer(method, {**given, spoilt: junk})
            if isinstance(taken, TypeError):
                assert " must be " in str(taken), (method, spoilt, junk, taken)
            after = world.everything()
            if isinstance(taken, TypeError) or getattr(taken, "code", "") == "ValidationError":
                assert after == before, (method, spoilt, junk)
            before = after


def test_every_text_is_answered(world: World) -> None:
    for method, given, spoilt in list(world.calls()):
        for junk in TEXTS:
            answer(method, {**given, spoilt: junk})


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: str(seed.serial))
def test_tokens_with_impossible_figures_are_refused(world: World, seed: TokenSeed) -> None:
    before = world.everything()
    with pytest.raises((TypeError, ValueError)):
        world.company.verifier.register_tokens([seed])
    assert world.everything() == before


def test_wrong_types_have_one_text(world: World) -> None:
    with pytest.raises(ServiceError) as caught:
        world.company.console.sign_in(ACCOUNT, 5, ["pw"])
    assert caught.value.args == (
        "ValidationError",
        (
            "2 validation errors detected: Value at 'user_name' failed to satisfy constraint: "
            "Member must be a string, not int; Value at 'password' failed to satisfy constraint: "
            "Member must be a string, not list"
        ),
        400,
    )
    with pytest.raises(TypeError, match="root_email must be a string, not NoneType"):
        world.company.verifier.create_account("210987654321", root_email=None, root_password="")
