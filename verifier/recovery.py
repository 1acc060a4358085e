"""Sign-in of a root user without a device: alternative factors.

From the second page: a mail to the account's address, the link in it, a call to the number on file,
and the digits on the web page typed on the telephone's keypad. `TRANSITIONS` is the whole machine:

- an event that is not in it is refused;
- mail and call may be asked for again, and only the newest link and the newest digits count;
- a link works once and for an hour, digits for some minutes; three wrong entries end it all.

The session is one without MFA unless the profile says otherwise.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from mfalab.verifier import (
    console_login,
    device_rules,
    names,
    parameter_rules,
    refusals,
    second_page,
)
from mfalab.verifier.arguments import typed
from mfalab.verifier.authorization import account_of
from mfalab.verifier.calls import Call, Refused, Service, transaction
from mfalab.verifier.console_login import SignedIn
from mfalab.verifier.decision import Decision, Outcome
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import Account, Identity, Recovery, RecoveryState
from mfalab.verifier.sessions import MfaProof


class RecoveryEvent(StrEnum):
    """An event that changes the state of a recovery."""

    MAIL_REQUESTED = "mail-requested"
    LINK_FOLLOWED = "link-followed"
    CALL_REQUESTED = "call-requested"
    DIGITS_RIGHT = "digits-right"
    DIGITS_WRONG = "digits-wrong"
    TRIES_SPENT = "tries-spent"
    FINISHED = "finished"


TRANSITIONS: Mapping[tuple[RecoveryState, RecoveryEvent], RecoveryState] = {
    (RecoveryState.STARTED, RecoveryEvent.MAIL_REQUESTED): RecoveryState.MAIL_SENT,
    (RecoveryState.MAIL_SENT, RecoveryEvent.MAIL_REQUESTED): RecoveryState.MAIL_SENT,
    (RecoveryState.MAIL_SENT, RecoveryEvent.LINK_FOLLOWED): RecoveryState.MAIL_CONFIRMED,
    (RecoveryState.MAIL_CONFIRMED, RecoveryEvent.CALL_REQUESTED): RecoveryState.CALLED,
    (RecoveryState.CALLED, RecoveryEvent.CALL_REQUESTED): RecoveryState.CALLED,
    (RecoveryState.CALLED, RecoveryEvent.DIGITS_RIGHT): RecoveryState.CALL_CONFIRMED,
    (RecoveryState.CALLED, RecoveryEvent.DIGITS_WRONG): RecoveryState.CALLED,
    (RecoveryState.CALLED, RecoveryEvent.TRIES_SPENT): RecoveryState.FAILED,
    (RecoveryState.CALL_CONFIRMED, RecoveryEvent.FINISHED): RecoveryState.DONE,
}
"""State and event to the next state; any other event in any other state is refused."""

OPERATION = "RootRecovery"


@typed(parameter_rules.wrong_arguments)
class RootRecovery:
    """The pages behind "Sign in using alternative factors of authentication"."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @transaction(OPERATION)
    def start(self, call: Call, page_id: str) -> str:
        """Begin from a root user's second page; returns the recovery's id."""
        _, identity = second_page.find(call, page_id)
        account = account_of(call.tx, identity.account_id)
        device_rules.check_recovery_start(account, identity)
        recovery = Recovery(
            names.unique_id("RCVR", call.random_bytes), identity.id, RecoveryState.STARTED
        )
        call.tx.insert(recovery)
        return recovery.id

    @transaction(OPERATION)
    def send_mail(self, call: Call, recovery_id: str) -> None:
        """Send the verification mail; links that were sent before are refused from now on."""
        recovery, account = _find(call, recovery_id)
        recovery = _moved(recovery, RecoveryEvent.MAIL_REQUESTED)
        token = call.random_bytes(16).hex()
        call.tx.update(replace(recovery, mail_token=token, mail_sent_ns=call.now_ns))
        address = account.root_email
        text = "Follow the link to confirm that this address is yours. It works once."
        call.send(lambda outbox: outbox.send_mail(address, "AWS verification e-mail", text, token))

    @transaction(OPERATION)
    def follow_link(self, call: Call, token: str) -> str:
        """Follow the link of the mail; returns the recovery's id."""
        found = call.tx.find(Recovery, mail_token=token) if token else []
        if not found or found[0].state is not RecoveryState.MAIL_SENT:
            raise refusals.recovery_link_refused()
        recovery = found[0]
        if _too_late(call, recovery.mail_sent_ns, call.profile.recovery_mail_lifetime_s):
            raise refusals.recovery_link_refused()
        call.tx.update(_moved(recovery, RecoveryEvent.LINK_FOLLOWED))
        return recovery.id

    @transaction(OPERATION)
    def call(self, call: Call, recovery_id: str) -> str:
        """Have the number on file called; returns the six digits that the page shows."""
        recovery, account = _find(call, recovery_id)
        recovery = _moved(recovery, RecoveryEvent.CALL_REQUESTED)
        number = account.root_phone
        if number is None:
            raise refusals.recovery_phone_missing()
        digits = names.decimal_digits(6, call.random_bytes)
        call.tx.update(replace(recovery, call_digits=digits, called_ns=call.now_ns))
        call.send(lambda outbox: outbox.place_call(number, recovery_id))
        return digits

    @transaction(OPERATION)
    def enter_digits(self, call: Call, recovery_id: str, digits: str) -> None:
        """What the telephone's keypad sends. Three wrong entries end the recovery."""
        recovery, account = _find(call, recovery_id)
        right = hmac.compare_digest(recovery.call_digits.encode(), digits.encode())
        confirmed = _moved(recovery, RecoveryEvent.DIGITS_RIGHT)
        if _too_late(call, recovery.called_ns, call.profile.recovery_call_lifetime_s):
            raise refusals.recovery_call_expired()
        outcome = Outcome.ACCEPTED if right else Outcome.WRONG
        serial = names.root_arn(account)
        call.observe(Decision(outcome, serial, OPERATION, call.now_ns, 0, 0, 0, 0))
        if right:
            call.tx.update(confirmed)
            return
        tries = recovery.call_tries + 1
        spent = tries >= call.profile.recovery_call_tries
        event = RecoveryEvent.TRIES_SPENT if spent else RecoveryEvent.DIGITS_WRONG
        call.tx.update(replace(_moved(recovery, event), call_tries=tries))
        raise Refused(refusals.recovery_digits_refused())

    @transaction("ConsoleLogin")
    def finish(self, call: Call, recovery_id: str) -> SignedIn:
        """Sign in once mail and call are confirmed."""
        recovery, _ = _find(call, recovery_id)
        device_rules.check_recovery_confirmed(recovery)
        identity = call.tx.get(Identity, recovery.identity_id)
        assert identity is not None
        call.tx.update(replace(recovery, state=RecoveryState.DONE))
        counts = call.profile.recovery_counts_as_mfa
        return console_login.begin_session(
            call, identity, MfaProof(call.now_ns if counts else None)
        )


def _find(call: Call, recovery_id: str) -> tuple[Recovery, Account]:
    recovery = call.tx.get(Recovery, recovery_id)
    if recovery is None:
        raise refusals.recovery_step_refused()
    # The identity of a recovery is a root user, whose id is the account's.
    return recovery, account_of(call.tx, recovery.identity_id)


def _moved(recovery: Recovery, event: RecoveryEvent) -> Recovery:
    state = TRANSITIONS.get((recovery.state, event))
    if state is None:
        raise refusals.recovery_step_refused()
    return replace(recovery, state=state)


def _too_late(call: Call, since_ns: int | None, lifetime_s: int) -> bool:
    return since_ns is None or call.now_ns - since_ns > lifetime_s * SECOND_NS
