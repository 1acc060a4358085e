"""What an operation is authorised on, whether it exists or not."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("operation", "given", "resource"),
    [
        (
            "create_group",
            {"GroupName": "new", "Path": "/deep/"},
            "arn:aws:iam::123456789012:group/deep/new",
        ),
        ("get_group", {"GroupName": "none"}, "group none"),
        ("get_group", {"GroupName": "STAFF"}, "group Staff"),
        (
            "create_policy",
            {"PolicyName": "new", "Path": "/deep/", "PolicyDocument": "{}"},
            "arn:aws:iam::123456789012:policy/deep/new",
        ),
        (
            "get_policy",
            {"PolicyArn": "arn:aws:iam::123456789012:policy/x"},
            "policy arn:aws:iam::123456789012:policy/x",
        ),
    ],
)
def test_resource_of_an_operation(
    company: Any, iam: Any, operation: str, given: dict[str, str], resource: str
) -> None:
    iam.create_group(GroupName="Staff", Path="/people/")
    with pytest.raises(
        Exception, match=f"on resource: {resource} because no identity-based policy allows"
    ):
        getattr(company.iam("alice"), operation)(**given)
