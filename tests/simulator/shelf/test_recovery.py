"""A root user's recovery becomes a step that is replayed with the same verdict."""

from collections.abc import Callable

import pytest

from mfalab.simulator.shelf.shelf import Shelf
from mfalab.verifier import SecondPage, ServiceError, SignedIn

from .conftest import FOB, People, steps_of


@pytest.fixture
def locked_out(shelf: Shelf, people: People) -> Callable[[], str]:
    """Brings root, who has a fob, to the page of recovery by mail and telephone."""
    people.verifier.set_password(people.account, "Secret-of-root-1")
    console = people.verifier.console
    shelf.put({"fob": {**FOB, "owner": "root"}})
    first = console.sign_in_root("root@example.com", "Secret-of-root-1")
    assert isinstance(first, SignedIn)
    console.enable_device(
        first.credentials,
        serial=shelf.device("fob").known_serial(),
        code1=people.code("fob", -1),
        code2=people.code("fob"),
    )

    def begin() -> str:
        page = console.sign_in_root("root@example.com", "Secret-of-root-1")
        assert isinstance(page, SecondPage)
        recovery = console.recovery.start(page.id)
        shelf.advance(7 * 10**9)
        console.recovery.send_mail(recovery)
        return recovery

    return begin


def test_recovery_of_root_is_one_step(
    shelf: Shelf, people: People, locked_out: Callable[[], str]
) -> None:
    way = people.verifier.console.recovery
    recovery = locked_out()
    shelf.advance(90 * 10**9)
    way.follow_link(shelf.lab.messaging.mails[-1].token)
    digits = way.call(recovery)
    with pytest.raises(ServiceError):
        way.enter_digits(recovery, "000000" if digits != "000000" else "111111")
    shelf.advance(20 * 10**9)
    digits = way.call(recovery)
    way.enter_digits(recovery, digits)
    session = way.finish(recovery)
    shelf.advance(60 * 10**9)
    people.verifier.console.change_password(
        session.credentials, old_password="Secret-of-root-1", new_password="Secret-of-root-2"
    )
    steps = steps_of(shelf)
    assert steps[2:] == [
        "{do: sign_in, who: root, expect: {refused: MfaRequired}}",
        "{do: recover, who: root, call: wrong digits, wrong_digits: 1, mail_after: 90.000 s}",
        "{do: wait, until: 2026-03-02T09:02:57.000Z}",
        "{do: change_password, who: root}",
    ], steps


@pytest.mark.parametrize(
    ("late_s", "followed", "step"),
    [
        (100_000, True, "mail_after: 100000.000 s"),
        (1, False, "mail: not followed"),
    ],
)
def test_recovery_that_is_refused(
    shelf: Shelf,
    people: People,
    locked_out: Callable[[], str],
    late_s: int,
    followed: bool,
    step: str,
) -> None:
    way = people.verifier.console.recovery
    recovery = locked_out()
    shelf.advance(late_s * 10**9)
    token = shelf.lab.messaging.mails[-1].token
    with pytest.raises(ServiceError):
        way.follow_link(token) if followed else way.call(recovery)
    *_, last = steps_of(shelf)
    assert last.startswith(f"{{do: recover, who: root, {step}, expect: {{refused: ")
