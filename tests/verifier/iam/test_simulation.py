"""The policy simulator."""

import json
from typing import Any

import pytest

A, B = "123456789012", "444455556666"
ALICE = f"arn:aws:iam::{A}:user/alice"
OBJECT = "arn:aws:s3:::reports/may"


def policy(*lines: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(lines)})


def line(action: str, resource: str | None = "*", **more: Any) -> dict[str, Any]:
    whole = {"Effect": "Allow", "Action": action, "Resource": resource} | more
    return {name: value for name, value in whole.items() if value is not None}


READ, WRITE = line("s3:Get*"), line("s3:Put*")
NO_WRITE = line("s3:Put*", Effect="Deny")
IF_MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
WITH_MFA = {
    "ContextKeyName": "aws:multifactorauthpresent",
    "ContextKeyValues": ["true"],
    "ContextKeyType": "boolean",
}


def entry(source: str, start: int, end: int, kind: str = "IAM Policy") -> dict[str, Any]:
    return {
        "SourcePolicyId": source,
        "SourcePolicyType": kind,
        "StartPosition": {"Line": 1, "Column": start},
        "EndPosition": {"Line": 1, "Column": end},
    }


def decisions(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["EvalActionName"], one["EvalDecision"]) for one in answer["EvaluationResults"]]


def test_custom_policy_on_everything(iam: Any) -> None:
    """As the AWS CLI's manual shows it, with a policy of our own."""
    text = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}'
    answer = iam.simulate_custom_policy(
        PolicyInputList=[text], ActionNames=["sqs:SendMessage", "s3:GetObject"]
    )
    assert answer == {
        "EvaluationResults": [
            {
                "EvalActionName": "sqs:SendMessage",
                "EvalResourceName": "*",
                "EvalDecision": "allowed",
                "MatchedStatements": [entry("PolicyInputList.1", 38, len(text))],
                "MissingContextValues": [],
            },
            {
                "EvalActionName": "s3:GetObject",
                "EvalResourceName": "*",
                "EvalDecision": "implicitDeny",
                "MatchedStatements": [],
                "MissingContextValues": [],
            },
        ],
        "IsTruncated": False,
    }


def test_custom_policy_on_a_resource(iam: Any) -> None:
    text = policy(READ)
    (result,) = iam.simulate_custom_policy(
        PolicyInputList=[text], ActionNames=["s3:GetObject"], ResourceArns=[OBJECT]
    )["EvaluationResults"]
    matched = [entry("PolicyInputList.1", 41, len(text) - 1)]
    assert result == {
        "EvalActionName": "s3:GetObject",
        "EvalResourceName": OBJECT,
        "EvalDecision": "allowed",
        "MatchedStatements": matched,
        "MissingContextValues": [],
        "EvalDecisionDetails": {},
        "ResourceSpecificResults": [
            {
                "EvalResourceName": OBJECT,
                "EvalResourceDecision": "allowed",
                "MatchedStatements": matched,
            }
        ],
    }


def test_several_resources_give_the_strictest_decision(iam: Any) -> None:
    policies = [policy(READ), policy(line("s3:*", "arn:aws:s3:::secret/*", Effect="Deny"))]
    (result,) = iam.simulate_custom_policy(
        PolicyInputList=policies,
        ActionNames=["s3:GetObject"],
        ResourceArns=[OBJECT, "arn:aws:s3:::secret/x"],
    )["EvaluationResults"]
    assert (result["EvalResourceName"], result["EvalDecision"]) == ("*", "explicitDeny")
    assert [one["EvalResourceDecision"] for one in result["ResourceSpecificResults"]] == [
        "allowed",
        "explicitDeny",
    ]
    assert [one["SourcePolicyId"] for one in result["MatchedStatements"]] == [
        "PolicyInputList.1",
        "PolicyInputList.2",
    ]


