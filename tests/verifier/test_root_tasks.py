"""AssumeRoot: root of a member account, for one task, from an account that manages it."""

from typing import Any

import pytest

from mfalab.verifier import Credentials, MfaContext, ServiceError, SignedIn, root_tasks

MANAGER = "123456789012"
MEMBER = "222222222222"
ROOT = f"arn:aws:iam::{MEMBER}:root"
POLICIES = "arn:aws:iam::aws:policy/root-task/"


def task(name: str) -> dict[str, Any]:
    return {"TargetPrincipal": MEMBER, "TaskPolicyArn": {"arn": POLICIES + name}}


def denied(who: str, account: str = MEMBER) -> tuple[str, str, int]:
    action = f"sts:AssumeRoot on resource: arn:aws:iam::{account}:root"
    return "AccessDenied", f"User: {who} is not authorized to perform: {action}", 403


ADA = f"arn:aws:iam::{MANAGER}:user/ada"


@pytest.fixture
def firm(company: Any) -> Any:
    """The company manages a member account; both features are on."""
    company.verifier.create_account(
        MEMBER,
        root_email="member@example.com",
        root_password="member pw",
        managed_by=[MANAGER],
    )
    company.keys["member"] = company.verifier.create_access_key(MEMBER)
    company.set(root_credentials_management=True, root_sessions=True)
    return company


def assumed(firm: Any, name: str, **more: Any) -> Credentials:
    return Credentials.of(firm.sts("ada").assume_root(**task(name), **more))


def enrol_member(firm: Any) -> str:
    session = firm.console.sign_in_root("member@example.com", "member pw").credentials
    made = firm.console.create_virtual_device(session, "safe")["VirtualMFADevice"]
    token = firm.create().__class__(
        made["SerialNumber"], made["Base32StringSeed"].decode(), firm.clock
    )
    one, two = token.pair()
    firm.console.enable_device(session, serial=token.serial, code1=one, code2=two)
    return str(token.serial)


def test_answer(firm: Any, clock: Any) -> None:
    answer = firm.sts("ada").assume_root(**task("IAMAuditRootUserCredentials"))
    assert set(answer) == {"Credentials", "SessionTokenSize", "SessionTokenUtilization"}
    left = answer["Credentials"]["Expiration"].timestamp() - clock.ns / 1e9
    assert left == 900
    credentials = Credentials.of(answer)
    assert firm.sts(credentials).get_caller_identity() == {
        "UserId": MEMBER,
        "Account": MEMBER,
        "Arn": ROOT,
    }
    assert firm.verifier.mfa_context(credentials) == MfaContext(False, None)


@pytest.mark.parametrize("seconds", [0, 1, 900])
def test_duration(firm: Any, clock: Any, seconds: int) -> None:
    credentials = assumed(firm, "IAMAuditRootUserCredentials", DurationSeconds=seconds)
    if seconds:
        clock.advance(seconds - 1)
        firm.sts(credentials).get_caller_identity()
        clock.advance(1)
    with pytest.raises(ServiceError, match="ExpiredToken"):
        firm.sts(credentials).get_caller_identity()


def test_longer_than_900_s(firm: Any, refused: Any) -> None:
    with refused(
        "ValidationError",
        "1 validation error detected: Value '901' at 'durationSeconds' failed to satisfy "
        "constraint: Member must have value less than or equal to 900",
        400,
    ):
        assumed(firm, "IAMAuditRootUserCredentials", DurationSeconds=901)


def test_audit(firm: Any) -> None:
    serial = enrol_member(firm)
    iam = firm.iam(assumed(firm, "IAMAuditRootUserCredentials"))
    user = iam.get_user()["User"]
    assert set(user) == {"UserId", "Arn", "CreateDate", "PasswordLastUsed"}
    assert (user["UserId"], user["Arn"]) == (MEMBER, ROOT)
    (device,) = iam.list_mfa_devices()["MFADevices"]
    assert device["SerialNumber"] == serial
    (key,) = iam.list_access_keys()["AccessKeyMetadata"]
    assert "UserName" not in key
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    profile = iam.get_login_profile()["LoginProfile"]
    assert set(profile) == {"CreateDate", "PasswordResetRequired"}
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountPasswordPresent"]) == (1, 1)
    for forbidden in (
        lambda: iam.deactivate_mfa_device(SerialNumber=serial),
        lambda: iam.delete_access_key(AccessKeyId=key["AccessKeyId"]),
        iam.delete_login_profile,
        iam.list_users,
        lambda: iam.create_user(UserName="carol"),
        iam.generate_credential_report,
    ):
        with pytest.raises(ServiceError, match=f"User: {ROOT} is not authorized to perform: iam:"):
            forbidden()


