"""What passwords an account allows, how they are set, and when they have to be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mfalab.verifier import authorization, refusals
from mfalab.verifier.calls import Call
from mfalab.verifier.moments import SECOND_NS
from mfalab.verifier.records import Account, Identity, PasswordPolicy, SignIn

DAY_NS = 86_400 * SECOND_NS
SYMBOLS: Final = frozenset("!@#$%^&*()_+-=[]{}|'")
"""What counts as a non-alphanumeric character (IAM API reference, UpdateAccountPasswordPolicy)."""
_DEFAULT_LENGTH = 8
_DEFAULT_KINDS = 3
_REMEMBERED = 24
"""The most that `PasswordReusePrevention` can ask for."""


def policy_of(call: Call, account_id: str) -> PasswordPolicy | None:
    """The password policy that an account set for itself."""
    return call.tx.get(PasswordPolicy, account_id)


def set_password(
    call: Call, identity: Identity, password: str, *, reset_required: bool = False
) -> Identity:
    """Give an identity another password, or its first.

    The hash is made inside the transaction, after the caller was authorised: a password is changed
    seldom, and nobody without permission can make the verifier work.

    Raises:
        ServiceError: PasswordPolicyViolation.
    """
    policy = policy_of(call, identity.account_id)
    if not _conforms(policy, authorization.account_of(call.tx, identity.account_id), password):
        raise refusals.password_policy_violated()
    former = _former(identity)
    refused = former[: (policy.reuse_prevention or 0) if policy else 0]
    if any(call.service.passwords.verify(one, password) for one in refused):
        raise refusals.password_policy_violated()
    password_hash = call.service.passwords.hash(password)
    return replace_hash(call, identity, password_hash, reset_required=reset_required)


def replace_hash(
    call: Call, identity: Identity, password_hash: str, *, reset_required: bool = False
) -> Identity:
    """Give an identity the password of this hash, whatever it is; open pages are over."""
    changed = replace(
        identity,
        password_hash=password_hash,
        password_changed_ns=call.now_ns,
        password_created_ns=identity.password_created_ns or call.now_ns,
        password_reset_required=reset_required,
        former_passwords=_former(identity)[:_REMEMBERED],
    )
    call.tx.update(changed)
    _close_pages(call, identity)
    return changed


def _former(identity: Identity) -> tuple[str, ...]:
    """Hashes of all passwords so far, the newest first."""
    present = () if identity.password_hash is None else (identity.password_hash,)
    return present + identity.former_passwords


def change_own(call: Call, identity: Identity, old: str, new: str) -> Identity:
    """Change one's own password, which proves itself by the present one.

    Raises:
        ServiceError: NoSuchEntity without a password; AccessDenied for a wrong one;
            PasswordPolicyViolation.
    """
    if identity.password_hash is None:
        raise refusals.no_login_profile(identity.name)
    if not call.service.passwords.verify(identity.password_hash, old):
        raise refusals.old_password_wrong()
    return set_password(call, identity, new)


def remove(call: Call, identity: Identity) -> None:
    """Take an identity's password away; then it cannot use the console."""
    call.tx.update(
        replace(
            identity,
            password_hash=None,
            password_changed_ns=None,
            password_created_ns=None,
            password_reset_required=False,
            former_passwords=(),
        )
    )
    _close_pages(call, identity)


def _close_pages(call: Call, identity: Identity) -> None:
    """Let no page go on that the former password, or a mailed link, opened."""
    for page in call.tx.find(SignIn, identity_id=identity.id):
        if not page.closed:
            call.tx.update(replace(page, closed=True))


def expires_ns(policy: PasswordPolicy | None, identity: Identity) -> int | None:
    """When a user's password has to be changed at the latest; root's never expires."""
    if policy is None or not policy.maximum_age_days or identity.root:
        return None
    if identity.password_changed_ns is None:
        return None
    return identity.password_changed_ns + policy.maximum_age_days * DAY_NS


def _conforms(policy: PasswordPolicy | None, account: Account, password: str) -> bool:
    kinds = [
        any(letter.isascii() and letter.isupper() for letter in password),
        any(letter.isascii() and letter.islower() for letter in password),
        any(letter.isascii() and letter.isdigit() for letter in password),
        not SYMBOLS.isdisjoint(password),
    ]
    if policy is None:
        named = {account.id, account.alias, account.root_email}
        return (
            len(password) >= _DEFAULT_LENGTH
            and sum(kinds) >= _DEFAULT_KINDS
            and (password not in named)
        )
    wanted = (policy.uppercase, policy.lowercase, policy.numbers, policy.symbols)
    return len(password) >= policy.minimum_length and all(
        present for present, asked in zip(kinds, wanted, strict=True) if asked
    )
