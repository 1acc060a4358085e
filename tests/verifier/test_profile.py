"""Each figure of the profile is turned once, and the verifier does something else then.

The figures of security keys are turned in `webauthn/test_figures.py`.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pyotp
import pytest

from mfalab.verifier import (
    Credentials,
    Delay,
    DeviceKind,
    MemoryStore,
    SecondPage,
    ServiceError,
    TokenSeed,
)
from mfalab.verifier.code_rules import code_window, learnt_offset, pair_window
from mfalab.verifier.otp import step_at
from mfalab.verifier.profile import (
    AWS_IMMEDIATE,
    Profile,
    ReplayRule,
    RoleCredentialsMfa,
    RoleSessionMfa,
    SmsMode,
    ThrottleRule,
)
from mfalab.verifier.records import Device, MovingFactor

NOW_NS = 1_700_000_000 * 10**9
STEP = step_at(NOW_NS, 30)


def device(kind: DeviceKind) -> Device:
    return Device("d", kind, "serial", "1", "n", "/", 0, b"secret")


def test_hardware_tokens_may_have_windows_of_their_own() -> None:
    profile = replace(
        AWS_IMMEDIATE,
        hardware_window_back=0,
        hardware_window_ahead=5,
        hardware_pair_back=7,
        hardware_pair_ahead=9,
    )
    virtual, hardware = device(DeviceKind.VIRTUAL), device(DeviceKind.HARDWARE)
    assert code_window(virtual, NOW_NS, profile)[2:] == (STEP - 2, STEP + 2)
    assert code_window(hardware, NOW_NS, profile)[2:] == (STEP, STEP + 5)
    assert pair_window(virtual, NOW_NS, profile)[2:] == (STEP - 998, STEP + 1000)
    assert pair_window(hardware, NOW_NS, profile)[2:] == (STEP - 7, STEP + 9)


def test_hardware_tokens_have_the_windows_of_virtual_devices_by_default() -> None:
    for window in (code_window, pair_window):
        assert window(device(DeviceKind.HARDWARE), NOW_NS, AWS_IMMEDIATE) == window(
            device(DeviceKind.VIRTUAL), NOW_NS, AWS_IMMEDIATE
        )


def test_a_sign_in_code_may_have_to_come_from_the_device_enabled_last(company: Any) -> None:
    company.set(sign_in_tries_every_device=False)
    older = company.enrol(name="older")
    company.clock.advance(60)
    newer = company.enrol(name="newer")
    page = company.console.choose(company.page().id, DeviceKind.VIRTUAL)
    with pytest.raises(ServiceError, match="InvalidAuthenticationCode"):
        company.console.submit_code(page.id, older.code())
    assert company.console.submit_code(page.id, newer.code()).mfa_serial == newer.serial


@pytest.mark.parametrize(("counts", "expected"), [(True, 2), (False, 1)])
def test_the_summary_may_leave_unassigned_devices_out(
    company: Any, counts: bool, expected: int
) -> None:
    company.set(summary_counts_unassigned=counts)
    company.enrol()
    company.create("spare")
    assert company.iam("ada").get_account_summary()["SummaryMap"]["MFADevices"] == expected


@pytest.mark.parametrize("figure", ["window_back", "devices_per_identity", "sms_code_lifetime_s"])
def test_a_negative_figure_is_refused(figure: str) -> None:
    with pytest.raises(ValueError, match=f"{figure} is -1"):
        replace(AWS_IMMEDIATE, **{figure: -1})


def test_a_throttle_window_has_a_length() -> None:
    with pytest.raises(ValueError, match="throttle_window_s is 0"):
        replace(AWS_IMMEDIATE, throttle_window_s=0)


# -- every figure --------------------------------------------------------------------------------

NAMES = [figure.name for figure in fields(Profile)]
OF_KEYS = {
    *NAMES[NAMES.index("rp_id") : NAMES.index("metadata_statements") + 1],
    "fips_certification_prefix",
}
ACCOUNT = "123456789012"
Look = Callable[[Any], object]


def ends(act: Callable[[], object]) -> str:
    """How an act ends: the refusal's code, or nothing."""
    try:
        act()
    except ServiceError as refusal:
        return refusal.code
    return ""


def users_devices(company: Any) -> str:
    """What DeleteUser says of a device."""
    company.enrol()
    with pytest.raises(ServiceError) as caught:
        company.iam("ada").delete_user(UserName="alice")
    return caught.value.message


