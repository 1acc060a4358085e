"""What administrators look at: all users with their MFA, the account, the credential report."""

from __future__ import annotations

from mfalab.verifier import refusals
from mfalab.verifier.web.exchange import HOME, Exchange, Page, Pages, SignInNeeded
from mfalab.verifier.web.visits import Notice
from mfalab.verifier.wire.messages import Response

USERS = "/users"
ACCOUNT = "/account"
_SHOWN = (
    ("Users", "IAM users"),
    ("MFADevices", "MFA devices"),
    ("MFADevicesInUse", "MFA devices in use"),
    ("AccountAccessKeysPresent", "Access keys of the root user"),
    ("Groups", "Groups"),
    ("Roles", "Roles"),
    ("Policies", "Customer managed policies"),
)


def _show_home(x: Exchange) -> Response:
    if x.visit.credentials is None:
        raise SignInNeeded
    summary, _ = x.attempt(lambda: x.iam.get_account_summary()["SummaryMap"])
    return x.page("home", alarm=summary is not None and not summary["AccountMFAEnabled"])


def _show_users(x: Exchange) -> Response:
    users = x.console.users(x.credentials)
    wanted = x.query.get("mfa", "")
    found = [user for user in users if not wanted or wanted in user["MFA"].split(", ")]
    return x.page("users", users=found, total=len(users), wanted=wanted)


def _show_account(x: Exchange) -> Response:
    summary = x.iam.get_account_summary()["SummaryMap"]
    rows = [(text, summary[name]) for name, text in _SHOWN]
    return x.page("account", rows=rows, root_mfa=bool(summary["AccountMFAEnabled"]))


def _set_phone(x: Exchange) -> Response:
    x.console.update_root_phone(x.credentials, x.field("phone").strip() or None)
    return x.go(ACCOUNT, Notice("The telephone number of the root user was changed."))


def _generate(x: Exchange) -> Response:
    state = x.iam.generate_credential_report()["State"]
    _, missing = x.attempt(x.iam.get_credential_report)
    if missing:
        return x.go(ACCOUNT, Notice(f"The report is being generated ({state}). Try again soon."))
    return x.go(ACCOUNT, Notice("The report is ready.", values={"report": "ready"}))


def _download(x: Exchange) -> Response:
    report = x.iam.get_credential_report()
    made = f"{report['GeneratedTime']:%Y-%m-%dT%H%M%SZ}"
    return x.renderer.file(report["Content"], "text/csv", f"credential-report-{made}.csv")


def _delete_user(x: Exchange) -> Response:
    name = x.user or ""
    if x.field("confirm").strip() != name:
        raise refusals.validation_error("To delete the user, type its name.")
    x.console.delete_user(x.credentials, user_name=name)
    return x.go(USERS, Notice(f"The user {name} was deleted, with all that was the user's."))


PAGES: Pages = {
    HOME: Page(_show_home),
    USERS: Page(_show_users),
    "/users/delete": Page(None, _delete_user, "/credentials"),
    ACCOUNT: Page(_show_account),
    "/account/phone": Page(None, _set_phone, ACCOUNT),
    "/account/report": Page(None, _generate, ACCOUNT),
    "/account/report.csv": Page(_download, None, ACCOUNT),
}
"""Pages for people who are signed in."""
