"""The credential report: one CSV row for the root user and each IAM user, cached for hours."""

from __future__ import annotations

import csv
import io
from typing import Any

from mfalab.verifier import device_rules, key_use, names, password_rules, refusals
from mfalab.verifier.calls import Call
from mfalab.verifier.moments import SECOND_NS, iso, moment
from mfalab.verifier.records import AccessKey, CredentialReport, Identity

_KEY_COLUMNS = (
    "active",
    "last_rotated",
    "last_used_date",
    "last_used_region",
    "last_used_service",
)
REPORT_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(f"access_key_{number}_{column}" for number in (1, 2) for column in _KEY_COLUMNS),
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)

_NONE = "N/A"
_NOT_SUPPORTED = "not_supported"
_NO_KEY = ("false", _NONE, _NONE, _NONE, _NONE)
_NO_CERTIFICATES = ("false", _NONE, "false", _NONE)


def generate(call: Call) -> dict[str, Any]:
    """Answer GenerateCredentialReport: a new report at most once in the profile's interval."""
    account_id = call.caller.account.id
    report = call.tx.get(CredentialReport, account_id)
    if report is None or _is_expired(call, report):
        ready_ns = call.now_ns + call.delay_ns("credential_report_takes_s", account_id)
        call.tx.update(CredentialReport(account_id, _content(call), call.now_ns, ready_ns))
        return {
            "State": "STARTED",
            "Description": "No report exists. Starting a new report generation task",
        }
    return {"State": "INPROGRESS" if call.now_ns < report.ready_ns else "COMPLETE"}


def get(call: Call) -> dict[str, Any]:
    """Answer GetCredentialReport."""
    report = call.tx.get(CredentialReport, call.caller.account.id)
    if report is None:
        raise refusals.report_not_present()
    if call.now_ns < report.ready_ns:
        raise refusals.report_in_progress()
    if _is_expired(call, report):
        raise refusals.report_expired()
    return {
        "Content": report.content.encode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": moment(report.generated_ns),
    }


def _is_expired(call: Call, report: CredentialReport) -> bool:
    age_ns = call.now_ns - report.generated_ns
    return age_ns >= call.profile.credential_report_interval_s * SECOND_NS


def _content(call: Call) -> str:
    """The CSV: LF between lines, none at the end."""
    identities = call.tx.find(Identity, account_id=call.caller.account.id)
    identities.sort(key=lambda identity: (not identity.root, identity.name_key))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(REPORT_COLUMNS)
    writer.writerows(_row(call, identity) for identity in identities)
    return text.getvalue().removesuffix("\n")


def _row(call: Call, identity: Identity) -> tuple[str, ...]:
    keys = call.tx.find(AccessKey, identity_id=identity.id)
    keys.sort(key=lambda key: (key.created_ns, key.id))
    columns = [_key(key, call.now_ns) for key in keys[:2]] + [_NO_KEY] * (2 - len(keys))
    return (
        "<root_account>" if identity.root else identity.name,
        names.identity_arn(call.caller.account, identity),
        iso(identity.created_ns),
        *_password(call, identity),
        _boolean(bool(device_rules.devices_of(call.tx, identity.id))),
        *columns[0],
        *columns[1],
        *_NO_CERTIFICATES,
    )


def _password(call: Call, identity: Identity) -> tuple[str, str, str, str]:
    """Whether there is one, when it was used and changed, and when it has to be changed next."""
    used_ns = identity.password_last_used_ns
    last_used = "no_information" if used_ns is None else iso(used_ns)
    if identity.root and not call.profile.credential_report_root_password:
        return _NOT_SUPPORTED, last_used, _NOT_SUPPORTED, _NOT_SUPPORTED
    if identity.password_hash is None:
        return "false", last_used if identity.root else _NONE, _NONE, _NONE
    changed = iso(identity.password_changed_ns or identity.created_ns)
    if identity.root:
        return "true", last_used, changed, _NOT_SUPPORTED
    policy = password_rules.policy_of(call, identity.account_id)
    expires_ns = password_rules.expires_ns(policy, identity)
    return "true", last_used, changed, _NONE if expires_ns is None else iso(expires_ns)


def _key(key: AccessKey, now_ns: int) -> tuple[str, ...]:
    used = (_NONE, _NONE, _NONE)
    last = key_use.last_use(key, now_ns)
    if last is not None:
        used_ns, service, _ = last
        used = (iso(used_ns), names.REGION, service)
    return _boolean(key.active), iso(key.created_ns), *used


def _boolean(value: bool) -> str:
    return "true" if value else "false"
