"""One decision of the policy engine: three policies, seven statements, one of which forces MFA."""

import json
from typing import Any

from mfalab.verifier.policy.documents import Kind, parse
from mfalab.verifier.policy.evaluation import Policies, Request, evaluate
from mfalab.verifier.policy.matching import Principal

OWN = "arn:aws:iam::*:user/${aws:username}"
FORCE_MFA = [
    {"Effect": "Allow", "Action": "iam:ListVirtualMFADevices", "Resource": "*"},
    {"Effect": "Allow", "Action": ["iam:ChangePassword", "iam:GetUser"], "Resource": OWN},
    {"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": "arn:aws:iam::*:mfa/*"},
    {"Effect": "Allow", "Action": ["iam:EnableMFADevice", "iam:ResyncMFADevice"], "Resource": OWN},
    {
        "Effect": "Deny",
        "NotAction": ["iam:EnableMFADevice", "sts:GetSessionToken"],
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    },
]
ALICE = Principal("arn:aws:iam::123456789012:user/alice", "123456789012")
CONTEXT = {
    "aws:CurrentTime": "2026-11-27T09:00:00Z",
    "aws:MultiFactorAuthAge": "60",
    "aws:MultiFactorAuthPresent": "true",
    "aws:PrincipalArn": ALICE.arn,
    "aws:SecureTransport": "true",
    "aws:userid": "AIDAEXAMPLE",
    "aws:username": "alice",
}


def text(*lines: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": lines})


TEXTS = [
    text(*FORCE_MFA),
    text({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}),
    text({"Effect": "Allow", "Action": ["ec2:Describe*", "ec2:Run*"], "Resource": "*"}),
]


def test_decision(benchmark: Any) -> None:
    request = Request("iam:ResyncMFADevice", ALICE.arn, ALICE, ALICE.account, CONTEXT)

    def decide() -> bool:
        return evaluate(Policies([parse(each, Kind.IDENTITY) for each in TEXTS]), request).allowed

    assert benchmark(decide)


def test_reading(benchmark: Any) -> None:
    """A document that was not read before."""
    numbers = iter(range(10**9))

    def read() -> int:
        return len(parse(f"{TEXTS[0]}{' ' * (next(numbers) % 5_000)}", Kind.IDENTITY).statements)

    assert benchmark(read) == len(FORCE_MFA)
