"""A name that the language takes and the verifier refuses is refused when the file is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mfalab.simulator.language.problems import Problem
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case

Cases = Callable[..., list[Case]]
Problems = Callable[[str], list[Problem]]

STORY = """\
scenario: Names
accounts:
  other: {alias: %(alias)s}
  third: {alias: third-account, id: "%(id)s"}
  fourth: {id: "123456789012"}
people:
  ada: {role: administrator}
  %(person)s: {}
  bob: {user_name: "%(user_name)s", path: "%(path)s"}
roles: {%(role)s: {trusts: [ada]}}
devices:
  %(app)s: {kind: totp_app, owner: ada}
  key: {kind: security_key, owner: ada}
  fob: {kind: hardware_totp, owner: ada, serial: "%(serial)s"}
  token: {kind: hardware_totp, owner: ada, serial: GAHT00000001}
steps:
  - {do: create, who: ada, device: %(app)s, device_name: "%(device_name)s", path: "%(at)s"}
  - {do: tag, who: ada, device: %(app)s, tags: {"%(key)s": "%(value)s"}%(expect)s}
  - {do: untag, who: ada, device: %(app)s, keys: ["%(key)s"]%(expect)s}
  - {do: enable, who: ada, device: fob%(enabled)s}
"""
GOOD = {
    "alias": "abc",
    "id": "123456789011",
    "person": "alice",
    "user_name": "b.o+b@x=y,z",
    "path": "/a/b/",
    "role": "dev",
    "app": "app",
    "serial": "GAHT00000002",
    "device_name": "n",
    "at": "/",
    "key": "Größe",
    "value": "",
    "expect": "",
    "enabled": "",
}


def test_names_that_aws_takes_are_taken_and_played(cases: Cases) -> None:
    (case,) = cases(STORY % GOOD)
    assert run_case(case)[-1]["verdict"] == "passed"


@pytest.mark.parametrize(
    ("given", "line", "column", "told"),
    [
        ({"alias": "ab"}, 3, 18, "an account alias has 3 to 63 lower-case letters"),
        ({"alias": "third-account"}, 4, 18, 'the alias "third-account" is taken'),
        ({"id": "123456789012"}, 5, 16, 'the account ID "123456789012" is taken'),
        ({"person": "zoë"}, 8, 3, 'AWS takes no UserName "zoë": it is 1 to 64 characters of the'),
        ({"person": "a" * 65}, 8, 3, "it is 1 to 64 characters of the form [\\w+=,.@-]+"),
        ({"person": "ADA"}, 8, 3, 'the IAM user name "ADA" is taken; "ada" is the same to AWS'),
        ({"user_name": "b b"}, 9, 20, 'AWS takes no UserName "b b"'),
        ({"user_name": "Alice"}, 9, 20, 'user name "Alice" is taken; "alice" is the same'),
        ({"path": "a"}, 9, 41, 'AWS takes no Path "a": it is 1 to 512 characters of the form'),
        ({"role": "dév"}, 10, 9, 'AWS takes no RoleName "dév"'),
        ({"serial": "123"}, 14, 50, 'AWS takes no SerialNumber "123": it is 9 to 256 characters'),
        ({"serial": "GAHT00000001"}, 15, 52, 'serial number "GAHT00000001" is taken'),
        ({"device_name": "a b"}, 17, 54, 'step 1: AWS takes no VirtualMFADeviceName "a b": it is'),
        ({"at": "//x"}, 17, 65, 'step 1: AWS takes no Path "//x"'),
        ({"value": "a|b"}, 18, 54, 'step 2: AWS takes no Tags.Value "a|b": it is 0 to 256'),
    ],
)
def test_name_that_aws_refuses_is_told_at_its_place(
    problems: Problems, given: dict[str, str], line: int, column: int, told: str
) -> None:
    (problem,) = problems(STORY % (GOOD | given))
    assert (problem.line, problem.column) == (line, column)
    assert told in problem.message


def test_all_of_them_are_told_at_once(problems: Problems) -> None:
    found = problems(STORY % (GOOD | {"role": "d\u00e9v", "key": "a|b", "user_name": "b b"}))
    assert [problem.line for problem in found] == [9, 10, 18, 19]


def test_step_that_expects_a_refusal_may_give_any_name(cases: Cases) -> None:
    refused = ", expect: {refused: ValidationError}"
    given = {"key": "a|b", "expect": refused, "serial": "12345678", "enabled": refused}
    (case,) = cases(STORY % (GOOD | given))
    assert run_case(case)[-1]["verdict"] == "passed"


@pytest.mark.parametrize(("kind", "column"), [("totp_app", 32), ("security_key, pin: 123456", 32)])
def test_name_of_a_device_becomes_that_of_its_entity(
    problems: Problems, kind: str, column: int
) -> None:
    (problem,) = problems(
        "scenario: x\npeople: {alice: {}}\n"
        f"devices: {{clé: {{kind: {kind}, owner: alice}}}}\nsteps:\n"
        "  - {do: enable, who: alice, device: clé}\n"
    )
    assert (problem.line, problem.column) == (5, 38)
    assert 'step 1: AWS takes no VirtualMFADeviceName "clé"' in problem.message


def test_who_assumes_a_role_names_the_session(problems: Problems) -> None:
    (problem,) = problems(
        "scenario: x\npeople: {a: {}}\nroles: {dev: {}}\nsteps:\n"
        "  - {do: assume_role, who: a, role: dev}\n"
    )
    assert (problem.line, problem.column) == (5, 28)
    assert 'AWS takes no RoleSessionName "a": it is 2 to 64 characters' in problem.message


def test_a_stranger_and_root_have_no_iam_name(cases: Cases) -> None:
    (case,) = cases(
        "scenario: x\npeople: {zoë: {role: stranger}, zoé: {role: root}}\nsteps:\n"
        "  - {do: wait, for: 1 d}\n"
    )
    assert run_case(case)[-1]["verdict"] == "passed"


def test_federated_user_has_a_name_that_sts_takes(problems: Problems) -> None:
    (problem,) = problems(
        "scenario: x\npeople: {alice: {}}\nsteps:\n"
        "  - {do: get_federation_token, who: alice, federated_user: b}\n"
    )
    assert (problem.line, problem.column) == (4, 60)
    assert 'AWS takes no Name "b": it is 2 to 32 characters' in problem.message
