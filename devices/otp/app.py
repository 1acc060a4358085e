"""An authenticator app: several accounts on one phone.

The app has no state of its own beyond its accounts: time, battery, switch and
breakage are the phone's. A backup is a value and lives elsewhere, so it
outlives the phone; counters of event-based accounts in it are those of the day
it was made. A clone is the phone's memory copied as it is, whatever the app
offers; from then on both copies show the same codes, and event counters go
separate ways.
"""

from dataclasses import dataclass, field, replace

from mfalab.devices.errors import (
    NotOffered,
    Problem,
    ProvisioningError,
    UnknownAccount,
)
from mfalab.devices.otp.otpauth import KeyUri, format_key_uri, parse_key_uri
from mfalab.devices.otp.qr import read_qr
from mfalab.devices.otp.quirks import AppQuirks
from mfalab.devices.otp.seed import OtpKind
from mfalab.devices.otp.totp import until_next_step_ns
from mfalab.devices.phone import Phone


@dataclass(frozen=True, slots=True)
class AppBackup:
    """All accounts of an app at one moment. The secrets stay out of `repr`.

    Args:
        accounts: label and content of each account, in the order listed.
        made_ns: when, as the phone believed.
    """

    accounts: tuple[tuple[str, KeyUri], ...] = field(repr=False)
    made_ns: int

    @property
    def labels(self) -> tuple[str, ...]:
        """What the app listed when the backup was made."""
        return tuple(label for label, _ in self.accounts)


class AuthenticatorApp:
    """An app that computes one-time codes on a phone.

    Accounts are named by their label (`issuer:account`) or, where that is
    clear, by the account name alone. Every method raises DeviceUnusable when
    the phone does not work.

    Args:
        phone: the phone it runs on.
        quirks: how it departs from the key URI.
        name: what to call it in errors; the phone's name by default.
    """

    def __init__(
        self, phone: Phone, quirks: AppQuirks | None = None, *, name: str | None = None
    ) -> None:
        self.phone = phone
        self.quirks = quirks if quirks is not None else AppQuirks()
        self.name = name if name is not None else phone.name
        self._accounts: dict[str, KeyUri] = {}

    @property
    def accounts(self) -> tuple[str, ...]:
        """The labels of the accounts held, oldest first."""
        self.phone.require_usable()
        return tuple(self._accounts)

    def add(self, uri: str) -> str:
        """Add an account from a key URI and return its label.

        Raises:
            ProvisioningError: the URI is wrong, or this app refuses the account.
        """
        self.phone.require_usable()
        return self._take(parse_key_uri(uri))

    def scan(self, picture: bytes) -> str:
        """Add an account from the picture of a QR code and return its label.

        Raises:
            ProvisioningError: the picture or the URI in it is wrong, or this
                app refuses the account.
        """
        self.phone.require_usable()
        return self._take(parse_key_uri(read_qr(picture)))

    def remove(self, account: str) -> None:
        """Delete an account and its secret.

        Raises:
            UnknownAccount: there is none of that name, or several.
        """
        del self._accounts[self._find(account)]

    def code(self, account: str) -> str:
        """The code shown now. For an event-based account, ask for a new one first.

        Raises:
            UnknownAccount: there is none of that name, or several.
        """
        label = self._find(account)
        code = self._code(label, 0)
        key = self._accounts[label]
        if key.seed.kind is OtpKind.HOTP:
            self._accounts[label] = replace(
                key, seed=replace(key.seed, counter=key.seed.counter + 1)
            )
        return code

    def code_at(self, account: str, offset_steps: int) -> str:
        """The code that belongs `offset_steps` away from the step the phone believes in.

        What a patient person would have read (negative) or will read
        (positive), without the waiting. For an event-based account, 0 is what
        the next request will show; no counter moves.

        Raises:
            UnknownAccount: there is none of that name, or several.
            ValueError: an event counter never has that value.
        """
        return self._code(self._find(account), offset_steps)

    def until_next_code_ns(self, account: str) -> int:
        """How long, by the phone's clock, until a time-based account shows another step.

        Raises:
            UnknownAccount: there is none of that name, or several.
            ValueError: the account is event-based.
        """
        seed = self._accounts[self._find(account)].seed
        if seed.kind is OtpKind.HOTP:
            raise ValueError(f"account {account} is event-based: its code waits for a request.")
        return until_next_step_ns(self.phone.clock.now_ns(), seed.period_s)

    def believed_step(self, account: str) -> int:
        """The time step that the phone believes in now, or the next event counter.

        Raises:
            UnknownAccount: there is none of that name, or several.
        """
        return self._step(self._find(account))

    def export(self, account: str) -> str:
        """The key URI of an account, with what this app ignored lost.

        Raises:
            UnknownAccount: there is none of that name, or several.
            NotOffered: this app shows no key URIs.
        """
        label = self._find(account)
        if not self.quirks.offers_export:
            raise NotOffered(self.name, "export", "Enrol a new device instead.")
        return format_key_uri(self._accounts[label])

    def backup(self) -> AppBackup:
        """A copy of all accounts that outlives the phone.

        Raises:
            NotOffered: this app makes no backups.
        """
        self.phone.require_usable()
        self._require_backup()
        return AppBackup(tuple(self._accounts.items()), self.phone.clock.now_ns())

    def restore(self, backup: AppBackup) -> None:
        """Take over the accounts of a backup; one of the same label is replaced.

        Raises:
            NotOffered: this app restores no backups.
        """
        self.phone.require_usable()
        self._require_backup()
        self._copy_in(backup.accounts)

    def clone_to(self, other: "AuthenticatorApp") -> None:
        """Copy all accounts to the app on a second phone, which then shows the same codes."""
        self.phone.require_usable()
        other.phone.require_usable()
        other._copy_in(tuple(self._accounts.items()))  # noqa: SLF001 - the same class

    def _copy_in(self, accounts: tuple[tuple[str, KeyUri], ...]) -> None:
        for label, key in accounts:
            self._accounts[label] = self.quirks.understood(key)

    def _take(self, key: KeyUri) -> str:
        objection = self.quirks.objection(key)
        if objection is not None:
            raise ProvisioningError([Problem(f'app "{self.name}"', objection)])
        # The old account of this name is gone: right after a re-enrolment, a loss otherwise.
        self._accounts[key.label] = self.quirks.understood(key)
        return key.label

    def _find(self, account: str) -> str:
        """The label of the one account so called, on a working phone."""
        self.phone.require_usable()
        if account in self._accounts:
            return account
        matches = tuple(label for label, key in self._accounts.items() if key.account == account)
        if len(matches) != 1:
            raise UnknownAccount(self.name, account, matches, tuple(self._accounts))
        return matches[0]

    def _step(self, label: str) -> int:
        seed = self._accounts[label].seed
        if seed.kind is OtpKind.HOTP:
            return seed.counter
        return seed.step_at(self.phone.clock.now_ns())

    def _code(self, label: str, offset_steps: int) -> str:
        return self._accounts[label].seed.code_at_step(self._step(label) + offset_steps)

    def _require_backup(self) -> None:
        if not self.quirks.offers_backup:
            raise NotOffered(self.name, "backup", "Enrol a second device while this one works.")
