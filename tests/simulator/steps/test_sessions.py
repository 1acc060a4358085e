"""Steps that ask STS for credentials."""

from collections.abc import Callable
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError

Labs = Callable[..., Lab]


@pytest.fixture
def lab(lab_with: Labs) -> Lab:
    """A lab in which alice's fob is enabled and two roles trust her account."""
    roles = {"dev": {}, "ops": {"requires_mfa": True}}
    lab = lab_with("fob", "app", roles=roles)
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    return lab


def test_session_remembers_whether_it_was_proved_by_mfa_and_when(lab: Lab) -> None:
    lab.get_session(who="alice", as_="plain")
    lab.check_mfa(who="alice", using="plain", present="false")
    lab.get_session(who="alice", with_="fob", as_="proved")
    lab.wait(for_="10 min")
    lab.check_mfa(who="alice", using="proved", present="true", younger_than="11 min")
    lab.check_mfa(who="alice", using="proved", present="true", older_than="9 min")
    lab.check_mfa(who="alice", present="absent")


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"present": "false"}, "expected MultiFactorAuthPresent false, got true"),
        ({"present": "true", "younger_than": "1 s"}, "expected MultiFactorAuthAge below 1 s, got"),
        ({"present": "true", "older_than": "1 h"}, "expected MultiFactorAuthAge above 3600 s, got"),
    ],
)
def test_context_that_differs_is_told(lab: Lab, stated: dict[str, Any], told: str) -> None:
    lab.get_session(who="alice", with_="fob", as_="proved")
    lab.wait(for_="1 min")
    with pytest.raises(ExpectationFailed, match=told):
        lab.check_mfa(who="alice", using="proved", **stated)


@pytest.mark.parametrize("omit", ["code", "serial"])
def test_half_a_proof_is_refused(lab: Lab, omit: str) -> None:
    lab.get_session(who="alice", with_="fob", omit=omit, expect={"refused": "any"})


def test_code_for_another_devices_serial_number_is_refused(lab: Lab) -> None:
    lab.create(who="ada", device="app")
    lab.get_session(who="alice", with_="fob", serial_of="app", expect={"refused": "AccessDenied"})


def test_code_of_a_device_without_a_serial_number_makes_no_sense(lab: Lab) -> None:
    with pytest.raises(ScenarioError, match="a code needs a device with a serial number"):
        lab.get_session(who="alice", with_="app")


def test_role_that_requires_mfa_is_assumed_with_a_code_only(lab: Lab) -> None:
    lab.assume_role(who="alice", role="dev", as_="developer")
    lab.who_am_i(who="alice", using="developer", arn_ends="assumed-role/dev/alice")
    lab.assume_role(who="alice", role="ops", expect={"refused": "AccessDenied"})
    lab.assume_role(who="alice", role="ops", with_="fob")


def test_longer_session_than_allowed_is_refused(lab: Lab) -> None:
    lab.assume_role(who="alice", role="dev", duration="1 h")
    lab.assume_role(who="alice", role="dev", duration="2 h", expect={"refused": "any"})


def test_arn_that_ends_otherwise_is_told(lab: Lab) -> None:
    with pytest.raises(ExpectationFailed, match="expected an ARN that ends in user/bob, got arn:"):
        lab.who_am_i(who="alice", arn_ends="user/bob")


def test_federated_user_is_called_as_told_and_kept_under_its_name(lab: Lab) -> None:
    lab.get_federation_token(who="ada", federated_user="Bob", duration="15 min", as_="bob")
    lab.who_am_i(who="ada", using="bob", arn_ends=":federated-user/Bob")
    lab.check_mfa(who="ada", using="bob", present="false")
    lab.wait(for_="15 min")
    lab.who_am_i(who="ada", using="bob", expect={"refused": "ExpiredToken"})
    broken = lab.get_federation_token(
        who="alice", federated_user="Bob", expect={"refused": "AccessDenied"}
    )
    assert "federated-user/Bob" in broken.message


def test_root_is_assumed_where_the_account_is_managed(lab_with: Labs) -> None:
    lab = lab_with(
        accounts={"main": {}, "member": {"managed_by": ["main"]}, "other": {}},
        verifier={"root_credentials_management": True},
    )
    audit = {"who": "ada", "task": "IAMAuditRootUserCredentials"}
    lab.assume_root(**audit, account="member", as_="audit")
    lab.who_am_i(who="ada", using="audit", arn_ends=":root")
    lab.assume_root(**audit, account="other", expect={"refused": "AccessDenied"})
    lab.assume_root(
        **audit, account="member", duration="901 s", expect={"refused": "ValidationError"}
    )


def test_account_is_managed_by_one_that_there_is(lab_with: Labs) -> None:
    with pytest.raises(ScenarioError, match='no account "nobody"'):
        lab_with(accounts={"main": {}, "member": {"managed_by": ["nobody"]}})


S3 = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
IF_MFA = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


def test_role_with_a_trust_policy_in_words_of_aws(lab_with: Labs) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
    roles = {"ops": {"trust_policy": [{**trust, **IF_MFA}], "requires_mfa": False}}
    lab = lab_with(
        "fob",
        roles=roles,
        accounts={"main": {"id": "111122223333"}},
        people={"alice": {"policies": ["AdministratorAccess"]}},
    )
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    lab.assume_role(who="alice", role="ops", expect={"refused": "AccessDenied"})
    lab.assume_role(who="alice", role="ops", with_="fob")


def test_request_is_decided_by_policies_alone(lab_with: Labs) -> None:
    policies = {
        "s3-with-mfa": [{**S3[0], **IF_MFA}],
        "bucket": [{**S3[0], "Principal": {"AWS": "*"}, "Resource": "arn:aws:s3:::open/*"}],
    }
    roles = {"ops": {"policies": ["AmazonS3ReadOnlyAccess"], "external_id": "12345"}}
    people = {"alice": {"policies": ["SelfManagement", "s3-with-mfa"], "typing": "instant"}}
    lab = lab_with("fob", policies=policies, roles=roles, people=people)
    lab.enable(who="alice", device="fob")
    lab.wait(for_="90 s")
    ask = {"who": "alice", "action": "s3:GetObject", "resource": "arn:aws:s3:::open/a"}
    lab.request(**ask, expect={"refused": "AccessDenied", "status": 403})
    lab.request(**ask, resource_policy="bucket")
    lab.request(**ask, resource_policy="bucket", owner="main")
    lab.get_session(who="alice", with_="fob", as_="proved")
    lab.request(**ask, using="proved")
    lab.assume_role(who="alice", role="ops", expect={"refused": "AccessDenied"})
    lab.assume_role(who="alice", role="ops", external_id="12345", as_="ops")
    lab.request(**ask, using="ops")
    lab.request(who="alice", action="s3:PutObject", using="ops", expect={"refused": "AccessDenied"})