def test_context_is_what_is_given(iam: Any) -> None:
    """Nothing is taken from the caller's session; what policies look at and lack is missing."""
    asked = {"PolicyInputList": [policy(line("s3:*", **IF_MFA))], "ActionNames": ["s3:GetObject"]}
    (result,) = iam.simulate_custom_policy(**asked)["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["aws:MultiFactorAuthPresent"]
    (result,) = iam.simulate_custom_policy(**asked, ContextEntries=[WITH_MFA])["EvaluationResults"]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    (result,) = iam.simulate_custom_policy(**asked, ResourceArns=[OBJECT])["EvaluationResults"]
    (specific,) = result["ResourceSpecificResults"]
    assert specific["MissingContextValues"] == ["aws:MultiFactorAuthPresent"]


@pytest.mark.parametrize(
    ("kind", "values", "decision"),
    [
        ("stringList", ["team", "cost"], "allowed"),
        ("stringList", ["team", "rank"], "implicitDeny"),
        ("stringList", ["team"], "allowed"),
        ("string", ["cost"], "allowed"),
        ("stringList", [], "allowed"),
    ],
)
def test_context_of_a_list_type(iam: Any, kind: str, values: list[str], decision: str) -> None:
    known = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}
    answer = iam.simulate_custom_policy(
        PolicyInputList=[policy(line("iam:TagUser", Condition=known))],
        ActionNames=["iam:TagUser"],
        ContextEntries=[
            {
                "ContextKeyName": "aws:TagKeys",
                "ContextKeyValues": values,
                "ContextKeyType": kind,
            }
        ],
    )
    assert decisions(answer) == [("iam:TagUser", decision)]


def test_boundary(iam: Any) -> None:
    answer = iam.simulate_custom_policy(
        PolicyInputList=[policy(READ, WRITE)],
        PermissionsBoundaryPolicyInputList=[policy(READ)],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=[OBJECT],
    )
    assert decisions(answer) == [("s3:GetObject", "allowed"), ("s3:PutObject", "implicitDeny")]
    for result, within in zip(answer["EvaluationResults"], (True, False), strict=True):
        (specific,) = result["ResourceSpecificResults"]
        assert specific["PermissionsBoundaryDecisionDetail"] == {
            "AllowedByPermissionsBoundary": within
        }
        assert all(
            matched["SourcePolicyId"] == "PolicyInputList.1"
            for matched in result["MatchedStatements"]
        )


def bucket(*lines: dict[str, Any]) -> str:
    return policy(*({**each, "Principal": "*"} for each in lines))


def test_resource_policy_and_what_it_denies(iam: Any) -> None:
    """A deny of the bucket stands beside the allow of the identity, as captured in 2025."""
    (result,) = iam.simulate_custom_policy(
        PolicyInputList=[policy(WRITE)],
        ResourcePolicy=bucket(NO_WRITE),
        CallerArn=ALICE,
        ActionNames=["s3:PutObject"],
        ResourceArns=[OBJECT],
    )["EvaluationResults"]
    assert result["EvalDecision"] == "explicitDeny"
    assert [
        (one["SourcePolicyId"], one["SourcePolicyType"]) for one in result["MatchedStatements"]
    ] == [("ResourcePolicy", "Resource Policy"), ("PolicyInputList.1", "IAM Policy")]
    assert result["EvalDecisionDetails"] == {}


@pytest.mark.parametrize(
    ("own", "theirs", "decision", "details"),
    [
        (READ, READ, "allowed", ("allowed", "allowed")),
        (READ, WRITE, "implicitDeny", ("allowed", "implicitDeny")),
        (WRITE, READ, "implicitDeny", ("implicitDeny", "allowed")),
        (READ, line("s3:*", Effect="Deny"), "explicitDeny", ("allowed", "explicitDeny")),
    ],
)
def test_across_accounts_each_type_is_told(
    iam: Any, own: Any, theirs: Any, decision: str, details: tuple[str, str]
) -> None:
    (result,) = iam.simulate_custom_policy(
        PolicyInputList=[policy(own)],
        ResourcePolicy=bucket(theirs),
        ResourceOwner=f"arn:aws:iam::{B}:root",
        CallerArn=ALICE,
        ActionNames=["s3:GetObject"],
        ResourceArns=[OBJECT],
    )["EvaluationResults"]
    assert result["EvalDecision"] == decision
    wanted = dict(zip(("IAM Policy", "Resource Policy"), details, strict=True))
    assert result["EvalDecisionDetails"] == wanted
    assert result["ResourceSpecificResults"][0]["EvalDecisionDetails"] == wanted


