"""The account that a server has for its clients, and its users' access keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mfalab.verifier import Credentials, Verifier
from mfalab.verifier.names import decimal_digits
from mfalab.verifier.records import AccessKey, Account, Identity


@dataclass(frozen=True, slots=True)
class ServedAccount:
    """An account with the long-term credentials of its people."""

    id: str
    root: Credentials
    users: Mapping[str, Credentials]
    root_email: str
    passwords: Mapping[str, str]
    """Those that were set now, by name, root's by an empty one. Of others there are hashes only."""


def furnish(
    verifier: Verifier,
    users: Mapping[str, bool],
    random_bytes: Callable[[int], bytes],
    *,
    new_passwords: bool = False,
) -> ServedAccount:
    """An account with these users; what the store has already is taken as it is.

    Args:
        verifier: what is served.
        users: names, and whether they are administrators.
        random_bytes: source of the account's id and of passwords.
        new_passwords: whether root and users that have a password get another one.

    Raises:
        ServiceError: a name is malformed.
    """
    with verifier.store.together():  # of several servers that meet at a new store, one opens it
        return _furnished(verifier, users, random_bytes, new_passwords=new_passwords)


def _furnished(
    verifier: Verifier,
    users: Mapping[str, bool],
    random_bytes: Callable[[int], bytes],
    *,
    new_passwords: bool,
) -> ServedAccount:
    with verifier.store.transaction() as tx:
        accounts = tx.find(Account)
    account = accounts[0] if accounts else None
    passwords: dict[str, str] = {}
    if account is None:
        account = verifier.create_account(
            decimal_digits(12, random_bytes),
            root_email="root@example.com",
            root_password=passwords.setdefault("", _password(random_bytes)),
            root_phone="+1 555 0100",
        )
    elif new_passwords:
        verifier.set_password(account.id, passwords.setdefault("", _password(random_bytes)))
    for name, administrator in users.items():
        found = _find(verifier, account, name)
        if not found:
            password = passwords.setdefault(name, _password(random_bytes))
            verifier.create_user(account.id, name, administrator=administrator, password=password)
        elif new_passwords or found[0].password_hash is None:
            password = passwords.setdefault(name, _password(random_bytes))
            verifier.set_password(found[0].id, password)
    return ServedAccount(
        account.id,
        _credentials(verifier, account.id),
        {name: _credentials(verifier, _find(verifier, account, name)[0].id) for name in users},
        account.root_email,
        passwords,
    )


def _password(random_bytes: Callable[[int], bytes]) -> str:
    """Has upper and lower case, a digit and a symbol, as most password policies ask."""
    return f"Mfa-1-{random_bytes(12).hex()}"


def _find(verifier: Verifier, account: Account, name: str) -> list[Identity]:
    with verifier.store.transaction() as tx:
        return tx.find(Identity, account_id=account.id, name_key=name.lower(), root=False)


def _credentials(verifier: Verifier, identity_id: str) -> Credentials:
    """An active access key; the first one is made."""
    with verifier.store.transaction() as tx:
        keys = tx.find(AccessKey, identity_id=identity_id)
    for key in keys:
        if key.active:
            return Credentials(key.id, key.secret)
    return verifier.create_access_key(identity_id)
