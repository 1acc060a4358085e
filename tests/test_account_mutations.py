"""The shipped suites notice a verifier whose rules beside the codes are broken, one at a time.

Credentials and sessions, pages and recovery, messages, reports, tags, limits, and what else keeps
accounts and people apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import (
    authorization,
    console_login,
    credential_report,
    device_rules,
    enrolment,
    otp,
    passwords,
    profile,
    second_page,
    security_keys,
    sms,
    sts,
    tags,
    throttle,
    users,
)
from mfalab.verifier.authorization import Credentials, Door
from mfalab.verifier.records import (
    AccessKey,
    Budget,
    DeviceKind,
    Identity,
    RecoveryState,
    Session,
    SmsChallenge,
)
from mfalab.verifier.webauthn import attestation
from support.breaks import Break, Patch, each, figures, nothing

pytestmark = pytest.mark.slow

# -- credentials and sessions --


def _credentials(patch: Patch, change: Callable[[Any, Credentials], Credentials]) -> None:
    right = authorization.authenticate

    def broken(tx: Any, credentials: Credentials, *args: Any, **words: Any) -> Any:
        return right(tx, change(tx, credentials), *args, **words)

    patch.setattr(authorization, "authenticate", broken)


def wrong_secret_access_key_accepted(patch: Patch) -> None:
    def change(tx: Any, credentials: Credentials) -> Credentials:
        key = tx.get(AccessKey, credentials.access_key_id)
        return replace(credentials, secret_access_key=key.secret) if key else credentials

    _credentials(patch, change)


def wrong_secret_of_a_session_accepted(patch: Patch) -> None:
    def change(tx: Any, credentials: Credentials) -> Credentials:
        session = tx.get(Session, credentials.access_key_id)
        return replace(credentials, secret_access_key=session.secret) if session else credentials

    _credentials(patch, change)


def wrong_session_token_accepted(patch: Patch) -> None:
    def change(tx: Any, credentials: Credentials) -> Credentials:
        session = tx.get(Session, credentials.access_key_id)
        return replace(credentials, session_token=session.token) if session else credentials

    _credentials(patch, change)


def deleted_users_access_keys_live_on(patch: Patch) -> None:
    def broken(call: Any, user: Identity) -> None:
        ghost = replace(user, name=user.id, name_key=user.id.lower(), password_hash=None)
        call.tx.update(ghost)

    patch.setattr(users, "delete", broken)


def deleted_users_sessions_live_on(patch: Patch) -> None:
    def broken(call: Any, user: Identity) -> None:
        for key in users.access_keys_of(call, user):
            call.tx.delete(key)
        call.tx.update(replace(user, name=user.id, name_key=user.id.lower(), password_hash=None))

    patch.setattr(users, "delete", broken)


def expired_session_accepted(patch: Patch) -> None:
    right = authorization.authenticate

    def broken(tx: Any, credentials: Credentials, now_ns: int, *args: Any, **words: Any) -> Any:
        session = tx.get(Session, credentials.access_key_id)
        ended = session is not None and session.expires_ns <= now_ns
        seen_ns = session.expires_ns - 1 if ended else now_ns
        return right(tx, credentials, seen_ns, *args, **words)

    patch.setattr(authorization, "authenticate", broken)


def session_without_mfa_admitted_by_iam(patch: Patch) -> None:
    right = authorization.authenticate

    def broken(
        tx: Any, credentials: Credentials, now_ns: int, door: Door, *args: Any, **words: Any
    ) -> Any:
        temporary = credentials.session_token is not None and door is Door.IAM
        return right(tx, credentials, now_ns, Door.STS if temporary else door, *args, **words)

    patch.setattr(authorization, "authenticate", broken)


def roots_session_not_cut(patch: Patch) -> None:
    patch.setattr(sts, "ROOT_SESSION_S", 129_600)


def roles_maximum_not_looked_at(patch: Patch) -> None:
    right = sts._role

    def broken(call: Any, arn: str) -> Any:
        role = right(call, arn)
        return role and replace(role, max_session_s=43_200)

    patch.setattr(sts, "_role", broken)


def chained_session_as_long_as_the_role_allows(patch: Patch) -> None:
    patch.setattr(sts, "CHAINED_SESSION_S", 43_200)


def half_a_proof_taken_for_none(patch: Patch) -> None:
    right = sts._proof

    def broken(call: Any, serial: str | None, code: str | None) -> Any:
        return None if serial is None or code is None else right(call, serial, code)

    patch.setattr(sts, "_proof", broken)


def mfa_of_a_session_renewed_by_use(patch: Patch) -> None:
    right = authorization.session_caller

    def broken(tx: Any, session: Session) -> Any:
        if session.mfa_ns is None or session.kind.value != "session-token":
            return right(tx, session)
        used = replace(session, mfa_ns=session.expires_ns)
        return right(tx, used)

    patch.setattr(authorization, "session_caller", broken)


def console_session_never_ends(patch: Patch) -> None:
    figures(patch, console_session_s=10**8)


# -- pages --


def second_page_good_for_several_sign_ins(patch: Patch) -> None:
    right = console_login.begin_session

    def broken(call: Any, identity: Identity, proof: Any, sign_in: Any = None) -> Any:
        return right(call, identity, proof)

    patch.setattr(console_login, "begin_session", broken)


def second_page_never_grows_old(patch: Patch) -> None:
    figures(patch, sign_in_page_lifetime_s=10**9)


def lock_not_looked_at(patch: Patch) -> None:
    patch.setattr(console_login, "check_lock", nothing)


def resync_offered_at_once(patch: Patch) -> None:
    patch.setattr(second_page, "_resync_offered", lambda *_: True)


def resync_not_offered_to_root(patch: Patch) -> None:
    right = second_page._resync_offered

    def broken(call: Any, sign_in: Any, identity: Identity) -> bool:
        return right(call, sign_in, replace(identity, root=False))

    patch.setattr(second_page, "_resync_offered", broken)


def any_kind_of_device_for_the_chosen_one(patch: Patch) -> None:
    right = second_page._of_kind

    def broken(call: Any, identity: Identity, kind: DeviceKind) -> Any:
        if kind not in (DeviceKind.VIRTUAL, DeviceKind.HARDWARE):
            return right(call, identity, kind)
        return right(call, identity, DeviceKind.VIRTUAL) + right(
            call, identity, DeviceKind.HARDWARE
        )

    patch.setattr(second_page, "_of_kind", broken)


def newest_device_only_may_sign_in(patch: Patch) -> None:
    figures(patch, sign_in_tries_every_device=False)


def password_not_looked_at(patch: Patch) -> None:
    patch.setattr(passwords.PasswordHasher, "verify", lambda *_: True)


# -- typed codes --


def blanks_in_a_code_passed_over(patch: Patch) -> None:
    right = otp.typed_value
    patch.setattr(otp, "typed_value", lambda code, digits: right(code.replace(" ", ""), digits))


def leading_zeros_of_a_code_left_out(patch: Patch) -> None:
    right = otp.typed_value
    patch.setattr(otp, "typed_value", lambda code, digits: right(code.zfill(digits), digits))


def digits_of_all_scripts_accepted(patch: Patch) -> None:
    def broken(code: str, digits: int) -> int:
        return int(code) if len(code) == digits and code.isdigit() else -1

    patch.setattr(otp, "typed_value", broken)


# -- throttling --


def budget_of_the_device_and_not_of_its_name(patch: Patch) -> None:
    right = enrolment.remove

    def broken(call: Any, device: Any) -> None:
        right(call, device)
        call.tx.delete(Budget(device.serial))

    patch.setattr(enrolment, "remove", broken)


def window_of_attempts_begins_elsewhere(patch: Patch) -> None:
    right = throttle._window_to_count_in

    def broken(budget: Budget, now_ns: int, known: profile.Profile) -> int:
        return right(budget, now_ns + 90 * 10**9, known)

    patch.setattr(throttle, "_window_to_count_in", broken)


def delay_does_not_double(patch: Patch) -> None:
    right = throttle.delay_ns
    patch.setattr(
        throttle,
        "delay_ns",
        lambda failures, known: right(min(failures, known.throttle_failures), known),
    )


def delay_waits_for_a_time_that_the_clock_left(patch: Patch) -> None:
    right = throttle.is_throttled

    def broken(budget: Budget, now_ns: int, known: profile.Profile) -> bool:
        later = known.throttle.value == "backoff" and now_ns < budget.blocked_until_ns
        return later or right(budget, now_ns, known)

    patch.setattr(throttle, "is_throttled", broken)


# -- messages and recovery --


def older_message_counts(patch: Patch) -> None:
    right = sms.send_code

    def broken(call: Any, device: Any) -> None:
        before = call.tx.get(SmsChallenge, device.id)
        right(call, device)
        if before is not None and not before.used:
            call.tx.update(before)

    patch.setattr(sms, "send_code", broken)


def message_good_for_two_sign_ins(patch: Patch) -> None:
    right = sms._judge
    patch.setattr(
        sms, "_judge", lambda call, sent, code: right(call, replace(sent, used=False), code)
    )


def messages_without_a_pause(patch: Patch) -> None:
    figures(patch, sms_resend_after_s=0)


def call_never_expires(patch: Patch) -> None:
    figures(patch, recovery_call_lifetime_s=10**9)


def digits_of_a_call_tried_without_end(patch: Patch) -> None:
    figures(patch, recovery_call_tries=10**6)


def recovery_where_it_is_switched_off(patch: Patch) -> None:
    right = device_rules.check_recovery_start
    patch.setattr(
        device_rules,
        "check_recovery_start",
        lambda account, identity: right(replace(account, alternative_factors=True), identity),
    )


def recovery_without_the_mail(patch: Patch) -> None:
    from mfalab.verifier import recovery

    right = dict(recovery.TRANSITIONS)
    event = recovery.RecoveryEvent.CALL_REQUESTED
    (called,) = {state for (_, each), state in right.items() if each is event}
    every = {(state, event): called for state in RecoveryState}
    patch.setattr(recovery, "TRANSITIONS", right | every)


# -- reports, tags, limits, devices --


def report_served_for_ever(patch: Patch) -> None:
    patch.setattr(credential_report, "_is_expired", lambda *_: False)


def report_made_anew_each_time(patch: Patch) -> None:
    patch.setattr(credential_report, "_is_expired", lambda *_: True)


def fifty_first_tag_taken(patch: Patch) -> None:
    right = tags.added
    patch.setattr(
        tags, "added", lambda present, given, limit, quota: right(present, given, 10**6, quota)
    )


def tag_keys_told_apart_by_case(patch: Patch) -> None:
    def broken(present: Any, keys: Any, *, fold: bool = True) -> Any:
        gone = set(keys)
        return tuple(tag for tag in present if tag[0] not in gone)

    patch.setattr(tags, "without", broken)


def account_never_full(patch: Patch) -> None:
    right = enrolment._check_name_is_free

    def broken(call: Any, *args: Any) -> None:
        known = call.service.profile
        call.service.profile = replace(known, virtual_devices_per_account=10**9)
        try:
            right(call, *args)
        finally:
            call.service.profile = known

    patch.setattr(enrolment, "_check_name_is_free", broken)


def enable_date_moves_with_a_resync(patch: Patch) -> None:
    right = enrolment.resync

    def broken(call: Any, target: Identity, serial: str, *codes: str) -> None:
        right(call, target, serial, *codes)
        device = device_rules.device_of_serial(call.tx, serial)
        assert device is not None
        call.tx.update(replace(device, enabled_ns=call.now_ns))

    patch.setattr(enrolment, "resync", broken)


def token_stays_with_its_account(patch: Patch) -> None:
    right = enrolment.unbind

    def broken(call: Any, device: Any) -> None:
        right(call, device)
        if device.kind is DeviceKind.HARDWARE:
            after = call.tx.get(type(device), device.id)
            call.tx.update(replace(after, account_id=device.account_id))

    patch.setattr(enrolment, "unbind", broken)


def device_in_use_deleted(patch: Patch) -> None:
    right = enrolment.delete_virtual

    def broken(call: Any, serial: str) -> None:
        device = device_rules.device_of_serial(call.tx, serial)
        if device is not None and device.owner_id is not None:
            enrolment.unbind(call, device)
        right(call, serial)

    patch.setattr(enrolment, "delete_virtual", broken)


def removing_a_device_deletes_it(patch: Patch) -> None:
    right = enrolment.deactivate

    def broken(call: Any, target: Identity, serial: str) -> None:
        right(call, target, serial)
        device = device_rules.device_of_serial(call.tx, serial)
        if device is not None and device.kind is DeviceKind.VIRTUAL:
            enrolment.remove(call, device)

    patch.setattr(enrolment, "deactivate", broken)


def device_of_another_account_within_reach(patch: Patch) -> None:
    def broken(call: Any, serial: str) -> Any:
        device = device_rules.device_of_serial(call.tx, serial)
        if device is None:
            raise enrolment.refusals.no_such_device(serial)
        return device

    patch.setattr(enrolment, "_device_in_account", broken)


def event_tokens_where_there_are_none(patch: Patch) -> None:
    figures(patch, hotp_tokens=True)


# -- security keys --


def another_users_handle_accepted(patch: Patch) -> None:
    right = security_keys._registered

    def broken(call: Any, identity: Identity, assertion: Any) -> Any:
        return right(call, identity, replace(assertion, user_handle=None))

    patch.setattr(security_keys, "_registered", broken)


def model_believed_without_its_root(patch: Patch) -> None:
    patch.setattr(attestation, "_as_announced", lambda *_: True)


BREAKS: list[tuple[Break, str]] = [
    (wrong_secret_access_key_accepted, "secrets-and-tokens"),
    (wrong_secret_of_a_session_accepted, "secrets-and-tokens"),
    (wrong_session_token_accepted, "secrets-and-tokens"),
    (deleted_users_access_keys_live_on, "deleted-users-credentials-end"),
    (deleted_users_sessions_live_on, "deleted-in-the-console"),
    (expired_session_accepted, "session-durations"),
    (session_without_mfa_admitted_by_iam, "iam-wants-mfa-sessions"),
    (roots_session_not_cut, "roots-session-is-cut"),
    (roles_maximum_not_looked_at, "role-durations"),
    (chained_session_as_long_as_the_role_allows, "chained-roles"),
    (half_a_proof_taken_for_none, "half-the-proof"),
    (mfa_of_a_session_renewed_by_use, "mfa-too-long-ago"),
    (console_session_never_ends, "console-session-ends"),
    (second_page_good_for_several_sign_ins, "page-is-for-one-sign-in"),
    (second_page_never_grows_old, "page-left-open"),
    (lock_not_looked_at, "lock-after-refused-codes"),
    (resync_offered_at_once, "resync-after-three-failures"),
    (resync_not_offered_to_root, "root-resyncs-at-the-sign-in-page"),
    (any_kind_of_device_for_the_chosen_one, "choose-the-kind"),
    (newest_device_only_may_sign_in, "any-one-is-enough"),
    (password_not_looked_at, "password-page"),
    (blanks_in_a_code_passed_over, "typed-oddly"),
    (leading_zeros_of_a_code_left_out, "typed-oddly"),
    (digits_of_all_scripts_accepted, "typed-oddly"),
    (budget_of_the_device_and_not_of_its_name, "new-device-of-the-same-name"),
    (window_of_attempts_begins_elsewhere, "fixed-window"),
    (delay_does_not_double, "backoff-doubles"),
    (delay_waits_for_a_time_that_the_clock_left, "clock-set-back-ends-a-delay"),
    (older_message_counts, "text-that-overtook"),
    (message_good_for_two_sign_ins, "one-code-on-two-pages"),
    (messages_without_a_pause, "text-lost-and-sent-again"),
    (call_never_expires, "root-recovers"),
    (digits_of_a_call_tried_without_end, "root-recovers"),
    (recovery_where_it_is_switched_off, "recovery-switched-off"),
    (recovery_without_the_mail, "root-recovers"),
    (report_served_for_ever, "credential-report-is-cached"),
    (report_made_anew_each_time, "credential-report-is-cached"),
    (fifty_first_tag_taken, "tags-on-a-device"),
    (tag_keys_told_apart_by_case, "tags-on-a-device"),
    (account_never_full, "account-is-full"),
    (enable_date_moves_with_a_resync, "resync-keeps-the-enable-date"),
    (token_stays_with_its_account, "token-of-another-account"),
    (device_in_use_deleted, "delete-what-is-in-use"),
    (removing_a_device_deletes_it, "removing-the-last-device"),
    (device_of_another_account_within_reach, "token-of-another-account"),
    (event_tokens_where_there_are_none, "event-token-at-the-counter"),
    (another_users_handle_accepted, "handle-of-another-user"),
    (model_believed_without_its_root, "which-keys-are-accepted"),
]
"""A break, and the scenario that is tried first."""


@each(BREAKS)
def test_verifier_with_a_broken_rule_is_noticed(
    notice: Callable[[Break, str], None], break_it: Break, word: str
) -> None:
    notice(break_it, word)