def test_trust_policy_is_left_out(iam: Any) -> None:
    """As AWS's simulator does, to the surprise of its users (aws-cli issue 10314)."""
    denying = bucket(line("sts:AssumeRole", Effect="Deny"))
    answer = iam.simulate_custom_policy(
        PolicyInputList=[policy(line("sts:*"))],
        ResourcePolicy=denying,
        CallerArn=ALICE,
        ActionNames=["sts:AssumeRole"],
        ResourceArns=[f"arn:aws:iam::{A}:role/deploy"],
    )
    assert decisions(answer) == [("sts:AssumeRole", "allowed")]


def test_pages(iam: Any) -> None:
    asked = {"PolicyInputList": [policy(READ)], "ActionNames": ["s3:GetX", "s3:PutX", "s3:GetY"]}
    first = iam.simulate_custom_policy(**asked, MaxItems=2)
    assert first["IsTruncated"]
    assert decisions(first) == [("s3:GetX", "allowed"), ("s3:PutX", "implicitDeny")]
    second = iam.simulate_custom_policy(**asked, Marker=first["Marker"])
    assert decisions(second) == [("s3:GetY", "allowed")]
    assert not second["IsTruncated"]


@pytest.fixture
def alice(iam: Any) -> str:
    """Alice, with an inline policy, a managed one, and one of a group."""
    for attached in iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"]:
        iam.detach_user_policy(UserName="alice", PolicyArn=attached["PolicyArn"])
    iam.create_group(GroupName="Staff")
    iam.add_user_to_group(GroupName="Staff", UserName="alice")
    arn = iam.create_policy(PolicyName="Writing", PolicyDocument=policy(WRITE))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    iam.put_user_policy(UserName="alice", PolicyName="Reading", PolicyDocument=policy(READ))
    iam.put_group_policy(
        GroupName="Staff",
        PolicyName="Queues",
        PolicyDocument=policy(line("sqs:*", "arn:aws:sqs:*:*:${aws:UserName}-*", **IF_MFA)),
    )
    return ALICE


@pytest.mark.parametrize(
    ("action", "source"),
    [
        ("s3:GetObject", "user_alice_Reading"),
        ("s3:PutObject", "Writing"),
        ("sqs:SendMessage", "group_Staff_Queues"),
        ("sns:Publish", "PolicyInputList.1"),
    ],
)
def test_policies_of_a_user_by_their_names(iam: Any, alice: str, action: str, source: str) -> None:
    (result,) = iam.simulate_principal_policy(
        PolicySourceArn=alice,
        PolicyInputList=[policy(line("sns:*"))],
        ActionNames=[action],
        ResourceArns=[f"arn:aws:{action.split(':', maxsplit=1)[0]}:eu-west-1:{A}:alice-x"],
        ContextEntries=[
            WITH_MFA,
            {
                "ContextKeyName": "aws:username",
                "ContextKeyValues": ["alice"],
                "ContextKeyType": "string",
            },
        ],
    )["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert [matched["SourcePolicyId"] for matched in result["MatchedStatements"]] == [source]


def test_own_boundary_and_one_in_its_place(iam: Any, alice: str) -> None:
    arn = iam.create_policy(PolicyName="Cap", PolicyDocument=policy(READ))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)
    asked = {"PolicySourceArn": alice, "ActionNames": ["s3:PutObject"]}
    assert decisions(iam.simulate_principal_policy(**asked)) == [("s3:PutObject", "implicitDeny")]
    other = iam.simulate_principal_policy(
        **asked, PermissionsBoundaryPolicyInputList=[policy(WRITE)]
    )
    assert decisions(other) == [("s3:PutObject", "allowed")]


def test_group(iam: Any, alice: str) -> None:
    group = f"arn:aws:iam::{A}:group/Staff"
    answer = iam.simulate_principal_policy(
        PolicySourceArn=group, ActionNames=["s3:GetObject", "sqs:SendMessage"]
    )
    assert decisions(answer) == [
        ("s3:GetObject", "implicitDeny"),
        ("sqs:SendMessage", "implicitDeny"),
    ]
    missing = ["aws:MultiFactorAuthPresent", "aws:UserName"]
    assert answer["EvaluationResults"][0]["MissingContextValues"] == missing
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=group) == {
        "ContextKeyNames": missing
    }


