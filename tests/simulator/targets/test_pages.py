"""Pages before a verifier that has none: who may see which, and what another's code raises."""

from __future__ import annotations

from typing import Any, cast

import pytest

from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.target import NotOffered, Premises, TargetFailed
from mfalab.simulator.targets.pages import Pages, told
from mfalab.verifier import DeviceKind, SecondPage, ServiceError, SignedIn


class Some(Pages):
    """Pages of people with devices of these kinds."""

    kinds: tuple[DeviceKind, ...] = ()

    def kinds_of(self, identity_id: str) -> tuple[DeviceKind, ...]:
        return self.kinds


class Clocked:
    clock = Timeline(5)


@pytest.fixture
def pages() -> Some:
    made = Some("mine", cast("Premises", Clocked()))
    made.create_account("123456789012", root_email="r@example.com", alias=None)
    made.create_user("123456789012", "alice", password="right", path="/", administrator=False)
    return made


def test_password_opens_the_page_of_its_user(pages: Some) -> None:
    result = pages.sign_in("123456789012", "alice", "right")
    assert isinstance(result, SignedIn)
    assert not result.mfa
    for name, password in (("alice", "wrong"), ("bob", "right")):
        with pytest.raises(ServiceError, match="the name or the password is wrong"):
            pages.sign_in("123456789012", name, password)


def test_only_kind_is_chosen_at_once(pages: Some) -> None:
    pages.kinds = (DeviceKind.FIDO,)
    page = pages.sign_in("123456789012", "alice", "right")
    assert isinstance(page, SecondPage)
    assert page.chosen is DeviceKind.FIDO
    pages.kinds = (DeviceKind.VIRTUAL, DeviceKind.HARDWARE)
    page = pages.sign_in("123456789012", "alice", "right")
    assert isinstance(page, SecondPage)
    assert page.chosen is None
    assert pages.choose(page.id, DeviceKind.HARDWARE).chosen is DeviceKind.HARDWARE
    with pytest.raises(ServiceError, match="does not ask for"):
        pages.choose(page.id, DeviceKind.SMS)


def test_whom_a_page_is_for(pages: Some) -> None:
    keys = pages.create_access_key("123456789012/alice")
    assert pages.concerned(keys, None) == "123456789012/alice"
    assert pages.concerned(keys, "bob") == "123456789012/bob"


def test_what_is_not_there_is_told_as_not_offered(pages: Some) -> None:
    with pytest.raises(NotOffered, match="mine has no register sms"):
        _: Any = pages.console.register_sms


@pytest.mark.parametrize("raised", [KeyError("a"), SystemExit(1), OSError("locked")])
def test_what_anothers_code_raises_is_an_error(raised: BaseException) -> None:
    with (
        pytest.raises(TargetFailed, match=f"mine is asked: {type(raised).__name__}"),
        told("mine", "is asked"),
    ):
        raise raised


def test_refusals_stay_refusals() -> None:
    with pytest.raises(ServiceError), told("mine", "is asked"):
        raise ServiceError("No", "no", 403)
