"""The shipped suites notice a broken verifier: each rule is broken once, and a scenario must fail.

A break replaces one function or one figure of the verifier. A break that no scenario notices is a
hole in the suites, not in the verifier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfalab.verifier import (
    Delay,
    Outcome,
    authorization,
    code_rules,
    console,
    console_login,
    demands,
    device_rules,
    enrolment,
    iam,
    password_rules,
    permissions,
    profile,
    recovery,
    root_tasks,
    second_page,
    sessions,
    sms,
    sts,
    throttle,
    users,
)
from mfalab.verifier.code_rules import Window
from mfalab.verifier.records import Demand, Device, Identity, SessionKind
from mfalab.verifier.sessions import MfaProof
from mfalab.verifier.webauthn import ceremonies
from support.breaks import Break, Patch, each, figures, nothing

pytestmark = pytest.mark.slow

MODULES = (
    authorization,
    console,
    console_login,
    enrolment,
    iam,
    recovery,
    device_rules,
    second_page,
    sms,
    sts,
    throttle,
    code_rules,
    permissions,
)


def everywhere(patch: Patch, name: str, broken: object) -> None:
    """Replace a function in every module that knows it by name."""
    found = [module for module in MODULES if hasattr(module, name)]
    assert found, f"the verifier has no {name}; this break breaks nothing"
    for module in found:
        patch.setattr(module, name, broken)


# -- the breaks --------------------------------------------------------------------------------


def replay_accepted(patch: Patch) -> None:
    everywhere(patch, "is_replay", lambda *_: False)
    everywhere(patch, "spend", lambda *_: True)


def replay_accepted_between_doors(patch: Patch) -> None:
    figures(patch, console_shares_used_codes=False)


def _window(patch: Patch, back: int, ahead: int) -> None:
    right = code_rules.code_window

    def wider(device: Device, now_ns: int, known: profile.Profile) -> Window:
        server, centre, low, high = right(device, now_ns, known)
        return server, centre, max(0, low - back), high + ahead

    everywhere(patch, "code_window", wider)


def window_one_step_wider_behind(patch: Patch) -> None:
    _window(patch, 1, 0)


def window_one_step_wider_ahead(patch: Patch) -> None:
    _window(patch, 0, 1)


def window_one_step_narrower_behind(patch: Patch) -> None:
    _window(patch, -1, 0)


def window_one_step_narrower_ahead(patch: Patch) -> None:
    _window(patch, 0, -1)


def _pair_window(patch: Patch, back: int, ahead: int) -> None:
    right = code_rules.pair_window

    def wider(device: Device, now_ns: int, known: profile.Profile) -> Window:
        server, centre, low, high = right(device, now_ns, known)
        return server, centre, max(1, low - back), high + ahead

    everywhere(patch, "pair_window", wider)


def pair_window_one_step_wider_behind(patch: Patch) -> None:
    _pair_window(patch, 1, 0)


def pair_window_one_step_wider_ahead(patch: Patch) -> None:
    _pair_window(patch, 0, 1)


def window_ignores_the_offset_that_resync_found(patch: Patch) -> None:
    right = code_rules.code_window
    everywhere(
        patch,
        "code_window",
        lambda device, now_ns, known: right(replace(device, offset_steps=0), now_ns, known),
    )


def ninth_device_allowed(patch: Patch) -> None:
    everywhere(patch, "check_device_limit", nothing)


def only_seven_devices_allowed(patch: Patch) -> None:
    figures(patch, devices_per_identity=7)


def equal_codes_accepted(patch: Patch) -> None:
    right = code_rules.pair_steps

    def broken(values: list[int], low: int, first: int, second: int) -> list[int]:
        same = [step for step, value in enumerate(values, low - 1) if value == first == second]
        return right(values, low, first, second) or [step for step in same if step >= low]

    everywhere(patch, "pair_steps", broken)


def pair_without_consecutive_codes_accepted(patch: Patch) -> None:
    def broken(values: list[int], low: int, first: int, second: int) -> list[int]:
        later = {value: step for step, value in enumerate(values, low - 1)}
        found = first in later and second in later
        return [max(low, later[second])] if found else []

    everywhere(patch, "pair_steps", broken)


def reversed_pair_accepted(patch: Patch) -> None:
    right = code_rules.pair_steps
    everywhere(
        patch,
        "pair_steps",
        lambda values, low, first, second: (
            right(values, low, first, second) or right(values, low, second, first)
        ),
    )


def second_code_of_a_pair_not_looked_at(patch: Patch) -> None:
    def broken(values: list[int], low: int, first: int, _: int) -> list[int]:
        return [step for step, one in enumerate(values[:-1], low) if one == first]

    everywhere(patch, "pair_steps", broken)


def stale_pair_history_ignored(patch: Patch) -> None:
    everywhere(patch, "is_stale", lambda *_: False)


def throttle_off(patch: Patch) -> None:
    everywhere(patch, "is_throttled", lambda *_: False)


def throttle_counts_failures_only(patch: Patch) -> None:
    right = throttle.count_attempt

    def broken(budget: Any, now_ns: int, known: profile.Profile, *, accepted: bool) -> Any:
        return budget if accepted else right(budget, now_ns, known, accepted=False)

    everywhere(patch, "count_attempt", broken)


def throttle_one_attempt_too_generous(patch: Patch) -> None:
    figures(patch, throttle_budget=10)


def throttle_forgives_a_code_that_was_refused_unseen(patch: Patch) -> None:
    figures(patch, throttled_code_is_used=True)


def other_users_device_accepted(patch: Patch) -> None:
    right = device_rules.bound_device

    def broken(tx: Any, identity: Any, serial: str, now_ns: int) -> Device | None:
        device = device_rules.device_of_serial(tx, serial)
        return right(tx, identity, serial, now_ns) or (
            device if device is not None and device.secret else None
        )

    patch.setattr(device_rules, "bound_device", broken)


def other_users_device_resynchronised(patch: Patch) -> None:
    everywhere(patch, "check_owner", nothing)


def device_of_one_user_enabled_for_another(patch: Patch) -> None:
    everywhere(patch, "check_association", nothing)


def sms_for_root(patch: Patch) -> None:
    right = device_rules.check_sms_enrolment

    def broken(target: Any, known: profile.Profile) -> None:
        if not target.root:
            right(target, known)

    everywhere(patch, "check_sms_enrolment", broken)


def sms_enabled_after_its_end(patch: Patch) -> None:
    right = device_rules.check_sms_enrolment

    def broken(target: Any, known: profile.Profile) -> None:
        right(target, replace(known, sms=profile.SmsMode.PREVIEW))

    everywhere(patch, "check_sms_enrolment", broken)


def sms_code_lives_for_ever(patch: Patch) -> None:
    figures(patch, sms_code_lifetime_s=10**9)


def sms_code_tried_without_end(patch: Patch) -> None:
    figures(patch, sms_tries=10**6)


def recovery_without_call(patch: Patch) -> None:
    everywhere(patch, "check_recovery_confirmed", nothing)


def recovery_for_users(patch: Patch) -> None:
    everywhere(patch, "check_recovery_start", nothing)


def recovery_mail_lives_for_ever(patch: Patch) -> None:
    figures(patch, recovery_mail_lifetime_s=10**9)


def recovery_counts_as_mfa(patch: Patch) -> None:
    figures(patch, recovery_counts_as_mfa=True)


def self_management_gate_off(patch: Patch) -> None:
    everywhere(patch, "check_self_management", nothing)


def drift_learnt_where_it_is_not(patch: Patch) -> None:
    everywhere(patch, "learnt_offset", lambda device, found_steps, known: found_steps)


def drift_never_learnt(patch: Patch) -> None:
    everywhere(patch, "learnt_offset", lambda device, found_steps, known: device.offset_steps)


def drift_memory_led_away(patch: Patch) -> None:
    figures(patch, drift_memory_limit_steps=10**6)


def resync_forgets_used_codes(patch: Patch) -> None:
    right = code_rules.after_pair

    def broken(device: Device, second_step: int, server_step: int, known: Any) -> Device:
        after = right(device, second_step, server_step, known)
        return replace(after, id=after.id, high_water_step=None)

    def again(tx: Any, device: Device, *args: Any, **words: Any) -> Any:
        from mfalab.verifier.records import UsedCode

        verdict = verify(tx, device, *args, **words)
        if verdict.accepted:
            for used in tx.find(UsedCode, device_id=device.id):
                tx.delete(used)
        return verdict

    verify = code_rules.verify_pair
    everywhere(patch, "after_pair", broken)
    everywhere(patch, "verify_pair", again)


def high_water_mark_not_kept(patch: Patch) -> None:
    figures(patch, replay=profile.ReplayRule.USED_SET)


def deactivated_device_still_works(patch: Patch) -> None:
    figures(patch, propagation_disable_s=Delay(10**9, 10**9))


def new_device_works_only_later(patch: Patch) -> None:
    figures(patch, propagation_enable_s=Delay(60, 60))


def second_code_of_a_pair_taken_at_once(patch: Patch) -> None:
    figures(patch, propagation_pair_code_s=Delay())


def new_offset_taken_at_once(patch: Patch) -> None:
    figures(patch, propagation_resync_s=Delay(), propagation_resync_old_s=Delay())


def old_offset_given_up_at_once(patch: Patch) -> None:
    figures(patch, propagation_resync_old_s=Delay())


def old_offset_held_until_the_new_one(patch: Patch) -> None:
    figures(patch, propagation_resync_old_s=Delay(60, 60))


def early_code_used_up(patch: Patch) -> None:
    def broken(tx: Any, device: Device, *args: Any, **words: Any) -> Any:
        decision = verify(tx, device, *args, **words)
        if decision.outcome is Outcome.EARLY:
            code_rules.spend(tx, device, decision.matched_step)
        return decision

    verify = code_rules.verify_code
    everywhere(patch, "verify_code", broken)


def use_of_a_key_told_at_once(patch: Patch) -> None:
    figures(patch, access_key_last_used_lag_s=Delay())


def every_use_of_a_password_told(patch: Patch) -> None:
    figures(patch, password_last_used_interval_s=0)


def report_ready_at_once(patch: Patch) -> None:
    figures(patch, credential_report_takes_s=Delay())


def platform_authenticator_taken(patch: Patch) -> None:
    figures(patch, passkeys=True)


def passkey_asked_for_as_a_security_key(patch: Patch) -> None:
    asked = {"authenticatorAttachment": "cross-platform", "residentKey": "discouraged"}
    patch.setattr(ceremonies, "_selection", lambda _: asked)


def root_never_asked_for_a_device(patch: Patch) -> None:
    everywhere(patch, "_mfa_due_ns", nothing)


def grace_of_root_begins_with_each_sign_in(patch: Patch) -> None:
    everywhere(
        patch,
        "_mfa_due_ns",
        lambda call, _: call.now_ns + call.profile.root_mfa_grace_s * 10**9,
    )


def enrolment_page_opens_the_console(patch: Patch) -> None:
    everywhere(patch, "check_enrolment", nothing)


def role_without_mfa(patch: Patch) -> None:
    right = permissions.trust_policy
    everywhere(patch, "trust_policy", lambda trusts, **_: right(trusts))


def mfa_age_not_looked_at(patch: Patch) -> None:
    right = permissions.trust_policy
    everywhere(
        patch,
        "trust_policy",
        lambda trusts, requires_mfa=False, mfa_max_age_s=None, external_id=None: right(
            trusts,
            requires_mfa=requires_mfa or mfa_max_age_s is not None,
            external_id=external_id,
        ),
    )


def sign_in_without_the_second_page(patch: Patch) -> None:
    everywhere(patch, "sign_in_devices", lambda *_: [])


def event_counter_stands_still(patch: Patch) -> None:
    right = code_rules.after_code

    def broken(device: Device, step: int, server_step: int, known: Any) -> Device:
        after = right(device, step, server_step, known)
        return replace(after, offset_steps=device.offset_steps)

    everywhere(patch, "after_code", broken)


def device_names_by_case(patch: Patch) -> None:
    figures(patch, device_names_ignore_case=False)


def user_with_a_device_deleted(patch: Patch) -> None:
    patch.setattr(users, "check_nothing_left", nothing)


def deleted_users_sessions_live_on(patch: Patch) -> None:
    """The name is free again, and the identity stays what sessions refer to."""

    def broken(call: Any, user: Identity) -> None:
        call.tx.update(replace(user, name_key=f"deleted {user.id}", password_hash=None))

    patch.setattr(users, "delete", broken)


def user_with_access_keys_deleted(patch: Patch) -> None:
    """DeleteUser does not see the keys that are left."""
    right = users.access_keys_of

    def broken(call: Any, user: Identity) -> Any:
        return [] if call.operation == "DeleteUser" else right(call, user)

    patch.setattr(users, "access_keys_of", broken)


def password_that_is_due_not_asked_for(patch: Patch) -> None:
    patch.setattr(console_login, "finish", console_login.begin_session)


def old_password_not_looked_at(patch: Patch) -> None:
    def broken(call: Any, identity: Identity, old: str, new: str) -> Identity:
        return password_rules.set_password(call, identity, new)

    patch.setattr(password_rules, "change_own", broken)


def any_new_password_taken(patch: Patch) -> None:
    patch.setattr(password_rules, "_conforms", lambda *_: True)


def any_mailed_code_taken(patch: Patch) -> None:
    def broken(call: Any, page_id: str, code: str) -> Any:
        page, root = console_login.find(call, page_id, Demand.MAIL_CODE)
        return console_login.finish(call, root, MfaProof(), page)

    patch.setattr(demands, "submit_mail_code", broken)


def federated_user_inherits_mfa(patch: Patch) -> None:
    right = sessions.issue

    def broken(call: Any, kind: SessionKind, *args: Any, **words: Any) -> Any:
        if kind is SessionKind.FEDERATION:
            args = (*args[:2], MfaProof(call.now_ns, "any"), *args[3:])
        return right(call, kind, *args, **words)

    patch.setattr(sessions, "issue", broken)


def assumed_root_does_everything(patch: Patch) -> None:
    everything = '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
    patch.setattr(root_tasks.Task, "document", lambda *_: everything)


def roots_session_not_cut(patch: Patch) -> None:
    patch.setattr(sts, "ROOT_SESSION_S", 43_200)


BREAKS: list[tuple[Break, str]] = [
    (replay_accepted, "replay"),
    (replay_accepted_between_doors, "replay"),
    (window_one_step_wider_behind, "drift"),
    (window_one_step_wider_ahead, "drift"),
    (window_one_step_narrower_behind, "drift"),
    (window_one_step_narrower_ahead, "drift"),
    (pair_window_one_step_wider_behind, "drift"),
    (pair_window_one_step_wider_ahead, "drift"),
    (window_ignores_the_offset_that_resync_found, "drift"),
    (ninth_device_allowed, "several"),
    (only_seven_devices_allowed, "several"),
    (equal_codes_accepted, "enrolment"),
    (pair_without_consecutive_codes_accepted, "enrolment"),
    (reversed_pair_accepted, "enrolment"),
    (second_code_of_a_pair_not_looked_at, "enrolment"),
    (stale_pair_history_ignored, "drift"),
    (throttle_off, "throttle"),
    (throttle_counts_failures_only, "throttle"),
    (throttle_one_attempt_too_generous, "throttle"),
    (throttle_forgives_a_code_that_was_refused_unseen, "throttle"),
    (other_users_device_accepted, "sessions"),
    (other_users_device_resynchronised, "several"),
    (device_of_one_user_enabled_for_another, "enrolment"),
    (sms_for_root, "sms"),
    (sms_enabled_after_its_end, "sms"),
    (sms_code_lives_for_ever, "sms"),
    (sms_code_tried_without_end, "sms"),
    (recovery_without_call, "root"),
    (recovery_for_users, "root"),
    (recovery_mail_lives_for_ever, "root"),
    (recovery_counts_as_mfa, "root"),
    (self_management_gate_off, "enrolment"),
    (drift_learnt_where_it_is_not, "drift"),
    (drift_never_learnt, "drift"),
    (drift_memory_led_away, "drift"),
    (resync_forgets_used_codes, "replay"),
    (high_water_mark_not_kept, "replay"),
    (deactivated_device_still_works, "sessions"),
    (new_device_works_only_later, "enrolment"),
    (second_code_of_a_pair_taken_at_once, "delays"),
    (new_offset_taken_at_once, "delays"),
    (old_offset_given_up_at_once, "delays"),
    (old_offset_held_until_the_new_one, "delays"),
    (early_code_used_up, "delays"),
    (use_of_a_key_told_at_once, "delays"),
    (every_use_of_a_password_told, "delays"),
    (report_ready_at_once, "delays"),
    (platform_authenticator_taken, "security-keys"),
    (passkey_asked_for_as_a_security_key, "security-keys"),
    (root_never_asked_for_a_device, "root"),
    (grace_of_root_begins_with_each_sign_in, "root"),
    (enrolment_page_opens_the_console, "root"),
    (role_without_mfa, "roles"),
    (mfa_age_not_looked_at, "roles"),
    (sign_in_without_the_second_page, "sign-in"),
    (event_counter_stands_still, "sign-in"),
    (device_names_by_case, "enrolment"),
    (user_with_a_device_deleted, "enrolment"),
    (deleted_users_sessions_live_on, "sessions"),
    (user_with_access_keys_deleted, "sessions"),
    (password_that_is_due_not_asked_for, "sign-in"),
    (old_password_not_looked_at, "sign-in"),
    (any_new_password_taken, "sign-in"),
    (any_mailed_code_taken, "root"),
    (federated_user_inherits_mfa, "sessions"),
    (assumed_root_does_everything, "root"),
    (roots_session_not_cut, "sessions"),
]
"""A break, and a word of the topic or tags of the scenarios that are tried first."""


@each(BREAKS)
def test_broken_verifier_is_noticed(
    notice: Callable[[Break, str], None], break_it: Break, word: str
) -> None:
    notice(break_it, word)
