"""Documents: what is refused, with which text, and what is not."""

import json
from typing import Any

import pytest

from mfalab.verifier import ServiceError
from mfalab.verifier.policy.documents import MAX_CHARS, Kind, parse

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"


def statement(**changes: Any) -> dict[str, Any]:
    """A statement that is sound, with changes; None leaves an element out."""
    whole = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"} | changes
    return {name: value for name, value in whole.items() if value is not None}


def document(*statements: Any, version: str | None = "2012-10-17", **more: Any) -> str:
    top = {} if version is None else {"Version": version}
    return json.dumps(top | {"Statement": list(statements)} | more)


def trusting(**changes: Any) -> dict[str, Any]:
    return statement(
        **{
            "Principal": {"AWS": "111122223333"},
            "Action": "sts:AssumeRole",
            "Resource": None,
        }
        | changes
    )


def refusal(text: str, kind: Kind = Kind.IDENTITY, partition: str = "aws") -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        parse(text, kind, partition)
    assert (caught.value.code, caught.value.status) == ("MalformedPolicyDocument", 400)
    return caught.value


def condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return statement(Condition={operator: {key: value}})


MALFORMED: list[tuple[str, str, str]] = [
    ("empty", "", SYNTAX),
    ("no JSON", "{", SYNTAX),
    ("a file's name", "policy.json", SYNTAX),
    ("null", "null", SYNTAX),
    ("a list", "[]", SYNTAX),
    ("no statement", '{"Version": "2012-10-17"}', SYNTAX),
    ("statements of none", document(), SYNTAX),
    ("a statement that is text", document("x"), SYNTAX),
    ("statement null", '{"Version":"2012-10-17","Statement":null}', SYNTAX),
    ("unknown element", document(statement(), Extra=1), SYNTAX),
    ("unknown version", document(statement(), version="2020-01-01"), SYNTAX),
    ("a version that is a number", '{"Version":2012,"Statement":[]}', SYNTAX),
    ("a version that is a list", '{"Version":[],"Statement":[]}', SYNTAX),
    ("an id that is none", document(statement(), Id=3), SYNTAX),
    ("element twice", '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', SYNTAX),
    ("NaN", '{"Version":"2012-10-17","Statement":NaN}', SYNTAX),
    ("deep", "[" * 100_000, SYNTAX),
    ("deep but closed", '{"a":' * 50_000 + "1" + "}" * 50_000, SYNTAX),
    ("long", " " * (MAX_CHARS + 1), SYNTAX),
    ("a number of many digits", '{"Version":' + "9" * 10_000 + "}", SYNTAX),
    ("effect left out", document(statement(Effect=None)), SYNTAX),
    ("unknown effect", document(statement(Effect="Permit")), SYNTAX),
    ("an effect that is a list", document(statement(Effect=["Allow"])), SYNTAX),
    ("effect in small letters", document(statement(Effect="allow")), LEGACY),
    ("unknown element of a statement", document(statement(Actions="x")), SYNTAX),
    ("a sid that is a number", document(statement(Sid=1)), SYNTAX),
    ("Action and NotAction", document(statement(NotAction="iam:GetUser")), SYNTAX),
    ("Resource and NotResource", document(statement(NotResource="*")), SYNTAX),
    ("an action that is a number", document(statement(Action=1)), SYNTAX),
    ("an action that is an object", document(statement(Action={"Ref": "x"})), SYNTAX),
    ("an action in two lists", document(statement(Action=[["iam:GetUser"]])), SYNTAX),
    ("a resource that is null", document(statement() | {"Resource": None}), SYNTAX),
    ("a condition that is a list", document(statement(Condition=[])), SYNTAX),
    ("operator left out", document(statement(Condition={"aws:username": "x"})), SYNTAX),
    ("unknown operator", document(condition("StringIs", "aws:username", "x")), SYNTAX),
    ("negated Bool", document(condition("NotBool", "aws:username", "true")), SYNTAX),
    ("NullIfExists", document(condition("NullIfExists", "aws:username", "true")), SYNTAX),
    ("a set of Null", document(condition("ForAnyValue:Null", "aws:username", "true")), SYNTAX),
    ("unknown set", document(condition("ForSome:StringLike", "aws:username", "x")), SYNTAX),
    ("a value null", document(condition("StringLike", "aws:username", None)), SYNTAX),
    ("a value that is an object", document(condition("StringLike", "aws:username", {})), SYNTAX),
    ("a number that is none", document(condition("NumericEquals", "aws:x", "ten")), LEGACY),
    ("not a number", document(condition("NumericEquals", "aws:x", "NaN")), LEGACY),
    ("a month that is none", document(condition("DateEquals", "aws:x", "2026-13-01")), LEGACY),
    ("a date that is none", document(condition("DateEquals", "aws:x", "tomorrow")), LEGACY),
    ("a truth that is none", document(condition("Bool", "aws:x", "maybe")), LEGACY),
    ("a Null that is none", document(condition("Null", "aws:x", "maybe")), LEGACY),
    ("base64 that is none", document(condition("BinaryEquals", "aws:x", "!")), LEGACY),
    ("an address that is none", document(condition("IpAddress", "aws:x", "1.2.3.4/33")), LEGACY),
    (
        "a key without vendor",
        document(condition("Bool", "MultiFactorAuthPresent", "true")),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        "a principal",
        document(statement(Principal="*")),
        "Policy document should not specify a principal.",
    ),
    (
        "a negated principal",
        document(statement(NotPrincipal={"AWS": "*"})),
        "Policy document should not specify a principal.",
    ),
    ("a principal of wrong type", document(statement(Principal={"IAM": "*"})), SYNTAX),
    (
        "a sid with a hyphen",
        document(statement(Sid="allow-all")),
        (
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
            "regular expression [0-9A-Za-z]*"
        ),
    ),
    (
        "one sid twice",
        document(statement(Sid="A"), statement(Sid="A")),
        "Statement IDs (SID) in a single policy must be unique.",
    ),
    ("no action", document(statement(Action=None)), "Policy statement must contain actions."),
    ("actions of none", document(statement(Action=[])), "Policy statement must contain actions."),
    ("no resource", document(statement(Resource=None)), "Policy statement must contain resources."),
    (
        "resources of none",
        document(statement(Resource=[])),
        "Policy statement must contain resources.",
    ),
    (
        "an action without vendor",
        document(statement(Action="GetUser")),
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        "an action of three parts",
        document(statement(Action="iam:Get:User")),
        "Actions/Condition can contain only one colon.",
    ),
    ("a vendor with a wildcard", document(statement(Action="i*:x")), "Vendor i* is not valid"),
    (
        "a resource that is a name",
        document(statement(Resource="alice")),
        'Resource alice must be in ARN format or "*".',
    ),
    (
        "a resource that is a variable",
        document(statement(Resource="${aws:username}")),
        'Resource ${aws:username} must be in ARN format or "*".',
    ),
    (
        "a partition that is none",
        document(statement(Resource="arn:amazon:s3:::b")),
        'Partition "amazon" is not valid for resource "arn:amazon:s3:::b".',
    ),
    (
        "another partition",
        document(statement(Resource="arn:aws-cn:s3:::b")),
        'Partition "aws-cn" is not valid for resource "arn:aws-cn:s3:::b".',
    ),
    (
        "a vendor of a resource with a wildcard",
        document(statement(Resource="arn:aws:*:::b")),
        "Resource vendor must be fully qualified and cannot contain regexes.",
    ),
    ("an ARN of five fields", document(statement(Resource="arn:aws:s3::bucket")), LEGACY),
    (
        "a region at IAM",
        document(statement(Resource="arn:aws:iam:eu-west-1:111122223333:user/a")),
        "IAM resource arn:aws:iam:eu-west-1:111122223333:user/a cannot contain region information.",
    ),
    (
        "a region at S3",
        document(statement(Resource="arn:aws:s3:eu-west-1::b")),
        "Resource arn:aws:s3:eu-west-1::b can not contain region information.",
    ),
    (
        "a resource of IAM that is none",
        document(statement(Resource="arn:aws:iam::111122223333:*/*")),
        (
            'IAM resource path must either be "*" or start with user/, federated-user/, role/, '
            "group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, "
            "saml-provider/, oidc-provider/, report/, access-report/."
        ),
    ),
    (
        "a variable that is none",
        document(statement(Resource="arn:aws:s3:::b/${me}")),
        "Policy variable ${me} is not valid.",
    ),
    (
        "a variable without end",
        document(statement(Resource="arn:aws:s3:::b/${aws:username")),
        "Policy variable ${aws:username is not closed.",
    ),
]


