"""The shape of the language, read off its models."""

from typing import Any

import pytest

from mfalab.simulator.scenario_files.shape import KEY, known_keys, known_tags, references
from mfalab.simulator.steps import VOCABULARY


@pytest.mark.parametrize(
    ("location", "some"),
    [
        ((), {"scenario", "steps", "matrix", "people"}),
        (("people", "alice"), {"role", "typing", "account"}),
        (("verifier",), {"profile", "window_back", "throttle_window", "clock"}),
        (("verifier", "clock"), {"offset", "drift"}),
        (("devices", "fob", "hardware_totp"), {"drift", "climate", "owner", "kind"}),
        (("steps", 3, "wait"), {"do", "for", "until", "of", "expect"}),
        (("steps", 0, "sign_in", "expect"), {"refused", "message", "status"}),
    ],
)
def test_known_keys_of_a_place(location: tuple[str | int, ...], some: set[str]) -> None:
    assert some <= set(known_keys(location))


def test_keys_are_those_of_the_file_not_of_python() -> None:
    keys = known_keys(("steps", 0, "wait"))
    assert "for" in keys
    assert not [key for key in keys if key.endswith("_")]


def test_kinds_and_verbs_of_a_place() -> None:
    kinds = {"hardware_totp", "hardware_hotp", "totp_app", "sms_phone"}
    assert kinds <= set(known_tags(("devices", "x")))
    assert known_tags(("steps", 0)) == list(VOCABULARY)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"devices": {"fob": {"kind": "hardware_totp", "owner": "alice"}}},
            [(("devices", "fob", "owner"), "person", "alice")],
        ),
        (
            {"steps": [{"do": "sign_in", "who": "a", "with": "fob", "as": "b"}]},
            [
                (("steps", 0, "who"), "person", "a"),
                (("steps", 0, "with"), "device", "fob"),
                (("steps", 0, "as"), "person", "b"),
            ],
        ),
        (
            {"steps": [{"do": "list_users", "who": "ada", "mfa": {"bob": "None"}}]},
            [
                (("steps", 0, "who"), "person", "ada"),
                (("steps", 0, "mfa", "bob", KEY), "person", "bob"),
            ],
        ),
        (
            {"steps": [{"do": "list_devices", "who": "ada", "devices": ["x", "y"]}]},
            [
                (("steps", 0, "who"), "person", "ada"),
                (("steps", 0, "devices", 0), "device", "x"),
                (("steps", 0, "devices", 1), "device", "y"),
            ],
        ),
        (
            {"roles": {"dev": {"trusts": ["alice", "main"]}}},
            [
                (("roles", "dev", "trusts", 0), "principal", "alice"),
                (("roles", "dev", "trusts", 1), "principal", "main"),
            ],
        ),
        ({"steps": [{"do": "get_session", "who": "a", "as": "mfa"}]}, "who only"),
    ],
)
def test_references_are_found_where_they_stand(document: Any, expected: Any) -> None:
    if expected == "who only":
        expected = [(("steps", 0, "who"), "person", "a")]
    assert sorted(references(document)) == sorted(expected)


@pytest.mark.parametrize(
    "document",
    [
        None,
        "text",
        [],
        {"steps": "none"},
        {"steps": [None, "wait", {"do": "nothing", "who": "x"}, {"who": "x"}, {"do": ["sign_in"]}]},
        {"devices": {"fob": None, "other": []}},
        {"people": {"alice": {"account": None}}},
    ],
)
def test_what_does_not_fit_is_passed_over(document: Any) -> None:
    assert list(references(document)) == []
