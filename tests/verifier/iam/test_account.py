"""The account as a whole: its summary."""

from typing import Any

from mfalab.verifier.records import Attachment, ManagedPolicy, Role, UserGroup

ACCOUNT = "123456789012"
OWN = f"arn:aws:iam::{ACCOUNT}:policy/own"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def summary(company: Any) -> dict[str, int]:
    return dict(company.iam("ada").get_account_summary()["SummaryMap"])


def test_summary_has_every_key_that_aws_names(company: Any) -> None:
    """As an empty member account answered in September 2026, but for users and their policies."""
    quotas = {
        "AccessKeysPerUserQuota": 2,
        "AssumeRolePolicySizeQuota": 2048,
        "AttachedPoliciesPerGroupQuota": 10,
        "AttachedPoliciesPerRoleQuota": 20,
        "AttachedPoliciesPerUserQuota": 10,
        "GlobalEndpointTokenVersion": 1,
        "GroupPolicySizeQuota": 5120,
        "GroupsPerUserQuota": 10,
        "GroupsQuota": 300,
        "InstanceProfilesQuota": 1000,
        "PoliciesQuota": 1500,
        "PolicySizeQuota": 6144,
        "PolicyVersionsInUseQuota": 10_000,
        "RolePolicySizeQuota": 10_240,
        "RolesQuota": 1000,
        "ServerCertificatesQuota": 20,
        "SigningCertificatesPerUserQuota": 2,
        "UserPolicySizeQuota": 2048,
        "UsersQuota": 5000,
        "VersionsPerPolicyQuota": 5,
    }
    counts = {
        "AccountAccessKeysPresent": 1,
        "AccountMFAEnabled": 0,
        "AccountPasswordPresent": 1,
        "AccountSigningCertificatesPresent": 0,
        "Groups": 0,
        "InstanceProfiles": 0,
        "MFADevices": 0,
        "MFADevicesInUse": 0,
        "Policies": 0,
        "PolicyVersionsInUse": 2,
        "Providers": 0,
        "Roles": 0,
        "ServerCertificates": 0,
        "Users": 3,
    }
    assert summary(company) == quotas | counts
    assert len(quotas | counts) == 34


def test_summary_counts_groups_roles_and_policies(company: Any) -> None:
    now = company.clock.now_ns()
    before = summary(company)
    more = [
        UserGroup("AGPA1", ACCOUNT, "g", "g", "/", now),
        ManagedPolicy(OWN, "ANPA1", ACCOUNT, "own", "own", "/", None, 3, 4, now, now),
        Role("AROA1", ACCOUNT, "r", "r", "/", "{}", 3600, now),
    ]
    with company.store.transaction() as tx:
        for record in more:
            tx.insert(record)

    def grown() -> dict[str, int]:
        after = summary(company)
        return {key: after[key] - before[key] for key in after if after[key] != before[key]}

    kept = {"Groups": 1, "Policies": 1, "Roles": 1}
    assert grown() == kept
    with company.store.transaction() as tx:  # an own policy, and one of AWS that is in use already
        tx.insert(Attachment("AGPA1", OWN, ACCOUNT))
        tx.insert(Attachment("AROA1", OWN, ACCOUNT))
        tx.insert(Attachment("AROA1", ADMINISTRATOR, ACCOUNT))
    assert grown() == kept | {"PolicyVersionsInUse": 1}


def test_boundary_is_in_use(company: Any) -> None:
    now = company.clock.now_ns()
    before = summary(company)["PolicyVersionsInUse"]
    bounded = Role("AROA1", ACCOUNT, "r", "r", "/", "{}", 3600, now, permissions_boundary=OWN)
    with company.store.transaction() as tx:
        tx.insert(bounded)
    assert summary(company)["PolicyVersionsInUse"] == before + 1


def test_roots_keys_and_password(company: Any) -> None:
    company.iam("root").delete_access_key(AccessKeyId=company.keys["root"].access_key_id)
    assert summary(company)["AccountAccessKeysPresent"] == 0


def test_account_summary_counts_devices_and_roots_mfa(company: Any) -> None:
    def counts() -> tuple[int, ...]:
        summary = company.iam("ada").get_account_summary()["SummaryMap"]
        keys = ("Users", "MFADevices", "MFADevicesInUse", "AccountMFAEnabled")
        return tuple(summary[key] for key in keys)

    assert counts() == (3, 0, 0, 0)
    company.create("spare")
    company.enrol(name="used")
    company.enable(company.ship())
    assert counts() == (3, 3, 2, 0)
    company.enrol_root()
    assert counts() == (3, 4, 3, 1)
