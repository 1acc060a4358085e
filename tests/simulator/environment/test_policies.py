"""Policies of a scenario: made where they are used, and known again."""

import json
from typing import Any

import pytest

from mfalab import ScenarioError
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.policies import AWS_POLICIES, document_of, names_principals
from mfalab.simulator.language.setting import Setting
from mfalab.simulator.targets.embedded import EMBEDDED

S3 = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]


def environment(**setting: Any) -> Environment:
    return Environment(Setting.model_validate(setting), system=EMBEDDED)


def test_policy_is_made_once_in_every_account_that_uses_it() -> None:
    env = environment(
        accounts={"main": {"id": "123456789012"}, "other": {"id": "210987654321"}},
        policies={"s3": S3, "unused": S3},
        people={
            "alice": {"policies": ["s3", "SelfManagement"]},
            "bob": {"policies": ["s3"]},
            "carol": {"account": "other", "policies": ["s3"]},
            "ada": {"role": "administrator"},
        },
        groups={"staff": {"members": ["alice"], "policies": ["s3"]}},
        roles={"ops": {"policies": ["s3", "AmazonS3ReadOnlyAccess"]}},
    )
    keys = env.person("ada").credentials("keys")
    iam = env.target.iam(keys)
    (made,) = iam.list_policies(Scope="Local")["Policies"]
    assert made["Arn"] == "arn:aws:iam::123456789012:policy/s3"
    assert made["AttachmentCount"] == 4
    version = iam.get_policy_version(PolicyArn=made["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(document_of(S3))
    (group,) = iam.list_groups_for_user(UserName="alice")["Groups"]
    assert group["GroupName"] == "staff"
    attached = iam.list_attached_role_policies(RoleName="ops")["AttachedPolicies"]
    assert [each["PolicyName"] for each in attached] == ["s3", "AmazonS3ReadOnlyAccess"]
    for name in ("alice", "bob", "carol"):
        env.target.authorize(env.person(name).credentials("keys"), "s3:ListAllMyBuckets")


def test_policies_of_aws_are_those_of_the_accounts_partition() -> None:
    env = environment(
        accounts={"cn": {"partition": "aws-cn"}},
        people={"alice": {"account": "cn", "policies": ["AmazonS3ReadOnlyAccess"]}},
    )
    env.target.authorize(env.person("alice").credentials("keys"), "s3:ListAllMyBuckets")
    assert "SelfManagement" in AWS_POLICIES


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ({"people": {"alice": {"policies": ["s4"]}}}, 'no policy "s4"; did you mean "s3"'),
        (
            {"people": {"r": {"role": "root"}}, "groups": {"g": {"members": ["r"]}}},
            '"r" is no IAM user of account',
        ),
        (
            {
                "accounts": {"other": {}},
                "people": {"carol": {"account": "other"}},
                "groups": {"g": {"members": ["carol"]}},
            },
            '"carol" is no IAM user of account',
        ),
    ],
)
def test_what_is_not_there_is_told(setting: dict[str, Any], why: str) -> None:
    with pytest.raises(ScenarioError, match=why):
        environment(policies={"s3": S3}, **setting)


def test_document_of_a_policy_that_is_not_declared_is_told() -> None:
    with pytest.raises(ScenarioError, match='no policy "bukket"; did you mean "bucket"'):
        environment(policies={"bucket": S3}).policies.document("bukket")


@pytest.mark.parametrize("role", ["root", "stranger"])
def test_only_iam_users_have_policies(role: str) -> None:
    with pytest.raises(ValueError, match=f"a {role} has no policies; only IAM users have"):
        Setting.model_validate({"people": {"x": {"role": role, "policies": []}}})


def test_what_names_principals_is_a_resources_policy() -> None:
    assert not names_principals(S3)
    assert names_principals([*S3, {**S3[0], "Principal": "*"}])
    assert names_principals([{**S3[0], "NotPrincipal": {"AWS": "123456789012"}}])
