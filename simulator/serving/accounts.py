"""The account that a server has for its clients, and everybody's access keys."""

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


def furnish(
    verifier: Verifier, users: Mapping[str, bool], random_bytes: Callable[[int], bytes]
) -> ServedAccount:
    """An account with these users; what the store has already is taken as it is.

    Args:
        verifier: what is served.
        users: names, and whether they are administrators.
        random_bytes: source of the account's id and its root password.

    Raises:
        ServiceError: a name is malformed.
    """
    with verifier.store.together():  # of several servers that meet at a new store, one opens it
        with verifier.store.transaction() as tx:
            accounts = tx.find(Account)
        account = accounts[0] if accounts else _opened(verifier, random_bytes)
        for name, administrator in users.items():
            if not _find(verifier, account, name):
                verifier.create_user(account.id, name, administrator=administrator)
        return ServedAccount(
            account.id,
            _credentials(verifier, account.id),
            {name: _credentials(verifier, _find(verifier, account, name)[0].id) for name in users},
        )


def _opened(verifier: Verifier, random_bytes: Callable[[int], bytes]) -> Account:
    return verifier.create_account(
        decimal_digits(12, random_bytes),
        root_email="root@example.com",
        root_password=random_bytes(16).hex(),
    )


def _find(verifier: Verifier, account: Account, name: str) -> list[Identity]:
    with verifier.store.transaction() as tx:
        return tx.find(Identity, account_id=account.id, name_key=name.lower())


def _credentials(verifier: Verifier, identity_id: str) -> Credentials:
    """An active access key; the first one is made."""
    with verifier.store.transaction() as tx:
        keys = tx.find(AccessKey, identity_id=identity_id)
    for key in keys:
        if key.active:
            return Credentials(key.id, key.secret)
    return verifier.create_access_key(identity_id)
