"""What a scenario needs of the system under test: from its setting, and from its steps."""

from __future__ import annotations

from typing import Any

import pytest

from mfalab.simulator.abilities import Ability
from mfalab.simulator.scenario_files.scenario import Scenario


def needed(**words: Any) -> set[Ability]:
    given = {
        "scenario": "A story",
        "people": {"alice": {}},
        "steps": [{"do": "wait", "for": "1 s"}],
        **words,
    }
    return {need.ability for need in Scenario.model_validate(given).needs()}


def device(kind: str) -> dict[str, Any]:
    return {"devices": {"it": {"kind": kind, "owner": "alice"}}}


@pytest.mark.parametrize(
    ("words", "abilities"),
    [
        ({}, set()),
        ({"start": "2038-01-19T03:00:00Z"}, {Ability.ANY_TIME}),
        ({"verifier": {"clock": {"offset": "3 s"}}}, {Ability.SERVER_CLOCK}),
        ({"verifier": {"profile": "rfc6238"}}, {Ability.RULES}),
        ({"verifier": {"user_verification": "required"}}, {Ability.KEY_OPTIONS}),
        (
            {"verifier": {"passkeys": True, "counter_rule": "lock"}},
            {Ability.KEY_OPTIONS, Ability.RULES},
        ),
        ({"people": {"owner": {"role": "root"}}}, {Ability.ROOT}),
        ({"roles": {"auditor": {}}}, {Ability.API}),
        (device("hardware_totp"), {Ability.CODES, Ability.TOKENS}),
        (device("totp_app"), {Ability.CODES}),
        (device("hardware_hotp"), {Ability.COUNTERS, Ability.TOKENS}),
        (device("sms_phone"), {Ability.SMS}),
        (device("security_key"), {Ability.KEYS}),
        ({"steps": [{"do": "wait", "for": "1 d"}]}, {Ability.LONG_WAIT}),
        (
            {"steps": [{"do": "sign_in", "who": "alice", "expect": {"refused": "AccessDenied"}}]},
            {Ability.CONSOLE, Ability.AWS_WORDS},
        ),
        (
            {"steps": [{"do": "sign_in", "who": "alice", "expect": {"refused": "any"}}]},
            {Ability.CONSOLE},
        ),
    ],
)
def test_needs_of_a_story(words: dict[str, Any], abilities: set[Ability]) -> None:
    assert needed(**words) == abilities