def window(kind: DeviceKind, find: Callable[..., Any]) -> Look:
    return lambda company: find(device(kind), NOW_NS, company.verifier.profile)[2:]


def codes(*steps: int, pause_s: float = 0) -> Look:
    """How codes of these steps end at STS, one after the other."""

    def look(company: Any) -> object:
        token = company.enrol()
        company.clock.advance(3600)
        seen = []
        for step in steps:
            seen.append(ends(lambda step=step: company.mfa_session(token, step=step)))
            company.clock.advance(pause_s)
        return seen

    return look


def guesses(count: int, *pauses_s: float) -> Look:
    """How a right code ends after so many wrong ones, and again after each pause."""

    def look(company: Any) -> object:
        token = company.enrol()
        company.clock.advance(3600)
        wrong = {"SerialNumber": token.serial, "TokenCode": token.wrong_code()}
        for _ in range(count):
            ends(lambda: company.session(**wrong))
        seen = []
        for pause_s in (0, *pauses_s):
            company.clock.advance(pause_s)
            seen.append(ends(lambda: company.mfa_session(token)))
        return seen

    return look


def failures_apart(pause_s: float) -> Look:
    """How a right code ends right after two wrong ones that lie apart."""

    def look(company: Any) -> object:
        token = company.enrol()
        for _ in range(2):
            company.clock.advance(pause_s)
            ends(lambda: company.session(SerialNumber=token.serial, TokenCode=token.wrong_code()))
        return ends(lambda: company.mfa_session(token))

    return look


def pair_after_failures(company: Any) -> object:
    """How a right code ends after two wrong ones and a resynchronisation."""
    token = company.enrol()
    company.clock.advance(3600)
    for _ in range(2):
        ends(lambda: company.session(SerialNumber=token.serial, TokenCode=token.wrong_code()))
    company.resync(token, second=1)
    return ends(lambda: company.mfa_session(token))


def code_refused_unseen(company: Any) -> object:
    token = company.enrol()
    company.clock.advance(179)
    right = {"SerialNumber": token.serial, "TokenCode": token.code()}
    ends(lambda: company.session(**right | {"TokenCode": token.wrong_code()}))
    seen = []
    for pause_s in (0, 1):
        company.clock.advance(pause_s)
        seen.append(ends(lambda: company.session(**right)))
    return seen


def events(ahead: int, pair: int | None = None) -> Look:
    """How an event-based token ends whose counter is ahead; or its pair, when it is enabled."""

    def look(company: Any) -> object:
        seed = TokenSeed("HOTP-00001", bytes(20), moving_factor=MovingFactor.EVENT)
        company.verifier.register_tokens([seed])
        code = pyotp.HOTP("A" * 32).at
        first = 0 if pair is None else pair

        def enable() -> None:
            company.iam("ada").enable_mfa_device(
                UserName="alice",
                SerialNumber=seed.serial,
                AuthenticationCode1=code(first),
                AuthenticationCode2=code(first + 1),
            )

        typed = {"SerialNumber": seed.serial, "TokenCode": code(first + 2 + ahead)}
        return ends(enable), ends(lambda: company.session(**typed))

    return look


def used_pair(company: Any) -> object:
    token = company.enrol()
    return ends(lambda: company.mfa_session(token))


def attempt_of_a_pair(company: Any) -> object:
    company.set(throttle_budget=2)
    token = company.enrol()
    company.clock.advance(30)
    ends(lambda: company.resync(token, second=9999))
    return ends(lambda: company.mfa_session(token))


def limit(devices: int) -> Look:
    def look(company: Any) -> object:
        return [ends(lambda n=n: company.enrol(name=f"n{n}")) for n in range(devices)]

    return look


def user_with_a_device(company: Any) -> object:
    company.enrol("bob")
    with pytest.raises(ServiceError) as caught:
        company.iam("ada").delete_user(UserName="bob")
    return caught.value.message


def tags(company: Any) -> object:
    two = [{"Key": key, "Value": ""} for key in "ab"]
    made = company.iam("ada").create_virtual_mfa_device
    company.create("plain")
    serial = f"arn:aws:iam::{ACCOUNT}:mfa/plain"
    return (
        ends(lambda: made(VirtualMFADeviceName="tagged", Tags=two)),
        ends(lambda: company.iam("ada").tag_mfa_device(SerialNumber=serial, Tags=two)),
    )


def gate(company: Any) -> object:
    company.enrol()
    return ends(lambda: company.enable(company.create("second"), by="alice"))


