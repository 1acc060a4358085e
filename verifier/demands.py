"""What the page after the password may ask for besides MFA: a mailed code, a new password."""

from __future__ import annotations

import hmac
from dataclasses import replace

from mfalab.verifier import authorization, console_login, names, password_rules, refusals
from mfalab.verifier.authorization import Door
from mfalab.verifier.calls import Call, Refused, target_of
from mfalab.verifier.console_login import SecondPage, SignedIn
from mfalab.verifier.records import Demand, Identity, SignIn
from mfalab.verifier.sessions import MfaProof


def open_mail_page(call: Call, root: Identity) -> SecondPage:
    """Mail root a code, and ask for it."""
    sign_in = console_login.new_page(call, root, Demand.MAIL_CODE)
    code = names.decimal_digits(6, call.random_bytes)
    call.tx.update(replace(sign_in, mail_code=code))
    address = authorization.account_of(call.tx, root.account_id).root_email
    text = f"Your verification code is {code}."
    call.send(lambda outbox: outbox.send_mail(address, "Verification code", text, code))
    return SecondPage(sign_in.id, demand=sign_in.demand)


def submit_mail_code(call: Call, page_id: str, code: str) -> SignedIn | SecondPage:
    """Type the code of the mail; the page ends with it, or with too many wrong ones."""
    sign_in, root = console_login.find(call, page_id, Demand.MAIL_CODE)
    console_login.check_mfa(call, root, MfaProof())
    if hmac.compare_digest(sign_in.mail_code.encode(), code.encode()):
        return console_login.finish(call, root, MfaProof(), sign_in)
    failures = sign_in.failures + 1
    spent = failures >= call.profile.root_mail_code_tries
    call.tx.update(replace(sign_in, failures=failures, closed=spent))
    console_login.record_failure(call, root, mfa_used=False)
    raise Refused(refusals.mail_code_refused())


def mail_password_link(call: Call, root: Identity) -> None:
    """Mail root a link to a page that takes a new password."""
    page = console_login.new_page(call, root, Demand.FORGOTTEN_PASSWORD)
    address = authorization.account_of(call.tx, root.account_id).root_email
    text = "Choose a new password on the page that this link leads to."
    call.send(lambda outbox: outbox.send_mail(address, "Password assistance", text, page.id))


def mail_nobody(call: Call) -> None:
    """What an address gets that is no root user's: no mail, for the work of one.

    The page leads to nobody, and nobody has its id; who waits for the answer learns nothing.
    """
    page_id = names.unique_id("PAGE", call.random_bytes)
    call.tx.insert(SignIn(page_id, "", call.now_ns, demand=Demand.FORGOTTEN_PASSWORD, closed=True))


def reset_password(call: Call, token: str, new: str) -> None:
    """Give root the password that was typed on the page of the link, once. MFA is asked for later.

    Root of a member account that has none cannot make itself one.
    """
    _, root = console_login.find(call, token, Demand.FORGOTTEN_PASSWORD)
    if root.password_hash is None:
        raise refusals.page_gone()
    password_rules.set_password(call, root, new)  # which closes this page, and every other


def set_password(call: Call, page_id: str, old: str, new: str) -> SignedIn:
    """Change the password that has to be changed, and sign in.

    The user needs the permission to do so, as with ChangePassword: a policy that demands MFA for
    everything but an exception may deny it to a user who has no device yet.
    """
    sign_in, user = console_login.find(call, page_id, Demand.NEW_PASSWORD)
    proof = MfaProof(sign_in.mfa_ns, sign_in.mfa_serial)
    console_login.check_mfa(call, user, proof)
    signed_in = console_login.begin_session(call, user, proof, sign_in)  # a refusal undoes it
    call.begin(signed_in.credentials, Door.CONSOLE)
    policy = password_rules.policy_of(call, user.account_id)
    if policy is None or not policy.users_may_change:
        call.authorize("iam:ChangePassword", target_of(call, user), {})
    password_rules.change_own(call, call.caller.identity, old, new)
    return signed_in
