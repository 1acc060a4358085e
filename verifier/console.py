"""The console: sign-in on two pages, and the pages on which devices are managed.

First page: name and password. An unknown name and a wrong password get the same answer for the
same work. An identity with MFA devices then gets the second page (`second_page`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from argon2.exceptions import Argon2Error

from mfalab.verifier import (
    console_login,
    demands,
    device_rules,
    enrolment,
    names,
    parameter_rules,
    password_rules,
    refusals,
    second_page,
    security_keys,
    sms,
    users,
)
from mfalab.verifier.arguments import typed
from mfalab.verifier.authorization import Credentials, Door, Target
from mfalab.verifier.calls import (
    Call,
    Refused,
    ResourceOf,
    Service,
    on_device,
    on_everything,
    on_new_device,
    on_user,
    target_user,
)
from mfalab.verifier.console_login import SecondPage, SignedIn
from mfalab.verifier.records import Account, DeviceKind, Identity, Session
from mfalab.verifier.recovery import RootRecovery
from mfalab.verifier.service_model import Shape
from mfalab.verifier.sessions import MfaProof
from mfalab.verifier.store.protocol import Transaction, unreadable_record

R = TypeVar("R")

MFA_COLUMN: Mapping[DeviceKind, str] = {
    DeviceKind.VIRTUAL: "Virtual",
    DeviceKind.HARDWARE: "Hardware",
    DeviceKind.FIDO: "Security key",
    DeviceKind.SMS: "SMS",
}
"""Texts of the column MFA of the users list; several kinds are joined by commas."""

_FOUR = frozenset({"SerialNumber", "AuthenticationCode1", "AuthenticationCode2"})
_SECURITY_KEY_NAME = Shape("securityKeyName", "string", least=1, most=64, pattern=r"[\w+=,.@-]+")
"""The console's own: no API registers security keys."""


