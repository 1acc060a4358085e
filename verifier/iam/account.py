"""The operations on the account as a whole."""

from __future__ import annotations

from typing import Any

from mfalab.verifier import (
    credential_report,
)
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import (
    Call,
    on_everything,
    operation,
)
from mfalab.verifier.iam.caller import ForCaller
from mfalab.verifier.records import (
    AccessKey,
    Device,
    Identity,
    Role,
)


class AccountReports(ForCaller):
    """The account's summary and its credential report."""

    @operation("GetAccountSummary", Door.IAM, on_everything)
    def get_account_summary(self, call: Call) -> dict[str, Any]:
        """Counts of the account's entities; a device counts from its creation on."""
        tx, account = call.tx, call.caller.account
        identities = tx.find(Identity, account_id=account.id)
        devices = [
            device for device in tx.find(Device, account_id=account.id) if device.deleted_ns is None
        ]
        in_use = [device for device in devices if device.owner_id is not None]
        return {
            "SummaryMap": {
                "Users": sum(not identity.root for identity in identities),
                "Roles": len(tx.find(Role, account_id=account.id)),
                "MFADevices": len(devices if call.profile.summary_counts_unassigned else in_use),
                "MFADevicesInUse": len(in_use),
                "AccountMFAEnabled": int(any(device.owner_id == account.id for device in in_use)),
                "AccountAccessKeysPresent": int(bool(tx.find(AccessKey, identity_id=account.id))),
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
