"""What AssumeRoot is for: tasks on the root user of a member account, each with its policy.

AWS's documents (`arn:aws:iam::aws:policy/root-task/NAME`) deny all but the task. These allow the
task and mean the same, because a session may do no more than its policies allow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

_LOOK = (
    "iam:ListAccessKeys",
    "iam:ListSigningCertificates",
    "iam:GetLoginProfile",
    "iam:ListMFADevices",
    "iam:GetUser",
    "iam:GetAccessKeyLastUsed",
)


class Feature(Enum):
    """Features of centralised root access; an organization enables each for itself."""

    CREDENTIALS = "Root credentials management"
    SESSIONS = "Root sessions"


@dataclass(frozen=True, slots=True)
class Task:
    """One task: what it may do to the root user, what on any resource, and what it belongs to."""

    feature: Feature
    on_root: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()

    def document(self, partition: str) -> str:
        """The session policy of the task."""
        grants = ((self.on_root, f"arn:{partition}:iam::*:root"), (self.anywhere, "*"))
        statements = [
            {"Effect": "Allow", "Action": list(actions), "Resource": resource}
            for actions, resource in grants
            if actions
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})


TASKS = {
    "IAMAuditRootUserCredentials": Task(
        Feature.CREDENTIALS, _LOOK, anywhere=("iam:GetAccountSummary",)
    ),
    "IAMCreateRootUserPassword": Task(
        Feature.CREDENTIALS, ("iam:CreateLoginProfile", "iam:GetLoginProfile")
    ),
    "IAMDeleteRootUserCredentials": Task(
        Feature.CREDENTIALS,
        (
            "iam:DeleteAccessKey",
            "iam:DeleteSigningCertificate",
            "iam:DeleteLoginProfile",
            "iam:DeactivateMFADevice",
            "iam:DeleteVirtualMFADevice",
            *_LOOK,
        ),
    ),
    "S3UnlockBucketPolicy": Task(
        Feature.SESSIONS,
        anywhere=(
            "s3:DeleteBucketPolicy",
            "s3:PutBucketPolicy",
            "s3:GetBucketPolicy",
            "s3:ListAllMyBuckets",
        ),
    ),
    "SQSUnlockQueuePolicy": Task(
        Feature.SESSIONS,
        anywhere=(
            "sqs:SetQueueAttributes",
            "sqs:GetQueueAttributes",
            "sqs:ListQueues",
            "sqs:GetQueueUrl",
        ),
    ),
}


def find(partition: str, arn: str) -> Task | None:
    """The task of a policy's ARN."""
    name = arn.removeprefix(f"arn:{partition}:iam::aws:policy/root-task/")
    return TASKS.get(name) if name != arn else None