@typed(parameter_rules.wrong_arguments)
class Console:
    """The console of all accounts. Every method raises `ServiceError` as the console refuses.

    What is posted may be of any type: ValidationError, unless a security key's response has a form
    of its own for it.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.recovery = RootRecovery(service)

    # Sign-in

    def sign_in(self, account_id: str, user_name: str, password: str) -> SignedIn | SecondPage:
        """An IAM user's first page; the account is named by its id or its alias."""

        def find(tx: Transaction) -> Identity | None:
            account = tx.get(Account, account_id)
            if account is None:
                aliased = tx.find(Account, alias=account_id)
                if not aliased:
                    return None
                account = aliased[0]
            found = tx.find(Identity, account_id=account.id, name_key=user_name.lower())
            return found[0] if found and not found[0].root else None

        return self._first_page(find, password)

    def sign_in_root(
        self, email: str, password: str, *, unusual: bool = False
    ) -> SignedIn | SecondPage:
        """A root user's first page.

        Who comes from an unusual place, and has no MFA, is mailed a code where the profile says so.
        """
        return self._first_page(lambda tx: self._root_of(tx, email), password, unusual=unusual)

    def second_page(self, page_id: str) -> SecondPage:
        """The second page as it is now, such as after a refused code; nothing is sent or asked."""
        return self._service.transact("ConsoleLogin", lambda call: second_page.look(call, page_id))

    def choose(self, page_id: str, kind: DeviceKind) -> SecondPage:
        """Choose the kind of device on the second page. An SMS code is sent at once."""
        return self._service.transact(
            "ConsoleLogin", lambda call: second_page.choose(call, page_id, kind)
        )

    def submit_code(self, page_id: str, code: str) -> SignedIn | SecondPage:
        """Type a code on the second page.

        Every device of the chosen kind is tried until one accepts; each try counts on its budget.
        """
        return self._service.transact(
            "ConsoleLogin", lambda call: second_page.submit_code(call, page_id, code)
        )

    def submit_assertion(
        self, page_id: str, response: security_keys.Response
    ) -> SignedIn | SecondPage:
        """Answer the second page with a security key.

        The response is an `AuthenticationResponseJSON`, or the error that the client raised instead
        (`{"error": {"name": "NotAllowedError"}}`), which does not count as a failure.
        """
        return self._service.transact(
            "ConsoleLogin", lambda call: second_page.submit_assertion(call, page_id, response)
        )

    def submit_mail_code(self, page_id: str, code: str) -> SignedIn | SecondPage:
        """Type the code that was mailed to root."""
        return self._service.transact(
            "ConsoleLogin", lambda call: demands.submit_mail_code(call, page_id, code)
        )

    def set_password(self, page_id: str, *, old_password: str, new_password: str) -> SignedIn:
        """Change the password that has to be changed before the sign-in goes on."""
        old, new = _passwords(OldPassword=old_password, NewPassword=new_password).values()
        return self._service.transact(
            "ConsoleLogin", lambda call: demands.set_password(call, page_id, old, new)
        )

    def forgot_root_password(self, email: str) -> None:
        """Have root mailed a link to a page for a new password; an unknown address gets none."""

        def body(call: Call) -> None:
            root = self._root_of(call.tx, email)
            if root is not None and root.password_hash is not None:
                demands.mail_password_link(call, root)
            else:
                demands.mail_nobody(call)

        self._service.transact("PasswordRecovery", body)

    def reset_root_password(self, token: str, new_password: str) -> None:
        """Follow the link of that mail, and choose a password."""
        new = _passwords(NewPassword=new_password)["NewPassword"]
        self._service.transact(
            "PasswordRecovery", lambda call: demands.reset_password(call, token, new)
        )

    def resend_code(self, page_id: str) -> None:
        """Have another SMS code sent."""
        self._service.transact("ConsoleLogin", lambda call: second_page.resend_code(call, page_id))

    def resync(self, page_id: str, code1: str, code2: str) -> SecondPage:
        """Resynchronise a device of the chosen kind on the second page, to then type a new code."""
        return self._service.transact(
            "ResyncMFADevice", lambda call: second_page.resync(call, page_id, code1, code2)
        )

    def sign_out(self, credentials: Credentials) -> None:
        """End a session of the console; credentials that are not valid any more end nothing."""

        def body(call: Call) -> None:
            session = call.tx.get(Session, credentials.access_key_id)
            if session is not None and credentials.proves(session.secret):
                call.tx.delete(session)

        self._service.transact("SignOut", body)

    # Devices

    def create_virtual_device(
        self, credentials: Credentials, name: str | None = None
    ) -> dict[str, Any]:
        """Make a virtual device and show its QR image: `create_virtual_mfa_device`'s answer.

        The name is by default the user's, or `root-account-mfa-device`.
        """
        proposed = name

        def body(call: Call) -> dict[str, Any]:
            chosen = proposed or call.caller.identity.name or names.ROOT_DEVICE_NAME
            return {"VirtualMFADevice": enrolment.create_virtual(call, chosen, "/", ())}

        parameters = {"VirtualMFADeviceName": name}
        return self._perform(
            "CreateVirtualMFADevice", credentials, parameters, body, resource=on_new_device
        )

    def enable_device(
        self,
        credentials: Credentials,
        *,
        serial: str,
        code1: str,
        code2: str,
        user_name: str | None = None,
    ) -> None:
        """Assign a virtual device or a hardware token; to oneself, root included, by default."""

        def body(call: Call) -> None:
            target = target_user(call, user_name)
            name = user_name or target.name or "root"
            enrolment.enable(call, target, name, serial, code1, code2)

        parameters = _pair_parameters(serial, code1, code2, user_name)
        self._perform("EnableMFADevice", credentials, parameters, body, required=_FOUR)

    def resync_device(
        self,
        credentials: Credentials,
        *,
        serial: str,
        code1: str,
        code2: str,
        user_name: str | None = None,
    ) -> None:
        """Resynchronise a device; one's own by default."""

        def body(call: Call) -> None:
            enrolment.resync(call, target_user(call, user_name), serial, code1, code2)

        parameters = _pair_parameters(serial, code1, code2, user_name)
        self._perform("ResyncMFADevice", credentials, parameters, body, required=_FOUR)

    def deactivate_device(
        self, credentials: Credentials, *, serial: str, user_name: str | None = None
    ) -> None:
        """Remove a device; one's own by default. Removals from root are mailed to the account."""

        def body(call: Call) -> None:
            enrolment.deactivate(call, target_user(call, user_name), serial)

        parameters = {"SerialNumber": serial, "UserName": user_name}
        self._perform(
            "DeactivateMFADevice", credentials, parameters, body, required={"SerialNumber"}
        )

    def delete_virtual_device(self, credentials: Credentials, *, serial: str) -> None:
        """Delete an unassigned virtual or SMS device."""
        self._perform(
            "DeleteVirtualMFADevice",
            credentials,
            {"SerialNumber": serial},
            lambda call: enrolment.delete_virtual(call, serial),
            required={"SerialNumber"},
            resource=on_device,
        )

    def register_sms(
        self, credentials: Credentials, *, phone: str, user_name: str | None = None
    ) -> str:
        """Begin to enrol a telephone, and send it a code; returns the serial number."""
        return self._perform(
            "EnableMFADevice",
            credentials,
            {"UserName": user_name},
            lambda call: sms.register(call, target_user(call, user_name), phone),
        )

    def confirm_sms(self, credentials: Credentials, *, serial: str, code: str) -> None:
        """Finish to enrol a telephone with the code that it received."""
        user_name = serial.rpartition("/")[2] or None

        def body(call: Call) -> None:
            sms.confirm(call, target_user(call, user_name), serial, code)

        self._perform("EnableMFADevice", credentials, {"UserName": user_name}, body)

    def begin_security_key(
        self, credentials: Credentials, *, name: str, user_name: str | None = None
    ) -> dict[str, Any]:
        """Begin to register a security key; for oneself, root included, by default.

        Returns `PublicKeyCredentialCreationOptionsJSON`, whose challenge is valid for one answer of
        this session.
        """
        return self._perform(
            "EnableMFADevice",
            credentials,
            {"UserName": user_name, "SecurityKeyName": name},
            lambda call: security_keys.begin_registration(call, target_user(call, user_name), name),
            required={"SecurityKeyName"},
        )

    def finish_security_key(
        self,
        credentials: Credentials,
        *,
        response: security_keys.Response,
        user_name: str | None = None,
    ) -> str:
        """Register the security key that answered; returns its serial number.

        The response is a `RegistrationResponseJSON`, or the error that the client raised instead:
        `{"error": {"name": "InvalidStateError"}}` is that of a key on the exclude list.
        """
        return self._perform(
            "EnableMFADevice",
            credentials,
            {"UserName": user_name},
            lambda call: security_keys.finish_registration(
                call, target_user(call, user_name), response
            ),
        )

    def devices(
        self, credentials: Credentials, user_name: str | None = None
    ) -> list[dict[str, Any]]:
        """The devices on a user's page: as ListMFADevices has them, with `Type` and `Name`."""

        def body(call: Call) -> list[dict[str, Any]]:
            target = target_user(call, user_name)
            return [
                {
                    **enrolment.listing(target, device),
                    "Type": MFA_COLUMN[device.kind],
                    "Name": device.name or device.serial,
                }
                for device in device_rules.devices_of(call.tx, target.id)
            ]

        return self._perform("ListMFADevices", credentials, {"UserName": user_name}, body)

    def users(self, credentials: Credentials) -> list[dict[str, Any]]:
        """The users list with its column MFA: `None`, or the kinds of the user's devices."""

        def body(call: Call) -> list[dict[str, Any]]:
            identities = call.tx.find(Identity, account_id=call.caller.account.id)
            identities.sort(key=lambda identity: identity.name_key)
            return [
                {"UserName": identity.name, "MFA": _mfa_column(call, identity)}
                for identity in identities
                if not identity.root
            ]

        return self._perform("ListUsers", credentials, {}, body, resource=on_everything)

    def delete_user(self, credentials: Credentials, *, user_name: str) -> None:
        """Delete a user; the console removes the user's devices by itself."""

        def body(call: Call) -> None:
            target = target_user(call, user_name)
            for device in device_rules.devices_of(call.tx, target.id):
                enrolment.unbind(call, device)
                if device.kind in (DeviceKind.VIRTUAL, DeviceKind.SMS):
                    enrolment.delete_virtual(call, device.serial)
            users.delete(call, target)

        self._perform(
            "DeleteUser", credentials, {"UserName": user_name}, body, required={"UserName"}
        )

    def change_password(
        self, credentials: Credentials, *, old_password: str, new_password: str
    ) -> None:
        """Change one's own password, root included: after a recovery, when theft is suspected."""

        def body(call: Call) -> None:
            own = target_user(call, None)
            password_rules.change_own(call, own, old_password, new_password)

        given = {"OldPassword": old_password, "NewPassword": new_password}
        self._perform("ChangePassword", credentials, given, body, required=given)

    def update_root_phone(self, credentials: Credentials, phone: str | None) -> None:
        """Change the number that root recovery calls: an administrator's work, or root's."""

        def body(call: Call) -> None:
            call.tx.update(replace(call.caller.account, root_phone=phone))

        def on_account(call: Call, parameters: Mapping[str, Any]) -> Target:
            account = call.caller.account
            return Target(f"arn:{account.partition}:account::{account.id}:account")

        self._perform(
            "PutContactInformation",
            credentials,
            {},
            body,
            resource=on_account,
            action="account:PutContactInformation",
        )

    def _perform(
        self,
        operation: str,
        credentials: Credentials,
        parameters: Mapping[str, Any],
        body: Callable[[Call], R],
        *,
        required: Collection[str] = (),
        resource: ResourceOf = on_user,
        action: str | None = None,
    ) -> R:
        return self._service.perform(
            operation,
            Door.CONSOLE,
            credentials,
            parameter_rules.bind(_input(parameters, required), parameters),
            body,
            resource=resource,
            action=action,
        )

    @staticmethod
    def _root_of(tx: Transaction, email: str) -> Identity | None:
        found = tx.find(Account, root_email=email)
        return tx.get(Identity, found[0].id) if found else None

    def _first_page(
        self,
        find: Callable[[Transaction], Identity | None],
        password: str,
        *,
        unusual: bool = False,
    ) -> SignedIn | SecondPage:
        """Check the password outside of any transaction, because that takes its time on purpose."""
        with self._service.store.transaction() as tx:
            known = find(tx)
        known_hash = None if known is None else known.password_hash
        if known_hash is None:
            self._service.passwords.burn(password)
            right = False
        else:
            try:
                right = self._service.passwords.verify(known_hash, password)
            except Argon2Error as error:
                raise unreadable_record("a password hash", error) from error

        def body(call: Call) -> SignedIn | SecondPage:
            self._service.raise_fault("ConsoleLogin")
            identity = find(call.tx)
            if identity is None or not right or identity.password_hash != known_hash:
                console_login.record_failure(call, identity, mfa_used=False)
                raise Refused(refusals.failed_authentication())
            console_login.check_lock(call, identity)
            if device_rules.devices_of(call.tx, identity.id):
                return second_page.open_page(call, identity)
            if unusual and call.profile.root_mail_code:
                return demands.open_mail_page(call, identity)
            return console_login.finish(call, identity, MfaProof())

        return self._service.transact("ConsoleLogin", body)


def _input(names_: Collection[str], required: Collection[str]) -> Shape:
    """What an action takes: members of the service model, and of the console's own."""
    members = {
        **parameter_rules.input_of("iam", "EnableMFADevice").members,
        **parameter_rules.input_of("iam", "CreateVirtualMFADevice").members,
        **parameter_rules.input_of("iam", "ChangePassword").members,
        "SecurityKeyName": _SECURITY_KEY_NAME,
    }
    return parameter_rules.some_of(members, names_, required)


def _passwords(**given: str) -> dict[str, Any]:
    """Passwords as they were typed, if they can be any.

    Raises:
        ServiceError: ValidationError.
    """
    return parameter_rules.bind(_input(given, given), given)


def _mfa_column(call: Call, identity: Identity) -> str:
    present = {device.kind for device in device_rules.devices_of(call.tx, identity.id)}
    return ", ".join(MFA_COLUMN[kind] for kind in DeviceKind if kind in present) or "None"


def _pair_parameters(
    serial: str, code1: str, code2: str, user_name: str | None
) -> dict[str, str | None]:
    return {
        "UserName": user_name,
        "SerialNumber": serial,
        "AuthenticationCode1": code1,
        "AuthenticationCode2": code2,
    }