def after_enabling(company: Any) -> object:
    token = company.enrol()
    return ends(lambda: company.mfa_session(token, step=1))


def after_removal(company: Any) -> object:
    token = company.enrol()
    company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    return ends(lambda: company.mfa_session(token, step=1))


def after_resync(step: int) -> Look:
    def look(company: Any) -> object:
        token = company.enrol()
        company.clock.advance(90)
        company.resync(token, second=10)
        return ends(lambda: company.mfa_session(token, step=step))

    return look


def shared_codes(company: Any) -> object:
    token = company.enrol()
    page = company.page()
    company.mfa_session(token)
    return ends(lambda: company.console.submit_code(page.id, token.code()))


def offered(company: Any) -> object:
    token = company.enrol()
    page = company.page()
    company.fail_code(page, token.wrong_code(), times=2)
    return company.console.choose(page.id, DeviceKind.VIRTUAL).resync_offered


def locked(*pauses_s: float) -> Look:
    def look(company: Any) -> object:
        token = company.enrol()
        company.fail_code(company.page(), token.wrong_code(), times=1)
        company.fail_code(company.page(), token.wrong_code(), times=1)
        seen = []
        for pause_s in (0, *pauses_s):
            company.clock.advance(pause_s)
            seen.append(ends(company.page))
        return seen

    return look


def open_page(company: Any) -> object:
    token = company.enrol()
    page = company.page()
    company.clock.advance(600)
    return ends(lambda: company.console.submit_code(page.id, token.code()))


def console_session(company: Any) -> object:
    session = company.signed_in().credentials
    company.clock.advance(3600)
    return ends(lambda: company.console.devices(session))


def older_device(company: Any) -> object:
    older = company.enrol(name="older")
    company.clock.advance(60)
    company.enrol(name="newer")
    page = company.console.choose(company.page().id, DeviceKind.VIRTUAL)
    return ends(lambda: company.console.submit_code(page.id, older.code()))


def of_role(look: Callable[..., object]) -> Look:
    def looked(company: Any) -> object:
        role = company.verifier.create_role(
            ACCOUNT,
            "watch",
            trusts=[f"arn:aws:iam::{ACCOUNT}:root"],
            policies=["arn:aws:iam::aws:policy/AdministratorAccess"],
        )
        arn = company.verifier.role_arn(role)
        token = company.enrol()
        company.clock.advance(60)
        proved = company.sts(company.mfa_session(token))
        answer = proved.assume_role(RoleArn=arn, RoleSessionName="shift")
        return look(company, Credentials.of(answer), (arn, token))

    return looked


def second_role(company: Any, session: Any, known: Any) -> object:
    arn, token = known
    return ends(
        lambda: company.sts(session).assume_role(
            RoleArn=arn,
            RoleSessionName="shift",
            SerialNumber=token.serial,
            TokenCode=token.code(1),
        )
    )


def texted(look: Callable[[Any, SecondPage], object]) -> Look:
    def looked(company: Any) -> object:
        company.enrol_sms()
        return look(company, company.page())

    return looked


def text_after(seconds: float, wrong: int = 0) -> Look:
    def look(company: Any, page: SecondPage) -> object:
        company.clock.advance(seconds)
        for _ in range(wrong):
            ends(lambda: company.console.submit_code(page.id, "wrong!"))
        return ends(lambda: company.console.submit_code(page.id, company.outbox.last_code()))

    return texted(look)


def recovery(*, mail_s: float = 0, call_s: float = 0, wrong: int = 0) -> Look:
    def looked(company: Any) -> object:
        company.enrol_root()
        door = company.console.recovery
        process = door.start(company.root_page().id)
        door.send_mail(process)
        company.clock.advance(mail_s)
        followed = ends(lambda: door.follow_link(company.outbox.mails[-1][3]))
        if followed:
            return followed
        digits = door.call(process)
        company.clock.advance(call_s)
        for _ in range(wrong):
            ends(lambda: door.enter_digits(process, "wrong!"))
        entered = ends(lambda: door.enter_digits(process, digits))
        return entered or door.finish(process).mfa

    return looked


def root_signs_in(*pauses_s: float) -> Look:
    def look(company: Any) -> object:
        seen = []
        for pause_s in (0, *pauses_s):
            company.clock.advance(pause_s)
            result = company.console.sign_in_root("root@example.com", "root pw")
            seen.append((isinstance(result, SecondPage), getattr(result, "mfa_due_ns", None)))
        return seen

    return look


