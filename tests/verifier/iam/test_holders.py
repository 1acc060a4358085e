"""What users, groups and roles have in common: inline policies, attached ones, a boundary."""

import json
from collections.abc import Callable
from typing import Any

import pytest

A = "123456789012"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
KINDS = {"user": 2048, "group": 5120, "role": 10_240}


class Of:
    """The operations on one user, group or role by their short names."""

    def __init__(self, iam: Any, kind: str, name: str) -> None:
        self.iam, self.kind, self.name = iam, kind, name

    def __call__(self, operation: str, **more: Any) -> dict[str, Any]:
        method: Callable[..., dict[str, Any]] = getattr(
            self.iam, operation.replace("KIND", self.kind)
        )
        return method(**{f"{self.kind.capitalize()}Name": self.name}, **more)


@pytest.fixture(params=KINDS)
def holder(request: Any, company: Any, iam: Any) -> Of:
    """A user, a group and a role in turn, without policies."""
    kind = request.param
    if kind == "user":
        company.verifier.create_user(A, "holder", policies=())
    elif kind == "group":
        iam.create_group(GroupName="holder")
    else:
        company.verifier.create_role(A, "holder")
    return Of(iam, kind, "holder")


class TestInline:
    def test_policy_as_it_was_put(self, holder: Of, document: str) -> None:
        assert holder("put_KIND_policy", PolicyName="Own", PolicyDocument=document) == {}
        assert holder("get_KIND_policy", PolicyName="Own") == {
            f"{holder.kind.capitalize()}Name": "holder",
            "PolicyName": "Own",
            "PolicyDocument": json.loads(document),
        }

    def test_put_replaces(self, holder: Of, document: str) -> None:
        other = document.replace("s3", "ec2")
        for text in (document, other):
            holder("put_KIND_policy", PolicyName="own", PolicyDocument=text)
        found = holder("get_KIND_policy", PolicyName="own")["PolicyDocument"]
        assert found == json.loads(other)
        assert holder("list_KIND_policies")["PolicyNames"] == ["own"]

    def test_names_are_sorted_and_come_in_pages(self, holder: Of, document: str) -> None:
        for name in ("c", "a", "b"):
            holder("put_KIND_policy", PolicyName=name, PolicyDocument=document)
        first = holder("list_KIND_policies", MaxItems=2)
        assert (first["PolicyNames"], first["IsTruncated"]) == (["a", "b"], True)
        assert holder("list_KIND_policies", Marker=first["Marker"]) == {
            "PolicyNames": ["c"],
            "IsTruncated": False,
        }

    @pytest.mark.parametrize("operation", ["get_KIND_policy", "delete_KIND_policy"])
    def test_policy_that_is_not_there(
        self, holder: Of, document: str, refused: Any, operation: str
    ) -> None:
        holder("put_KIND_policy", PolicyName="own", PolicyDocument=document)
        holder("delete_KIND_policy", PolicyName="own")
        text = f"The {holder.kind} policy with name own cannot be found."
        with refused("NoSuchEntity", text, 404):
            holder(operation, PolicyName="own")

    def test_malformed_policy(self, holder: Of, refused: Any) -> None:
        with refused("MalformedPolicyDocument", "Syntax errors in policy.", 400):
            holder("put_KIND_policy", PolicyName="own", PolicyDocument="{")
        assert holder("list_KIND_policies")["PolicyNames"] == []

    def test_policies_are_so_large_together(
        self, holder: Of, long_document: Any, refused: Any
    ) -> None:
        """White space does not count, and a policy that is replaced counts once."""
        limit = KINDS[holder.kind]
        whole, half = long_document(limit), long_document(limit // 2)
        for text in (whole, half, whole.replace(",", ",\n  "), half):
            holder("put_KIND_policy", PolicyName="one", PolicyDocument=text)
        holder("put_KIND_policy", PolicyName="two", PolicyDocument=half)
        text = f"Maximum policy size of {limit} bytes exceeded for {holder.kind} holder"
        with refused("LimitExceeded", text, 409):
            holder(
                "put_KIND_policy", PolicyName="two", PolicyDocument=long_document(limit // 2 + 1)
            )
        with refused("LimitExceeded", text, 409):
            holder("put_KIND_policy", PolicyName="three", PolicyDocument=long_document(200))


class TestAttached:
    def test_attached_policies_come_and_go(self, holder: Of) -> None:
        for _ in range(2):
            assert holder("attach_KIND_policy", PolicyArn=ADMIN) == {}
        assert holder("list_attached_KIND_policies") == {
            "AttachedPolicies": [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN}],
            "IsTruncated": False,
        }
        assert holder("detach_KIND_policy", PolicyArn=ADMIN) == {}
        assert holder("list_attached_KIND_policies")["AttachedPolicies"] == []
        assert holder.iam.get_policy(PolicyArn=ADMIN)["Policy"]["AttachmentCount"] == 1  # Ada's

    def test_attached_policies_by_path_and_page(self, holder: Of, document: str) -> None:
        for name, path in (("b", "/deep/"), ("a", "/")):
            made = holder.iam.create_policy(PolicyName=name, Path=path, PolicyDocument=document)
            holder("attach_KIND_policy", PolicyArn=made["Policy"]["Arn"])
        deep = holder("list_attached_KIND_policies", PathPrefix="/deep/")["AttachedPolicies"]
        assert [each["PolicyName"] for each in deep] == ["b"]
        first = holder("list_attached_KIND_policies", MaxItems=1)
        second = holder("list_attached_KIND_policies", Marker=first["Marker"])
        names = [each["PolicyName"] for each in first["AttachedPolicies"]]
        assert names + [each["PolicyName"] for each in second["AttachedPolicies"]] == ["a", "b"]

    def test_policy_that_is_not_there(self, holder: Of, refused: Any) -> None:
        for arn in (
            f"arn:aws:iam::{A}:policy/none",
            "arn:aws:iam::aws:policy/none",
            "arn:aws-cn:iam::aws:policy/AdministratorAccess",
        ):
            with refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404):
                holder("attach_KIND_policy", PolicyArn=arn)
            with refused("NoSuchEntity", f"Policy {arn} was not found.", 404):
                holder("detach_KIND_policy", PolicyArn=arn)

    def test_policy_of_another_account(
        self, company: Any, holder: Of, document: str, refused: Any
    ) -> None:
        company.verifier.create_account("210987654321", root_email="o@x", root_password="pw")
        root = company.iam(company.verifier.create_access_key("210987654321"))
        made = root.create_policy(PolicyName="theirs", PolicyDocument=document)
        arn = made["Policy"]["Arn"]
        with refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", 404):
            holder("attach_KIND_policy", PolicyArn=arn)

    @pytest.mark.parametrize("arn", ["AdministratorAccess-by-name", f"arn:aws:iam::{A}:user/alice"])
    def test_what_is_no_policys_arn(self, holder: Of, refused: Any, arn: str) -> None:
        for operation in ("attach_KIND_policy", "detach_KIND_policy"):
            with refused("ValidationError", f"ARN {arn} is not valid.", 400):
                holder(operation, PolicyArn=arn)

    def test_so_many_policies_at_most(self, holder: Of, document: str, refused: Any) -> None:
        limit = 20 if holder.kind == "role" else 10
        arns = [
            holder.iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document)["Policy"][
                "Arn"
            ]
            for number in range(limit + 1)
        ]
        for arn in arns[:-1]:
            holder("attach_KIND_policy", PolicyArn=arn)
        holder("attach_KIND_policy", PolicyArn=arns[3])
        quota = f"PoliciesPer{holder.kind.capitalize()}"
        with refused("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409):
            holder("attach_KIND_policy", PolicyArn=arns[-1])
