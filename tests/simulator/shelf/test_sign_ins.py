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


def test_code_of_a_device_that_another_has_is_left_out(shelf: Shelf, with_password: People) -> None:
    """A step reads the code from the device: of one that is lost, or broken, nothing is read."""
    people, console = with_password, with_password.verifier.console
    shelf.put({"fob": FOB, "other": {**FOB, "owner": "ada"}})
    people.enable("fob")
    shelf.advance(60 * 10**9)
    with pytest.raises(ServiceError):
        console.submit_code(signed_in(people).id, people.code("other"))
    shelf.step({"do": "lose", "who": "alice", "device": "fob"})
    assert isinstance(console.submit_code(signed_in(people).id, people.code("fob")), SignedIn)
    shelf.step({"do": "find", "who": "alice", "device": "fob"})
    shelf.advance(60 * 10**9)
    last = people.code("fob")
    shelf.step({"do": "break", "device": "fob"})
    page = signed_in(people)
    assert isinstance(console.submit_code(page.id, last), SignedIn)
    opened = "{do: sign_in, who: alice, expect: {refused: MfaRequired}}"
    assert [step for step in steps_of(shelf) if "do: sign_in" in step] == [opened] * 3
    text = write_story(shelf)
    for name in ("fob", "other"):
        left_out = f"its code is of {name}, which alice did not have\n"
        assert f"# not expressed: submit_code (console): {left_out}" in text


def test_code_that_no_step_types_leaves_its_page_open(shelf: Shelf, with_password: People) -> None:
    people, console = with_password, with_password.verifier.console
    shelf.put({"fob": FOB})
    people.enable("fob")
    shelf.advance(60 * 10**9)
    page = signed_in(people)
    code = people.code("fob")
    for typed in (f"{code}\n\n", f"{code[:3]} {code[3:]}"):
        with pytest.raises(ServiceError):
            console.submit_code(page.id, typed)
    assert isinstance(console.submit_code(page.id, code), SignedIn)
    wrong = "expect: {refused: InvalidAuthenticationCode, decision: wrong}"
    assert steps_of(shelf)[2:] == [
        f"{{do: sign_in, who: alice, with: fob, typed: with a space, {wrong}}}",
        "{do: try_again, who: alice, with: fob}",
    ]


def test_pages_and_sessions_that_a_scenario_does_not_have_any_more(
    shelf: Shelf, with_password: People
) -> None:
    """A scenario's person has one browser: of two tabs, the older one is not in the story."""
    people, console = with_password, with_password.verifier.console
    shelf.put({"fob": FOB})
    people.enable("fob")
    shelf.advance(60 * 10**9)
    older, newer = signed_in(people), signed_in(people)
    session = console.submit_code(newer.id, people.code("fob"))
    assert isinstance(session, SignedIn)
    for page in (older, newer):  # a tab that was forgotten, and a second click
        with pytest.raises(ServiceError):
            console.submit_code(page.id, people.code("fob"))
    console.create_virtual_device(session.credentials, name="before")
    with pytest.raises(ServiceError):
        console.sign_in(people.account, "alice", "mistyped in another tab")
    console.create_virtual_device(session.credentials, name="after")
    people.verifier.sts(session.credentials).get_caller_identity()
    shelf.advance(60 * 10**9)
    again = console.submit_code(signed_in(people).id, people.code("fob"))
    assert isinstance(again, SignedIn)
    console.create_virtual_device(again.credentials, name="again")
    console.sign_out(session.credentials)
    console.sign_out(again.credentials)
    with pytest.raises(ServiceError):
        console.create_virtual_device(again.credentials, name="too late")
    steps, text = steps_of(shelf), write_story(shelf)
    assert [step.split(",")[0] for step in steps if "wait" not in step] == [
        "{do: enable",
        "{do: sign_in",
        "{do: sign_in",
        "{do: create",
        "{do: sign_in",
        "{do: sign_in",
        "{do: create",
        "{do: sign_out",
    ]
    left_out = "(console): its page is not the newest of alice, or was used up, 2 times\n"
    assert f"# not expressed: submit_code {left_out}" in text
    left_out = "(console): in a session that alice has left, 2 times\n"
    assert f"# not expressed: create_virtual_device {left_out}" in text
    assert "get_caller_identity" not in text