def unusual_place(wrong: int = 0) -> Look:
    def look(company: Any) -> object:
        console = company.console
        result = console.sign_in_root("root@example.com", "root pw", unusual=True)
        if not isinstance(result, SecondPage):
            return "signed in"
        for _ in range(wrong):
            ends(lambda: console.submit_mail_code(result.id, "wrong!"))
        code = company.outbox.mails[-1][3]
        return ends(lambda: console.submit_mail_code(result.id, code))

    return look


def of_task(task: str) -> Look:
    """How AssumeRoot ends, by an administrator of the account that manages another."""

    def look(company: Any) -> object:
        member = "210987654321"
        company.verifier.create_account(
            member, root_email="m@example.com", root_password="pw", managed_by=(ACCOUNT,)
        )
        arn = f"arn:aws:iam::aws:policy/root-task/{task}"
        return ends(
            lambda: company.sts("ada").assume_root(
                TargetPrincipal=member, TaskPolicyArn={"arn": arn}
            )
        )

    return look


def roots_session(company: Any) -> object:
    token = company.enrol_root()
    company.clock.advance(60)
    return company.verifier.mfa_context(company.mfa_session(token, who="root"))


def report_after(seconds: float, look: Callable[[Any], object]) -> Look:
    def looked(company: Any) -> object:
        company.session("bob")
        company.signed_in("bob")
        company.clock.advance(60)
        company.signed_in("bob")
        company.iam("ada").generate_credential_report()
        company.clock.advance(seconds)
        return look(company)

    return looked


def report(company: Any) -> object:
    return ends(company.iam("ada").get_credential_report)


def row_of(user: str) -> Look:
    def look(company: Any) -> object:
        content = company.iam("ada").get_credential_report()["Content"].decode()
        return next(line for line in content.split("\n") if line.startswith(user))

    return look


LONG = Delay(60, 60)
BACKOFF = {"throttle": ThrottleRule.BACKOFF, "throttle_failures": 2}

