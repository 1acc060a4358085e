"""AWS managed policies as every account finds them."""

import json

import pytest

from mfalab.verifier import aws_policies
from mfalab.verifier.names import PARTITIONS


@pytest.mark.parametrize("partition", PARTITIONS)
def test_policies_of_every_partition(partition: str) -> None:
    policies = aws_policies.everything(partition)
    assert len({policy.id for policy in policies}) == len(policies) > 5
    for policy in policies:
        found = aws_policies.find(partition, policy.arn)
        assert found is not None
        again, document = found
        assert again == policy
        assert policy.arn == f"arn:{partition}:iam::aws:policy{policy.path}{policy.name}"
        assert json.loads(document)["Version"] == "2012-10-17"
        assert "PARTITION" not in document
        assert len(policy.id) == 21


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/None",
        "arn:aws-cn:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::123456789012:policy/AdministratorAccess",
        "AdministratorAccess",
        "",
    ],
)
def test_what_is_no_policy_of_aws(arn: str) -> None:
    assert aws_policies.find("aws", arn) is None
