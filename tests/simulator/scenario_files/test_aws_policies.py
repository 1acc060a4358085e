"""Policies and groups that the verifier would not take are refused when the file is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mfalab.simulator.language.problems import Problem
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case

Cases = Callable[..., list[Case]]
Problems = Callable[[str], list[Problem]]

STORY = """\
scenario: Policies
accounts: {other: {}}
policies:
  s3: [{Effect: %(effect)s, Action: "s3:*", Resource: "*"}]
  bucket:
    - {Effect: Allow, Principal: {AWS: "123456789012"}, Action: "s3:*", Resource: "arn:aws:s3:::b"}
people:
  alice: {policies: [%(alice)s]}
  carol: {account: other}
  owner: {role: root}
groups: {staff: {members: [%(member)s], policies: [%(group)s]}}
roles: {ops: {policies: [%(role)s], trust_policy: [%(trust)s]}}
steps:
  - {do: request, who: alice, action: "s3:ListAllMyBuckets", resource_policy: %(resource)s}
"""
GOOD = {
    "effect": "Allow",
    "alice": "s3, SelfManagement",
    "member": "alice",
    "group": "s3",
    "role": "AWSDenyAll",
    "trust": '{Effect: Allow, Principal: {AWS: "*"}, Action: "sts:AssumeRole"}',
    "resource": "bucket",
}


def test_policies_that_are_some_are_played(cases: Cases) -> None:
    (case,) = cases(STORY % GOOD)
    assert run_case(case)[-1]["verdict"] == "passed"


@pytest.mark.parametrize(
    ("given", "place", "why"),
    [
        ({"effect": "Permit"}, (4, 7), "this is no policy: Syntax errors in policy. "),
        ({"alice": "s4"}, (8, 22), 'no policy is called "s4"; did you mean "s3"?'),
        (
            {"alice": "bucket"},
            (8, 22),
            'the policy "bucket" names principals; it is for',
        ),
        ({"group": "bucket"}, (11, 47), 'the policy "bucket" names principals'),
        ({"role": "s3, bucket"}, (12, 30), 'the policy "bucket" names principals'),
        ({"trust": "{Effect: Allow}"}, (12, 53), "this is no trust policy"),
        ({"resource": "s3"}, (14, 79), 'step 1: the policy "s3" has no Principal'),
        ({"resource": "AWSDenyAll"}, (14, 79), 'step 1: the policy "AWSDenyAll" is AWS\'s, and'),
        ({"member": "carol"}, (11, 28), '"carol" is no IAM user of the account "main"'),
        ({"member": "owner"}, (11, 28), '"owner" is no IAM user of the account "main"'),
        ({"member": "eve"}, (11, 28), 'no person is called "eve"'),
    ],
)
def test_policies_that_are_none_are_told(
    problems: Problems, given: dict[str, str], place: tuple[int, int], why: str
) -> None:
    (problem,) = problems(STORY % {**GOOD, **given})
    assert why in problem.message
    assert (problem.line, problem.column) == place