FIGURES: dict[str, tuple[dict[str, Any], Any, Look]] = {
    "window_back": ({}, 1, codes(-2)),
    "window_ahead": ({}, 1, codes(2)),
    "replay": ({}, ReplayRule.HIGH_WATER, codes(1, 0)),
    "drift_memory": ({}, True, codes(2, 3)),
    "drift_memory_limit_steps": (
        {"drift_memory": True},
        1,
        lambda company: learnt_offset(device(DeviceKind.VIRTUAL), 5, company.verifier.profile),
    ),
    "window_growth_s_per_day": (
        {},
        86_400,
        lambda company: code_window(
            replace(device(DeviceKind.VIRTUAL), high_water_step=STEP - 5),
            NOW_NS,
            company.verifier.profile,
        )[2:],
    ),
    "pair_back": ({}, 9, window(DeviceKind.VIRTUAL, pair_window)),
    "pair_ahead": ({}, 9, window(DeviceKind.VIRTUAL, pair_window)),
    "pair_counts_as_attempt": ({}, True, attempt_of_a_pair),
    "pair_consumes_codes": ({}, True, used_pair),
    "pair_sets_offset": ({}, False, after_resync(11)),
    "pair_forgives_failures": (BACKOFF, True, pair_after_failures),
    "hardware_window_back": ({}, 9, window(DeviceKind.HARDWARE, code_window)),
    "hardware_window_ahead": ({}, 9, window(DeviceKind.HARDWARE, code_window)),
    "hardware_pair_back": ({}, 9, window(DeviceKind.HARDWARE, pair_window)),
    "hardware_pair_ahead": ({}, 9, window(DeviceKind.HARDWARE, pair_window)),
    "hotp_tokens": ({}, True, events(0)),
    "hotp_look_ahead": ({"hotp_tokens": True}, 2, events(3)),
    "hotp_resync_look_ahead": ({"hotp_tokens": True}, 5, events(0, pair=9)),
    "throttle": ({}, ThrottleRule.NONE, guesses(9)),
    "throttle_budget": ({}, 2, guesses(2)),
    "throttle_window_s": ({}, 60, guesses(9, 60)),
    "throttle_failures": (BACKOFF, 3, guesses(2)),
    "throttle_delay_s": (BACKOFF, 5, guesses(2, 5)),
    "throttle_delay_limit_s": (BACKOFF, 5, guesses(2, 5)),
    "throttle_failures_limit": ({"throttle": ThrottleRule.BACKOFF}, 1, guesses(1)),
    "throttle_failures_forgotten_s": (BACKOFF, 60, failures_apart(60)),
    "throttled_code_is_used": ({"throttle_budget": 1}, True, code_refused_unseen),
    "devices_per_identity": ({}, 1, limit(2)),
    "device_names_ignore_case": (
        {},
        False,
        lambda company: [ends(lambda name=name: company.create(name)) for name in ("a", "A")],
    ),
    "tags_per_device": ({}, 1, tags),
    "self_management_gate": ({}, False, gate),
    "propagation_enable_s": ({}, LONG, after_enabling),
    "propagation_disable_s": ({}, LONG, after_removal),
    "propagation_resync_old_s": ({"propagation_resync_s": LONG}, LONG, after_resync(1)),
    "propagation_resync_s": ({}, LONG, after_resync(11)),
    "propagation_pair_code_s": ({}, LONG, after_resync(10)),
    "virtual_devices_per_account": ({}, 1, limit(2)),
    "delete_user_says_tokens": ({}, False, user_with_a_device),
    "summary_counts_unassigned": (
        {},
        False,
        lambda company: (
            company.create(),
            company.iam("ada").get_account_summary()["SummaryMap"]["MFADevices"],
        )[1],
    ),
    "console_shares_used_codes": ({}, False, shared_codes),
    "console_resync_offered_after": ({}, 2, offered),
    "console_locked_after": ({}, 2, locked()),
    "console_lock_s": ({"console_locked_after": 2}, 60, locked(60)),
    "sign_in_page_lifetime_s": ({}, 599, open_page),
    "console_session_s": ({}, 3600, console_session),
    "sign_in_tries_every_device": ({}, False, older_device),
    "root_mfa_required_from_ns": ({}, 0, root_signs_in()),
    "root_mfa_grace_s": ({"root_mfa_required_from_ns": 0}, 60, root_signs_in(60)),
    "root_mail_code": ({}, True, unusual_place()),
    "root_mail_code_tries": ({"root_mail_code": True}, 1, unusual_place(wrong=1)),
    "root_credentials_management": ({}, True, of_task("IAMAuditRootUserCredentials")),
    "root_sessions": ({}, True, of_task("S3UnlockBucketPolicy")),
    "root_session_mfa": ({}, False, roots_session),
    "role_session_mfa": ({}, RoleSessionMfa.IGNORED, of_role(second_role)),
    "role_credentials_mfa": (
        {},
        RoleCredentialsMfa.INHERITED,
        of_role(lambda company, session, _: company.verifier.mfa_context(session)),
    ),
    "sms": ({}, SmsMode.PREVIEW, lambda company: ends(company.enrol_sms)),
    "sms_code_lifetime_s": ({"sms": SmsMode.PREVIEW}, 60, text_after(61)),
    "sms_tries": ({"sms": SmsMode.PREVIEW}, 2, text_after(0, wrong=2)),
    "sms_resend_after_s": (
        {"sms": SmsMode.PREVIEW},
        0,
        texted(lambda company, page: ends(lambda: company.console.resend_code(page.id))),
    ),
    "recovery_mail_lifetime_s": ({}, 60, recovery(mail_s=61)),
    "recovery_call_lifetime_s": ({}, 60, recovery(call_s=61)),
    "recovery_call_tries": ({}, 2, recovery(wrong=2)),
    "recovery_counts_as_mfa": ({}, True, recovery()),
    "credential_report_interval_s": ({}, 60, report_after(60, report)),
    "credential_report_root_password": ({}, False, report_after(0, row_of("<root_account>"))),
    "credential_report_takes_s": ({}, LONG, report_after(0, report)),
    "access_key_last_used_lag_s": ({}, Delay(90, 90), report_after(0, row_of("bob"))),
    "password_last_used_interval_s": ({}, 300, report_after(0, row_of("bob"))),
}
"""For each figure: what else is set, what it is turned to, and where the difference is seen."""


def test_every_figure_is_turned() -> None:
    assert set(NAMES) - {"name"} == FIGURES.keys() | OF_KEYS


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_makes_a_difference(new_company: Any, figure: str) -> None:
    """A figure that nothing reads, or whose name says something else, changes nothing here."""
    base, turned, look = FIGURES[figure]
    seen = []
    for changes in (base, base | {figure: turned}):
        company = new_company(MemoryStore())
        company.set(**changes)
        seen.append(look(company))
    assert seen[0] != seen[1]
