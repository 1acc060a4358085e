"""Sign-ins become steps that are replayed with the same verdicts."""

import pytest

from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.story import write_story
from mfalab.verifier import ServiceError, SignedIn

from .conftest import FOB, People, signed_in, steps_of


def test_sign_ins_are_one_step_or_two(shelf: Shelf, with_password: People) -> None:
    people, console = with_password, with_password.verifier.console
    shelf.put({"fob": FOB})
    with pytest.raises(ServiceError):
        console.sign_in(people.account, "alice", "something else")
    result = console.sign_in(people.account, "alice", "Secret-of-alice-1")
    assert isinstance(result, SignedIn)
    console.enable_device(
        result.credentials,
        serial=shelf.device("fob").known_serial(),
        code1=people.code("fob", -1),
        code2=people.code("fob"),
    )
    shelf.advance(60 * 10**9)
    page = signed_in(people)
    shelf.advance(5 * 10**9)
    with pytest.raises(ServiceError):
        console.submit_code(page.id, "000000")
    shelf.advance(5 * 10**9)
    assert isinstance(console.submit_code(page.id, people.code("fob")), SignedIn)
    signed_in(people)
    steps = steps_of(shelf)
    text = write_story(shelf)
    assert "ecret-of" not in text
    assert "something else" not in text
    failed = "refused: InvalidAuthenticationCode, decision: wrong"
    assert steps == [
        "{do: sign_in, who: alice, password: wrong, expect: {refused: FailedAuthentication}}",
        "{do: sign_in, who: alice}",
        "{do: enable, who: alice, using: console, device: fob, codes: [-1 steps, current]}",
        "{do: wait, for: 65 s}",
        f"{{do: sign_in, who: alice, with: fob, code: wrong, expect: {{{failed}}}}}",
        "{do: wait, until: 2026-03-02T09:01:10.000Z}",
        "{do: try_again, who: alice, with: fob}",
        "{do: sign_in, who: alice, expect: {refused: MfaRequired}}",
    ]


def test_password_that_is_not_taken_is_not_changed_in_the_story(
    shelf: Shelf, with_password: People
) -> None:
    people, console = with_password, with_password.verifier.console
    result = console.sign_in(people.account, "alice", "Secret-of-alice-1")
    assert isinstance(result, SignedIn)
    for old, new in (("mistyped", "Secret-of-alice-2"), ("Secret-of-alice-1", "weak")):
        with pytest.raises(ServiceError):
            console.change_password(result.credentials, old_password=old, new_password=new)
    console.change_password(
        result.credentials, old_password="Secret-of-alice-1", new_password="Secret-of-alice-2"
    )
    change = "{do: change_password, who: alice, using: console"
    assert steps_of(shelf)[1:] == [
        f"{change}, old: wrong, expect: {{refused: AccessDenied}}}}",
        f"{change}, new: a, expect: {{refused: PasswordPolicyViolation}}}}",
        f"{change}}}",
    ]
    for secret in ("mistyped", "ecret-of", "weak"):
        assert secret not in write_story(shelf)
