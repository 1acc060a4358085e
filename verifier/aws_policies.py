"""AWS managed policies: those that a life with MFA needs, and one of ours.

Documents have the rights of AWS's, in words of our own. Of AWS's long lists (ReadOnlyAccess,
SecurityAudit) there is none. `SELF_MANAGEMENT` is ours: AWS has no such policy, so its path says
where it comes from.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import ManagedPolicy

ADMINISTRATOR = "AdministratorAccess"
SELF_MANAGEMENT = "mfalab/SelfManagement"
OWNER_KEY = "mfalab:OwnerId"
"""Condition key of ours: the unique id of the user that a device, or a user, belongs to."""


@dataclass(frozen=True, slots=True)
class _Published:
    """A policy as AWS publishes it: what it is for, and since when, in which version."""

    description: str
    version: int
    created: str
    updated: str
    statements: tuple[dict[str, Any], ...]


def _allow(actions: list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


_OWN_USER = [
    "arn:PARTITION:iam::*:user/${aws:username}",
    "arn:PARTITION:iam::*:user/*/${aws:username}",
]

_PUBLISHED: dict[str, _Published] = {
    ADMINISTRATOR: _Published(
        "Everything, on every resource.",
        1,
        "2015-02-06T18:39:46Z",
        "2015-02-06T18:39:46Z",
        (_allow(["*"]),),
    ),
    "PowerUserAccess": _Published(
        "Everything but the management of users, groups and the organization.",
        12,
        "2015-02-06T18:39:47Z",
        "2026-02-12T17:59:14Z",
        (
            {
                "Effect": "Allow",
                "NotAction": ["iam:*", "organizations:*", "account:*"],
                "Resource": "*",
            },
            _allow(
                [
                    "account:GetAccountInformation",
                    "account:GetGovCloudAccountInformation",
                    "account:GetPrimaryEmail",
                    "account:ListRegions",
                    "iam:CreateServiceLinkedRole",
                    "iam:DeleteServiceLinkedRole",
                    "iam:ListRoles",
                    "organizations:DescribeEffectivePolicy",
                    "organizations:DescribeOrganization",
                ]
            ),
        ),
    ),
    "IAMFullAccess": _Published(
        "Everything in IAM.",
        2,
        "2015-02-06T18:40:38Z",
        "2019-06-21T19:40:00Z",
        (
            _allow(
                [
                    "iam:*",
                    "organizations:DescribeAccount",
                    "organizations:DescribeOrganization",
                    "organizations:DescribeOrganizationalUnit",
                    "organizations:DescribePolicy",
                    "organizations:ListChildren",
                    "organizations:ListParents",
                    "organizations:ListPolicies",
                    "organizations:ListPoliciesForTarget",
                    "organizations:ListRoots",
                    "organizations:ListTargetsForPolicy",
                ]
            ),
        ),
    ),
    "IAMReadOnlyAccess": _Published(
        "Looking at everything in IAM.",
        4,
        "2015-02-06T18:40:39Z",
        "2018-01-25T19:11:27Z",
        (
            _allow(
                [
                    "iam:GenerateCredentialReport",
                    "iam:GenerateServiceLastAccessedDetails",
                    "iam:Get*",
                    "iam:List*",
                    "iam:SimulateCustomPolicy",
                    "iam:SimulatePrincipalPolicy",
                ]
            ),
        ),
    ),
    "IAMUserChangePassword": _Published(
        "Changing one's own password.",
        5,
        "2016-11-15T00:25:16Z",
        "2026-02-12T17:58:57Z",
        (_allow(["iam:ChangePassword"], _OWN_USER), _allow(["iam:GetAccountPasswordPolicy"])),
    ),
    "AmazonS3FullAccess": _Published(
        "Everything in S3.",
        2,
        "2015-02-06T18:40:58Z",
        "2021-09-27T20:16:37Z",
        (_allow(["s3:*", "s3-object-lambda:*"]),),
    ),
    "AmazonS3ReadOnlyAccess": _Published(
        "Looking at everything in S3.",
        3,
        "2015-02-06T18:40:59Z",
        "2023-08-10T21:31:39Z",
        (
            _allow(
                [
                    "s3:Get*",
                    "s3:List*",
                    "s3:Describe*",
                    "s3-object-lambda:Get*",
                    "s3-object-lambda:List*",
                ]
            ),
        ),
    ),
    "AWSDenyAll": _Published(
        "Nothing, whatever else is allowed.",
        2,
        "2019-05-01T22:36:14Z",
        "2023-12-18T16:42:05Z",
        ({"Sid": "DenyAll", "Effect": "Deny", "Action": ["*"], "Resource": "*"},),
    ),
    SELF_MANAGEMENT: _Published(
        "Managing one's own password, access keys and MFA devices; assuming roles that trust one.",
        1,
        "2026-11-27T00:00:00Z",
        "2026-11-27T00:00:00Z",
        (
            _allow(
                [
                    "iam:CreateVirtualMFADevice",
                    "iam:GetAccountPasswordPolicy",
                    "iam:ListUsers",
                    "iam:ListVirtualMFADevices",
                ],
                Sid="LookAround",
            ),
            _allow(
                [
                    "iam:ChangePassword",
                    "iam:CreateAccessKey",
                    "iam:DeactivateMFADevice",
                    "iam:DeleteAccessKey",
                    "iam:DeleteVirtualMFADevice",
                    "iam:EnableMFADevice",
                    "iam:GetAccessKeyLastUsed",
                    "iam:GetMFADevice",
                    "iam:GetUser",
                    "iam:ListAccessKeys",
                    "iam:ListMFADevices",
                    "iam:ListMFADeviceTags",
                    "iam:ResyncMFADevice",
                    "iam:TagMFADevice",
                    "iam:UntagMFADevice",
                    "iam:UpdateAccessKey",
                ],
                Sid="ManageOwn",
                Condition={"StringEquals": {OWNER_KEY: "${aws:userid}"}},
            ),
            _allow(
                ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"], Sid="AssumeRoles"
            ),
        ),
    ),
}


def arn_of(partition: str, name: str) -> str:
    """The ARN of an AWS managed policy; a name may have a path before it."""
    return f"arn:{partition}:iam::aws:policy/{name}"


def find(partition: str, arn: str) -> tuple[ManagedPolicy, str] | None:
    """An AWS managed policy and its document, which is that of its one version."""
    name = arn.removeprefix(arn_of(partition, ""))
    return _made(partition, name) if name != arn and name in _PUBLISHED else None


def everything(partition: str) -> list[ManagedPolicy]:
    """All AWS managed policies that there are here."""
    return [_made(partition, name)[0] for name in _PUBLISHED]


@cache
def _made(partition: str, name: str) -> tuple[ManagedPolicy, str]:
    published = _PUBLISHED[name]
    folder, _, spelled = f"/{name}".rpartition("/")
    policy = ManagedPolicy(
        arn=arn_of(partition, name),
        id=_unique_id(name),
        account_id="aws",
        name=spelled,
        name_key=spelled.lower(),
        path=f"{folder}/",
        description=published.description,
        default_version=published.version,
        last_version=published.version,
        created_ns=_ns(published.created),
        updated_ns=_ns(published.updated),
    )
    document = {"Version": "2012-10-17", "Statement": list(published.statements)}
    return policy, json.dumps(document).replace("PARTITION", partition)


def _unique_id(name: str) -> str:
    """`ANPA...`, always the same for one policy."""
    return "ANPA" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND_NS