def test_credentials_are_deleted_and_recovery_is_enabled(firm: Any, refused: Any) -> None:
    serial = enrol_member(firm)
    iam = firm.iam(assumed(firm, "IAMDeleteRootUserCredentials"))
    iam.deactivate_mfa_device(SerialNumber=serial)
    assert iam.list_mfa_devices()["MFADevices"] == []
    assert firm.outbox.mails[-1][0] == "member@example.com"
    for key in iam.list_access_keys()["AccessKeyMetadata"]:
        iam.delete_access_key(AccessKeyId=key["AccessKeyId"])
    iam.delete_login_profile()
    missing = ("NoSuchEntity", "Login Profile for User null cannot be found.", 404)
    for operation in (iam.get_login_profile, iam.delete_login_profile):
        with refused(*missing):
            operation()
    with pytest.raises(ServiceError, match="FailedAuthentication"):
        firm.console.sign_in_root("member@example.com", "member pw")
    with pytest.raises(ServiceError, match="not authorized to perform: iam:CreateLoginProfile"):
        iam.create_login_profile()
    mails = len(firm.outbox.mails)
    firm.console.forgot_root_password("member@example.com")
    assert len(firm.outbox.mails) == mails  # there is nothing to recover

    maker = firm.iam(assumed(firm, "IAMCreateRootUserPassword"))
    made = maker.create_login_profile()
    assert set(made["LoginProfile"]) == {"CreateDate", "PasswordResetRequired"}
    assert maker.get_login_profile() == made
    with refused("EntityAlreadyExists", f"Login Profile for account {MEMBER} already exists.", 409):
        maker.create_login_profile()
    for guess in ("", "member pw"):
        with pytest.raises(ServiceError, match="FailedAuthentication"):
            firm.console.sign_in_root("member@example.com", guess)
    firm.console.forgot_root_password("member@example.com")
    firm.console.reset_root_password(firm.outbox.mails[-1][3], "Correct horse 1")
    signed_in = firm.console.sign_in_root("member@example.com", "Correct horse 1")
    assert isinstance(signed_in, SignedIn)


def test_root_itself_has_no_api_for_it(firm: Any) -> None:
    serial = enrol_member(firm)
    root = firm.iam("member")
    for attempt in (
        lambda: root.deactivate_mfa_device(SerialNumber=serial),
        root.delete_login_profile,
        root.create_login_profile,
    ):
        with pytest.raises(ServiceError, match="is not authorized to perform: iam:"):
            attempt()
    assert isinstance(firm.console.sign_in_root("root@example.com", "root pw"), SignedIn)


class TestWhoMayNot:
    def test_accounts_that_do_not_manage_it(self, firm: Any, refused: Any) -> None:
        firm.verifier.create_account("333333333333", root_email="x@x.example", root_password="x")
        for account in ("333333333333", "444444444444", MANAGER):
            for target in (account, f"arn:aws:iam::{account}:root"):
                parameters = task("IAMAuditRootUserCredentials") | {"TargetPrincipal": target}
                with refused(*denied(ADA, account)):
                    firm.sts("ada").assume_root(**parameters)

    def test_root_plain_users_and_other_roots(self, firm: Any, refused: Any) -> None:
        with refused(*denied(f"arn:aws:iam::{MANAGER}:root")):
            firm.sts("root").assume_root(**task("IAMAuditRootUserCredentials"))
        with refused(*denied(ROOT)):
            firm.sts("member").assume_root(**task("IAMAuditRootUserCredentials"))
        with pytest.raises(ServiceError, match="not authorized to perform: sts:AssumeRoot"):
            firm.sts("alice").assume_root(**task("IAMAuditRootUserCredentials"))
        assumed_root = assumed(firm, "IAMAuditRootUserCredentials")
        with refused(*denied(ROOT)):
            firm.sts(assumed_root).assume_root(**task("IAMAuditRootUserCredentials"))
        with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", 403):
            firm.sts(assumed_root).get_session_token()

    @pytest.mark.parametrize(
        ("target", "policy", "text"),
        [
            (f"arn:aws:iam::{MEMBER}:user/x", "S3UnlockBucketPolicy", "a valid target principal"),
            ("x" * 12, "S3UnlockBucketPolicy", "a valid target principal"),
            ("٢" * 12, "S3UnlockBucketPolicy", "a valid target principal"),
            (MEMBER, "AdministratorAccess", "valid AWS managed task policy ARN"),
            (MEMBER, "", "valid AWS managed task policy ARN"),
        ],
    )
    def test_of_what(self, firm: Any, refused: Any, target: str, policy: str, text: str) -> None:
        parameters = task(policy) | {"TargetPrincipal": target}
        if policy == "AdministratorAccess":
            parameters["TaskPolicyArn"] = {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}
        with refused("ValidationError", f"Request must contain {text}", 400):
            firm.sts("ada").assume_root(**parameters)


@pytest.mark.parametrize("name", root_tasks.TASKS)
@pytest.mark.parametrize("on", [frozenset(), {"Root credentials management"}, {"Root sessions"}])
def test_each_task_belongs_to_one_feature(
    firm: Any, refused: Any, name: str, on: frozenset[str]
) -> None:
    firm.set(
        root_credentials_management="Root credentials management" in on,
        root_sessions="Root sessions" in on,
    )
    feature = "Root credentials management" if name.startswith("IAM") else "Root sessions"
    if feature in on:
        assumed(firm, name)
        return
    text = f"{feature} feature is not enabled for your AWS Organization."
    with refused("AccessDenied", text, 403):
        assumed(firm, name)


def test_default_profiles_are_older(company: Any) -> None:
    assert not company.verifier.profile.root_credentials_management
    assert not company.verifier.profile.root_sessions


def test_trail_says_that_root_was_assumed(firm: Any) -> None:
    firm.iam(assumed(firm, "IAMAuditRootUserCredentials")).get_user()
    (event,) = firm.trail("GetUser")
    assert event.fields["userIdentity"] == {
        "type": "Root",
        "arn": ROOT,
        "accountId": MEMBER,
        "accessKeyId": event.fields["userIdentity"]["accessKeyId"],
        "sessionContext": {
            "attributes": {"mfaAuthenticated": "false"},
            "assumedRoot": "true",
        },
    }


def test_console_does_not_take_the_credentials(firm: Any) -> None:
    credentials = assumed(firm, "IAMDeleteRootUserCredentials")
    with pytest.raises(ServiceError, match="InvalidClientTokenId"):
        firm.console.devices(credentials)
