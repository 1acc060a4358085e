"""Policies to test with, and short ways to IAM as its administrator sees it."""

import json
from typing import Any

import pytest

ALLOW_S3 = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
)


@pytest.fixture
def iam(company: Any) -> Any:
    """IAM for the administrator."""
    return company.iam("ada")


@pytest.fixture
def document() -> str:
    """A policy: everything in S3."""
    return ALLOW_S3


@pytest.fixture
def long_document() -> Any:
    """Makes a policy of so many characters, white space not counted."""

    def make(size: int) -> str:
        statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        missing = size - len("".join(text.split()))
        return text.replace("arn:aws:s3:::", "arn:aws:s3:::" + "x" * missing)

    return make
