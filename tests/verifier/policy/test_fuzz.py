"""Documents that nobody meant: each is refused as malformed, or it is one and gives a verdict."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.verifier import ServiceError
from mfalab.verifier.policy.documents import Document, Kind, parse
from mfalab.verifier.policy.evaluation import Policies, Request, Verdict, evaluate
from mfalab.verifier.policy.matching import Principal

WORDS = st.sampled_from(
    [
        "Version",
        "2012-10-17",
        "2008-10-17",
        "Statement",
        "Id",
        "Sid",
        "Effect",
        "Allow",
        "Deny",
        "Action",
        "NotAction",
        "iam:*",
        "sts:AssumeRole",
        "Resource",
        "NotResource",
        "*",
        "?",
        "",
        ":",
        "arn:aws:s3:::b/${aws:username}",
        "arn:aws:s3",
        "arn:",
        "${aws:username, 'x'}",
        "${*}",
        "${",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Service",
        "Federated",
        "CanonicalUser",
        "111122223333",
        "Condition",
        "Bool",
        "Null",
        "ForAllValues:StringLikeIfExists",
        "NumericLessThan",
        "DateGreaterThan",
        "IpAddress",
        "BinaryEquals",
        "ArnLike",
        "aws:MultiFactorAuthPresent",
        "true",
        "1e9999",
        "9999-12-31T23:59:59+99:99",
        "0001-01-01T00:00:00+23:59",
        "10.0.0.0/8",
        "\ud800",
        "\u0130",
    ]
)
SCALARS = st.one_of(
    WORDS, st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.none()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(WORDS, st.text()), inner, max_size=4)
    ),
    max_leaves=12,
)
"""Any JSON; its words are those of policies."""
NEARLY = st.fixed_dictionaries(
    {"Version": st.just("2012-10-17")},
    optional={
        "Statement": st.lists(
            st.fixed_dictionaries(
                {
                    "Effect": st.sampled_from(["Allow", "Deny"]),
                    "Action": st.one_of(st.just("iam:*"), st.lists(WORDS, max_size=2)),
                },
                optional={
                    "Resource": st.one_of(st.just("*"), st.lists(WORDS, max_size=2), JSON),
                    "Principal": st.one_of(st.dictionaries(WORDS, WORDS, max_size=2), JSON),
                    "Sid": st.text(max_size=3),
                    "Condition": st.dictionaries(
                        WORDS,
                        st.dictionaries(WORDS, st.one_of(WORDS, SCALARS, JSON), max_size=2),
                        max_size=2,
                    ),
                },
            ),
            max_size=3,
        )
    },
)
"""Documents that are sound but for a place or two."""
TEXTS = st.one_of(
    st.text(),
    st.one_of(JSON, NEARLY, NEARLY).map(json.dumps),
    st.tuples(NEARLY.map(json.dumps), st.integers(0, 60), st.text(max_size=2)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
    ),
)
ALICE = Principal("arn:aws:iam::111122223333:user/alice", "111122223333")
CONTEXTS = st.dictionaries(
    WORDS, st.one_of(WORDS, st.text(), st.lists(WORDS, max_size=2).map(tuple))
)


def read(text: str, kind: Kind) -> Document | None:
    """The document, if it is one."""
    try:
        return parse(text, kind)
    except ServiceError as error:
        refusal = error
    assert refusal.code == "MalformedPolicyDocument"
    assert refusal.message.encode()
    return None


@pytest.mark.slow
@settings(max_examples=600, derandomize=True)
@given(TEXTS, st.sampled_from(Kind), CONTEXTS, WORDS, WORDS)
def test_malformed_or_a_verdict(
    text: str, kind: Kind, context: dict[str, Any], action: str, resource: str
) -> None:
    document = read(text, kind)
    if document is None:
        return
    policies = (
        Policies(resource=document) if kind.names_principals else Policies(identity=[document])
    )
    verdict = evaluate(policies, Request(action, resource, ALICE, ALICE.account, context))
    assert isinstance(verdict, Verdict)
    assert all(":" in key for key in document.context_keys)