def test_context_keys(iam: Any, alice: str) -> None:
    """Each once, as written where it is met first."""
    more = policy(
        line("s3:*", Condition={"StringLike": {"s3:prefix": "${AWS:username}/${aws:UserId}"}})
    )
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[more]) == {
        "ContextKeyNames": ["aws:UserId", "AWS:username", "s3:prefix"]
    }
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=alice, PolicyInputList=[more])
    assert keys["ContextKeyNames"] == [
        "aws:MultiFactorAuthPresent",
        "aws:UserId",
        "aws:UserName",
        "s3:prefix",
    ]


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"PolicyInputList": [policy(READ), "{"]},
            (
                "Invalid policy PolicyInputList.2: Syntax errors in policy. The document is not "
                "JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
            ),
        ),
        (
            {"ResourcePolicy": policy(READ), "CallerArn": ALICE},
            "Invalid policy ResourcePolicy: Missing required field Principal",
        ),
        (
            {"PermissionsBoundaryPolicyInputList": [policy(READ)] * 2},
            "Only one permissions boundary policy can be simulated.",
        ),
        (
            {"ResourceArns": ["may", OBJECT, "june"]},
            "ResourceNames are not in a valid ARN format: may, june.",
        ),
        ({"ActionNames": ["GetObject"]}, "Invalid Input Actions: GetObject."),
        ({"ResourceOwner": B}, f"'{B}' is not a valid as a Resource Owner."),
        (
            {"CallerArn": f"arn:aws:sts::{A}:assumed-role/deploy/x"},
            (
                f"Invalid Entity Arn: arn:aws:sts::{A}:assumed-role/deploy/x does not clearly "
                "define entity type and name."
            ),
        ),
        (
            {"CallerArn": f"arn:aws:iam::{A}:role/deploy", "ResourcePolicy": bucket(READ)},
            "Invalid caller - Caller must be an IAM user in this context.",
        ),
        (
            {"ResourcePolicy": bucket(READ)},
            "Invalid caller - Caller must be an IAM user in this context.",
        ),
    ],
)
def test_input_that_is_none(iam: Any, refused: Any, more: dict[str, Any], text: str) -> None:
    asked = {"PolicyInputList": [policy(READ)], "ActionNames": ["s3:GetObject"]}
    with refused("InvalidInput", text, 400):
        iam.simulate_custom_policy(**asked | more)


@pytest.mark.parametrize(
    ("arn", "code", "text"),
    [
        (
            f"arn:aws:iam::{A}:user/eve",
            "NoSuchEntity",
            "The user with name eve cannot be found.",
        ),
        (
            f"arn:aws:iam::{A}:role/x/eve",
            "NoSuchEntity",
            "The role with name eve cannot be found.",
        ),
        (
            f"arn:aws:iam::{A}:group/eve",
            "NoSuchEntity",
            "The group with name eve cannot be found.",
        ),
        (
            f"arn:aws:iam::{A}:root",
            "InvalidInput",
            (
                f"Invalid Entity Arn: arn:aws:iam::{A}:root does not clearly define entity type "
                "and name."
            ),
        ),
        (
            f"arn:aws:iam::{B}:user/bob",
            "InvalidInput",
            (
                f"Invalid Policy Source Arn: caller's account {A} does not have access to policies "
                f"in account {B}"
            ),
        ),
    ],
)
def test_source_that_is_none(iam: Any, refused: Any, arn: str, code: str, text: str) -> None:
    with refused(code, text, 404 if code == "NoSuchEntity" else 400):
        iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    with refused(code, text, 404 if code == "NoSuchEntity" else 400):
        iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)


def test_what_is_not_simulated_is_refused_by_name(iam: Any) -> None:
    with pytest.raises(Exception, match="OrderedOrganizationPolicyInputList"):
        iam.simulate_custom_policy(
            PolicyInputList=[policy(READ)],
            ActionNames=["s3:GetObject"],
            OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": [policy(READ)]}],
        )


def test_context_entry_without_its_key(company: Any, refused: Any) -> None:
    with refused(
        "ValidationError",
        "1 validation error detected: Value null at 'contextEntries.2.member.contextKeyName' "
        "failed to satisfy constraint: Member must not be null",
        400,
    ):
        company.iam("ada").simulate_custom_policy(
            PolicyInputList=[],
            ActionNames=["s3:ListBucket"],
            ContextEntries=[
                {
                    "ContextKeyName": "aws:SecureTransport",
                    "ContextKeyValues": ["true"],
                    "ContextKeyType": "boolean",
                },
                {"ContextKeyValues": ["true"]},
            ],
        )
