"""The account's summary and its credential report."""

from __future__ import annotations

from typing import Any

from mfalab.verifier import credential_report, quotas
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, on_everything, operation
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.records import (
    AccessKey,
    Attachment,
    Device,
    Identity,
    ManagedPolicy,
    Role,
    UserGroup,
)

_QUOTAS = {
    "AccessKeysPerUserQuota": quotas.ACCESS_KEYS_PER_USER,
    "AssumeRolePolicySizeQuota": quotas.ASSUME_ROLE_POLICY_SIZE,
    "AttachedPoliciesPerGroupQuota": quotas.ATTACHED_POLICIES["group"],
    "AttachedPoliciesPerRoleQuota": quotas.ATTACHED_POLICIES["role"],
    "AttachedPoliciesPerUserQuota": quotas.ATTACHED_POLICIES["user"],
    "GroupPolicySizeQuota": quotas.INLINE_POLICY_SIZE["group"],
    "GroupsPerUserQuota": quotas.GROUPS_PER_USER,
    "GroupsQuota": quotas.GROUPS,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": quotas.POLICIES,
    "PolicySizeQuota": quotas.POLICY_SIZE,
    "PolicyVersionsInUseQuota": 10_000,
    "RolePolicySizeQuota": quotas.INLINE_POLICY_SIZE["role"],
    "RolesQuota": quotas.ROLES,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": quotas.INLINE_POLICY_SIZE["user"],
    "UsersQuota": quotas.USERS,
    "VersionsPerPolicyQuota": quotas.VERSIONS_PER_POLICY,
}
"""AWS's defaults, as a member account saw them in September 2026; sizes are in characters."""
_NOT_HERE = {
    "AccountSigningCertificatesPresent": 0,
    "InstanceProfiles": 0,
    "Providers": 0,
    "ServerCertificates": 0,
}
"""What this verifier knows nothing of."""


class AccountReports(ForCaller):
    """The account's summary and its credential report."""

    @operation("GetAccountSummary", Door.IAM, on_everything)
    def get_account_summary(self, call: Call) -> dict[str, Any]:
        """Counts of the account's entities, and quotas; a device counts from its creation on."""
        tx, account = call.tx, call.caller.account
        identities = tx.find(Identity, account_id=account.id)
        roles = tx.find(Role, account_id=account.id)
        devices = [
            device for device in tx.find(Device, account_id=account.id) if device.deleted_ns is None
        ]
        in_use = [device for device in devices if device.owner_id is not None]
        root = tx.get(Identity, account.id)
        assert root is not None
        # A policy is in use, by one version, when it is attached or bounds a user or a role.
        used = {attached.policy_arn for attached in tx.find(Attachment, account_id=account.id)}
        bounds = [identity.permissions_boundary for identity in identities]
        bounds += [role.permissions_boundary for role in roles]
        used.update(bound for bound in bounds if bound is not None)
        return {
            "SummaryMap": {
                **_QUOTAS,
                **_NOT_HERE,
                "GlobalEndpointTokenVersion": 1,
                "Users": len(identities) - 1,
                "Groups": tx.count(UserGroup, account_id=account.id),
                "Roles": len(roles),
                "Policies": tx.count(ManagedPolicy, account_id=account.id),
                "PolicyVersionsInUse": len(used),
                "MFADevices": len(devices if call.profile.summary_counts_unassigned else in_use),
                "MFADevicesInUse": len(in_use),
                "AccountMFAEnabled": int(any(device.owner_id == account.id for device in in_use)),
                "AccountAccessKeysPresent": int(bool(tx.find(AccessKey, identity_id=account.id))),
                "AccountPasswordPresent": int(root.password_hash is not None),
            }
        }

    @operation("GenerateCredentialReport", Door.IAM, on_everything)
    def generate_credential_report(self, call: Call) -> dict[str, Any]:
        """Begin a credential report, unless the last one is young enough."""
        return credential_report.generate(call)

    @operation("GetCredentialReport", Door.IAM, on_everything)
    def get_credential_report(self, call: Call) -> dict[str, Any]:
        """The last credential report, as CSV."""
        return credential_report.get(call)