@pytest.mark.parametrize(
    ("text", "message"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_malformed_document_is_refused(text: str, message: str) -> None:
    assert refusal(text).message == message


def test_syntax_error_says_more_in_a_note() -> None:
    """The service says no more than that there is one."""
    error = refusal(document(statement(), statement(NotAction="iam:*")))
    assert error.__notes__ == ["Statement 2: Action and NotAction exclude each other."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (document(trusting(Principal=None)), "Missing required field Principal"),
        (document(trusting(Resource="*")), "Has prohibited field Resource"),
        (document(trusting(NotResource="*")), "Has prohibited field NotResource"),
        (
            document(trusting(Principal="*")),
            'AssumeRolepolicy contained an invalid principal: "STAR":"*".',
        ),
        (
            document(trusting(Action="s3:GetObject")),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            document(trusting(Action="*")),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            document(trusting(Principal={"AWS": "alice"})),
            'Invalid principal in policy: "AWS":"alice"',
        ),
        (
            document(trusting(Principal={"AWS": "arn:aws:iam::111122223333:user/*"})),
            None,
        ),
        (
            document(trusting(Principal={"AWS": "arn:aws-cn:iam::111122223333:root"})),
            'Invalid principal in policy: "AWS":"arn:aws-cn:iam::111122223333:root"',
        ),
        (
            document(trusting(Principal={"Service": "ec2"})),
            'Invalid principal in policy: "SERVICE":"ec2"',
        ),
        (
            document(trusting(Principal={"Federated": "Everyone!"})),
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (
            document(trusting(Principal={"AWS": []})),
            (
                "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The "
                "passed in policy has a statement with no principals!"
            ),
        ),
    ],
)
def test_malformed_trust_policy_is_refused(text: str, message: str | None) -> None:
    wanted = message or 'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"'
    assert refusal(text, Kind.TRUST).message == wanted


@pytest.mark.parametrize("version", [None, "2008-10-17"])
def test_managed_policy_needs_the_new_version(version: str | None) -> None:
    text = document(statement(), version=version)
    parse(text, Kind.IDENTITY)
    assert (
        refusal(text, Kind.MANAGED).message
        == "Policy document must be version 2012-10-17 or greater."
    )


def test_partition_is_the_accounts() -> None:
    text = document(statement(Resource="arn:aws-cn:s3:::b"))
    parse(text, Kind.IDENTITY, "aws-cn")
    refusal(text, Kind.IDENTITY, "aws-us-gov")


def test_same_text_is_read_once() -> None:
    text = document(statement(Sid="Once"))
    assert parse(text, Kind.IDENTITY) is parse(text, Kind.IDENTITY)
    assert parse(text, Kind.IDENTITY) is not parse(text, Kind.SESSION)


def test_what_is_kept_of_documents_is_bounded() -> None:
    long = document(statement(Resource=["arn:aws:s3:::" + "x" * 12_000]))
    assert parse(long, Kind.IDENTITY) is not parse(long, Kind.IDENTITY)
    everything = parse(document(statement(Action="iam:*")), Kind.IDENTITY)
    for n in range(1_000):
        assert len(everything.about(f"iam:action{n}")) == 1
        assert len(everything._about) <= 64


def test_text_of_a_refusal_can_be_sent() -> None:
    """A lone surrogate in a document must not stop the answer."""
    error = refusal(document(statement(Resource="\ud800")))
    error.message.encode()


def test_root_user_is_a_resource() -> None:
    """As AWS's guide writes policies for AssumeRoot, and its own root tasks."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoot",
        "Resource": "arn:aws:iam::*:root",
    }
    parse(json.dumps({"Version": "2012-10-17", "Statement": statement}), Kind.IDENTITY)
