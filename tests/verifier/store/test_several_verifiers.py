"""Verifiers on one database: what one has written, the next one decides by."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier import AWS_OBSERVED, ServiceError, SignedIn, Store, open_store
from mfalab.verifier.store.protocol import Transaction


class Relay:
    """A store whose transactions go to each of several stores in turn, as a load balancer's do."""

    def __init__(self, stores: list[Store]) -> None:
        self._next = cycle(stores)

    def transaction(self) -> AbstractContextManager[Transaction]:
        return next(self._next).transaction()

    def together(self) -> AbstractContextManager[None]:
        return next(self._next).together()

    def when_durable(self, action: Callable[[], None]) -> None:
        action()

    def close(self) -> None: ...


@pytest.fixture(params=["sqlite", "postgresql"])
def company(
    request: pytest.FixtureRequest, tmp_path: Path, new_company: Callable[[Any], Any]
) -> Iterator[Any]:
    """Whose every operation reaches another verifier than the one before."""
    place = str(tmp_path / "verifier.db")
    if request.param == "postgresql":
        server: Any = request.getfixturevalue("postgresql")
        place = server.database("relay")
    with ExitStack() as stack:
        stores = [open_store(place) for _ in range(3)]
        for store in stores:
            stack.callback(store.close)
        yield new_company(Relay(stores))


def test_page_session_replay_and_throttle_hold_across_verifiers(company: Any) -> None:
    phone = company.enrol()
    company.clock.advance(90)
    page = company.page()
    code = phone.code()
    company.fail_code(page, phone.wrong_code())
    signed_in = company.console.submit_code(page.id, code)
    assert isinstance(signed_in, SignedIn)
    again = company.page()
    company.fail_code(again, code)
    with pytest.raises(ServiceError):
        company.console.submit_code(page.id, phone.code(1))
    session = company.mfa_session(phone, step=1)
    assert company.iam(session).list_mfa_devices()["MFADevices"][0]["SerialNumber"] == phone.serial
    with pytest.raises(ServiceError):
        company.mfa_session(phone, step=1)
    company.set(throttle_budget=4)
    with pytest.raises(ServiceError):
        company.mfa_session(phone, step=2)  # four attempts were counted, wherever they came


def test_delays_hold_across_verifiers(company: Any) -> None:
    company.verifier.profile = AWS_OBSERVED
    phone = company.enrol()
    with pytest.raises(ServiceError):  # STS has not heard of it, whichever verifier is asked
        company.mfa_session(phone, step=-2)
    company.clock.advance(9.5)
    company.mfa_session(phone, step=-2)
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=phone.serial)
    assert company.serials() == []
    company.mfa_session(phone, step=1)  # and it goes on to believe in it
    company.clock.advance(13.5)
    with pytest.raises(ServiceError):
        company.mfa_session(phone, step=2)
