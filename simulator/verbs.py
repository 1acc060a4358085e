"""The verbs of a lab: each step of the vocabulary as a method; written by `make verbs`.

The step models say what a step takes, and a test holds this file to them. It is written out so that
an editor completes `lab.sign_in(` and a type checker refuses a wrong verb, keyword or type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, TypedDict

from mfalab.simulator.environment.outcome import Outcome
from mfalab.simulator.language.key_use import KeyUse
from mfalab.simulator.language.setting import ProfileChanges
from mfalab.simulator.steps.base import Expect

__all__ = ["ExpectWords", "KeyUseWords", "Verbs"]


class KeyUseWords(TypedDict, total=False):
    """`KeyUse` in the words of a scenario file."""

    touch: str
    pin: str
    finger: str
    origin: str
    client: Literal["honest", "careless"]
    credential_of: str
    verification: Literal["as asked", "left out"]
    rp_id: str
    pulled_out_after: str


class ExpectWords(TypedDict, total=False):
    """`Expect` in the words of a scenario file."""

    refused: str
    message: str
    status: int
    decision: str


Expected = Expect | ExpectWords | Literal["accepted"]
ACCEPTED: Final = Expect()
USUAL: Final = KeyUse()
NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Verbs(ABC):
    """What can be done in a lab. A keyword that Python reserves has an underscore behind it.

    Quantities are texts with a unit, such as `"400 d"`; `expect` says how the step is to end.
    """

    @abstractmethod
    def _perform(self, verb: str, given: dict[str, Any]) -> Outcome:
        """Perform a step; what has its default among the arguments was not given."""

    def create(
        self,
        *,
        who: str,
        device: str,
        for_: str | None = None,
        using: str | None = None,
        device_name: str | None = None,
        path: str = "/",
        tags: Mapping[str, str] = NONE,
        scan: bool = True,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Create a virtual device and scan its QR code (IAM CreateVirtualMFADevice).

        Args:
            who: Who acts.
            device: The app that scans the code.
            for_: Whose device it concerns; the actor's own when left out.
            using: `keys` (long-term access keys), `console`, or a session's name; root uses
                the console.
            device_name: The entity's name; the app's name when left out.
            scan: Whether anybody scans the code: a cancelled wizard leaves it unscanned.
        """
        return self._perform("create", locals())

    def enable(
        self,
        *,
        who: str,
        device: str,
        for_: str | None = None,
        using: str | None = None,
        codes: str | Sequence[str] = "consecutive",
        codes_from: str | None = None,
        late: str = "0 s",
        serial: str | None = None,
        code: str = "current",
        key: KeyUse | KeyUseWords = USUAL,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Assign a device to an identity with two consecutive codes (IAM EnableMFADevice).

        An app that holds no account yet is given one first. An SMS phone is enrolled with the
        code that is sent to it.

        Args:
            who: Who acts.
            device: The device that is concerned.
            for_: Whose device it concerns; the actor's own when left out.
            using: `keys` (long-term access keys), `console`, or a session's name; root uses
                the console.
            codes: What is typed: consecutive, equal, reversed, gapped, wrong, last, or two
                codes.
            codes_from: Another device that the codes are read from.
            late: How long the two codes lie around before they are submitted.
            serial: A serial number or ARN to give instead of the device's own.
            code: For an SMS phone: the one code that is typed.
            key: For a security key: touch, pin, finger, origin, client, pulled_out_after.
        """
        return self._perform("enable", locals())

    def resync(
        self,
        *,
        who: str,
        device: str,
        for_: str | None = None,
        using: str | None = None,
        codes: str | Sequence[str] = "consecutive",
        codes_from: str | None = None,
        late: str = "0 s",
        serial: str | None = None,
        at: Literal["sign-in page"] | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Resynchronise a device with two consecutive codes (IAM ResyncMFADevice).

        Args:
            who: Who acts.
            device: The device that is concerned.
            for_: Whose device it concerns; the actor's own when left out.
            using: `keys` (long-term access keys), `console`, or a session's name; root uses
                the console.
            codes: What is typed: consecutive, equal, reversed, gapped, wrong, last, or two
                codes.
            codes_from: Another device that the codes are read from.
            late: How long the two codes lie around before they are submitted.
            serial: A serial number or ARN to give instead of the device's own.
            at: Resynchronise on the second page of a sign-in that is under way.
        """
        return self._perform("resync", locals())

    def deactivate(
        self,
        *,
        who: str,
        device: str,
        for_: str | None = None,
        using: str | None = None,
        serial: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Take a device from an identity (IAM DeactivateMFADevice).

        Args:
            who: Who acts.
            for_: Whose device it concerns; the actor's own when left out.
            using: `keys` (long-term access keys), `console`, or a session's name; root uses
                the console.
            serial: A serial number or ARN to give instead of the device's own.
        """
        return self._perform("deactivate", locals())

    def delete(
        self,
        *,
        who: str,
        device: str,
        using: str | None = None,
        serial: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Delete a virtual or SMS device entity (IAM DeleteVirtualMFADevice).

        Args:
            serial: A serial number or ARN to give instead of the device's own.
        """
        return self._perform("delete", locals())

    def tag(
        self,
        *,
        who: str,
        device: str,
        tags: Mapping[str, str],
        using: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Put tags on a virtual device (IAM TagMFADevice)."""
        return self._perform("tag", locals())

    def untag(
        self,
        *,
        who: str,
        device: str,
        keys: Sequence[str],
        using: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Take tags from a virtual device (IAM UntagMFADevice)."""
        return self._perform("untag", locals())

    def delete_user(
        self, *, who: str, for_: str, using: str | None = None, expect: Expected = ACCEPTED
    ) -> Outcome:
        """Delete a user (IAM DeleteUser)."""
        return self._perform("delete_user", locals())

    def sign_in(
        self,
        *,
        who: str,
        with_: str | None = None,
        code: str = "current",
        typed: Literal[
            "as shown", "with a space", "without leading zeros", "full-width"
        ] = "as shown",
        key: KeyUse | KeyUseWords = USUAL,
        choose: Literal["virtual", "hardware", "sms"] | None = None,
        password: Literal["right", "wrong"] = "right",
        as_: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Sign in to the console: password, then the second page if there is one.

        Without `with`, whoever is asked for a second factor is stuck there (`MfaRequired`),
        and the page stays open. With it, whoever is *not* asked for one has found a hole
        (`NoSecondPage`).

        Args:
            with_: The device whose code is typed.
            code: current, wrong, last, mistyped, `-2 steps`, or what is literally typed.
            typed: What fingers make of it.
            key: For a security key: touch, pin, finger, origin, client, pulled_out_after.
            choose: The kind of device that is chosen there; that of the device in `with` when
                left out.
            as_: Whose name and password are typed; one's own when left out.
        """
        return self._perform("sign_in", locals())

    def try_again(
        self,
        *,
        who: str,
        with_: str,
        code: str = "current",
        typed: Literal[
            "as shown", "with a space", "without leading zeros", "full-width"
        ] = "as shown",
        key: KeyUse | KeyUseWords = USUAL,
        choose: Literal["virtual", "hardware", "sms"] | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Type another code on the second page that is still open.

        Args:
            code: current, wrong, last, mistyped, `-2 steps`, or what is literally typed.
            typed: What fingers make of it.
            key: For a security key: touch, pin, finger, origin, client, pulled_out_after.
            choose: The kind of device that is chosen there; that of the device in `with` when
                left out.
        """
        return self._perform("try_again", locals())

    def resend_sms(self, *, who: str, expect: Expected = ACCEPTED) -> Outcome:
        """Ask for another short message on the second page."""
        return self._perform("resend_sms", locals())

    def sign_out(self, *, who: str, expect: Expected = ACCEPTED) -> Outcome:
        """Leave the console."""
        return self._perform("sign_out", locals())

    def recover(
        self,
        *,
        who: str,
        mail: Literal["followed", "not followed", "followed twice"] = "followed",
        mail_after: str = "0 s",
        call: Literal["answered", "wrong digits", "not answered"] = "answered",
        call_after: str = "0 s",
        wrong_digits: int = 1,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Sign in as root by alternative factors, from the second page: e-mail link and call.

        What goes wrong on the way is chosen with `mail` and `call`.

        Args:
            mail_after: How long the mail lies there.
            call_after: How long it takes to type the digits.
            wrong_digits: How often wrong digits are typed, before the right ones are tried.
        """
        return self._perform("recover", locals())

    def get_session(
        self,
        *,
        who: str,
        with_: str | None = None,
        code: str = "current",
        typed: Literal[
            "as shown", "with a space", "without leading zeros", "full-width"
        ] = "as shown",
        key: KeyUse | KeyUseWords = USUAL,
        serial: str | None = None,
        serial_of: str | None = None,
        omit: Literal["code", "serial"] | None = None,
        using: str | None = None,
        duration: str | None = None,
        as_: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Get temporary credentials for oneself, with or without MFA (STS GetSessionToken).

        Args:
            with_: The device whose code is typed.
            code: current, wrong, last, mistyped, `-2 steps`, or what is literally typed.
            typed: What fingers make of it.
            key: For a security key: touch, pin, finger, origin, client, pulled_out_after.
            serial: A serial number or ARN to give instead of the device's own.
            serial_of: Another device whose serial number is given.
            omit: Leave one of the two MFA parameters out.
            using: `keys` (the default) or a session's name.
            as_: What to call the session in later steps.
        """
        return self._perform("get_session", locals())

    def assume_role(
        self,
        *,
        who: str,
        role: str,
        with_: str | None = None,
        code: str = "current",
        typed: Literal[
            "as shown", "with a space", "without leading zeros", "full-width"
        ] = "as shown",
        key: KeyUse | KeyUseWords = USUAL,
        serial: str | None = None,
        serial_of: str | None = None,
        omit: Literal["code", "serial"] | None = None,
        using: str | None = None,
        duration: str | None = None,
        as_: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Assume a role, with or without MFA (STS AssumeRole).

        Args:
            with_: The device whose code is typed.
            code: current, wrong, last, mistyped, `-2 steps`, or what is literally typed.
            typed: What fingers make of it.
            key: For a security key: touch, pin, finger, origin, client, pulled_out_after.
            serial: A serial number or ARN to give instead of the device's own.
            serial_of: Another device whose serial number is given.
            omit: Leave one of the two MFA parameters out.
            using: `keys` (the default) or a session's name.
            as_: What to call the session in later steps.
        """
        return self._perform("assume_role", locals())

    def who_am_i(
        self,
        *,
        who: str,
        using: str | None = None,
        arn_ends: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Ask who the credentials belong to (STS GetCallerIdentity).

        Args:
            arn_ends: How the answered ARN ends.
        """
        return self._perform("who_am_i", locals())

    def check_mfa(
        self,
        *,
        who: str,
        present: Literal["true", "false", "absent"],
        using: str | None = None,
        younger_than: str | None = None,
        older_than: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Check what a policy would see: aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge.

        Args:
            younger_than: The age is below this.
            older_than: The age is above this.
        """
        return self._perform("check_mfa", locals())

    def list_devices(
        self,
        *,
        who: str,
        using: str | None = None,
        for_: str | None = None,
        devices: Sequence[str] | None = None,
        page: int | None = None,
        marker: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List a user's devices of every kind (IAM ListMFADevices).

        Args:
            who: Who asks.
            devices: Exactly these, in any order.
            page: How many items to ask for at a time; all pages are read.
            marker: Where to go on, instead of at the beginning.
        """
        return self._perform("list_devices", locals())

    def list_console_devices(
        self, *, who: str, devices: Sequence[str], expect: Expected = ACCEPTED
    ) -> Outcome:
        """List one's own devices in the console, as root has to.

        Args:
            devices: Exactly these, in any order.
        """
        return self._perform("list_console_devices", locals())

    def list_virtual_devices(
        self,
        *,
        who: str,
        using: str | None = None,
        status: Literal["Assigned", "Unassigned", "Any"] | None = None,
        devices: Sequence[str] | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List the account's virtual devices (IAM ListVirtualMFADevices).

        Args:
            who: Who asks.
            devices: Exactly these, in any order.
        """
        return self._perform("list_virtual_devices", locals())

    def list_users(
        self, *, who: str, mfa: Mapping[str, str], expect: Expected = ACCEPTED
    ) -> Outcome:
        """Read the MFA column of the console's list of users.

        Args:
            mfa: What the column says for each of these people: None, Virtual, Security key,
                Hardware, SMS.
        """
        return self._perform("list_users", locals())

    def list_tags(
        self,
        *,
        who: str,
        device: str,
        using: str | None = None,
        tags: Mapping[str, str] | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List the tags of a virtual device (IAM ListMFADeviceTags).

        Args:
            who: Who asks.
            tags: Exactly these.
        """
        return self._perform("list_tags", locals())

    def describe_device(
        self, *, who: str, device: str, using: str | None = None, expect: Expected = ACCEPTED
    ) -> Outcome:
        """Ask for the details of a security key (IAM GetMFADevice).

        AWS answers for no other kind of device.

        Args:
            who: Who asks.
        """
        return self._perform("describe_device", locals())

    def account_summary(
        self,
        *,
        who: str,
        values: Mapping[str, int],
        using: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Read the account's numbers (IAM GetAccountSummary).

        Args:
            who: Who asks.
            values: What these entries of the map are to be.
        """
        return self._perform("account_summary", locals())

    def credential_report(
        self,
        *,
        who: str,
        using: str | None = None,
        generate: bool = True,
        mfa_active: Mapping[str, Literal["true", "false"]] = NONE,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Read the credential report (IAM GetCredentialReport).

        Args:
            who: Who asks.
            generate: Whether to ask for a new one first.
            mfa_active: What the column mfa_active says for these people, in lower case.
        """
        return self._perform("credential_report", locals())

    def lose(self, *, who: str, device: str, expect: Expected = ACCEPTED) -> Outcome:
        """Lose a device; it goes on working for whoever finds it."""
        return self._perform("lose", locals())

    def find(self, *, who: str, device: str, expect: Expected = ACCEPTED) -> Outcome:
        """Find a device that was lost."""
        return self._perform("find", locals())

    def borrow(self, *, who: str, device: str, from_: str, expect: Expected = ACCEPTED) -> Outcome:
        """Take somebody's device, with or without asking."""
        return self._perform("borrow", locals())

    def give_back(self, *, who: str, device: str, expect: Expected = ACCEPTED) -> Outcome:
        """Give a device back to its owner."""
        return self._perform("give_back", locals())

    def break_(self, *, device: str, expect: Expected = ACCEPTED) -> Outcome:
        """Break a device for good: dropped, drowned, run over."""
        return self._perform("break", locals())

    def replace(self, *, who: str, device: str, by: str, expect: Expected = ACCEPTED) -> Outcome:
        """Hand somebody a new device for an old one, which is thrown away.

        Args:
            by: The new one.
        """
        return self._perform("replace", locals())

    def clone(self, *, device: str, to: str, expect: Expected = ACCEPTED) -> Outcome:
        """Copy an app's accounts to a second phone, or a security key to another one.

        Afterwards both show the same codes, or sign with the same keys.
        """
        return self._perform("clone", locals())

    def back_up(self, *, device: str, expect: Expected = ACCEPTED) -> Outcome:
        """Make a backup of an app's accounts."""
        return self._perform("back_up", locals())

    def restore(self, *, device: str, to: str, expect: Expected = ACCEPTED) -> Outcome:
        """Restore the last backup of an app to the app on another phone.

        Args:
            device: The app that was backed up.
        """
        return self._perform("restore", locals())

    def switch_phone(
        self, *, phone: str, to: Literal["off", "on"], expect: Expected = ACCEPTED
    ) -> Outcome:
        """Switch a phone off or on; short messages wait at the carrier meanwhile."""
        return self._perform("switch_phone", locals())

    def change_number(self, *, device: str, number: str, expect: Expected = ACCEPTED) -> Outcome:
        """Give a phone another number; texts to the old one no longer reach it."""
        return self._perform("change_number", locals())

    def wait(
        self,
        *,
        for_: str | None = None,
        until: str | None = None,
        until_next: Literal["code", "leading zero", "budget"] | None = None,
        of: str | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Let true time pass.

        Args:
            for_: How long.
            until: Until this true time.
            until_next: Until a device shows its next code, or its next code that begins with
                0, or until the verifier's next throttle window.
            of: The device whose code is awaited.
        """
        return self._perform("wait", locals())

    def travel(self, *, device: str, climate: str, expect: Expected = ACCEPTED) -> Outcome:
        """Take a hardware token into another climate."""
        return self._perform("travel", locals())

    def set_clock(
        self,
        *,
        device: str,
        to: str | None = None,
        by: str | None = None,
        network: Literal["on", "off", "airplane"] | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Change a device's clock: set it, let it jump, or put a phone on or off network time.

        Args:
            to: What it is to believe.
            by: How far it jumps.
            network: A phone's network time: on, off, or off because of airplane mode.
        """
        return self._perform("set_clock", locals())

    def set_verifier_clock(
        self, *, by: str, over: str = "0 s", expect: Expected = ACCEPTED
    ) -> Outcome:
        """Make the verifier's own clock wrong, at once or gradually.

        Args:
            by: How far it moves.
            over: How long the move takes; at once when left out.
        """
        return self._perform("set_verifier_clock", locals())

    def guess(
        self,
        *,
        who: str,
        as_: str,
        device: str,
        at: Literal["sts", "console"] = "sts",
        tries: int = 10,
        every: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Try random codes; accepted as soon as one is, else the last refusal.

        Args:
            who: Who attacks.
            as_: In whose name: their password and access keys have leaked.
            device: The victim's device, which the attacker does not hold.
            every: How long from one try to the next.
        """
        return self._perform("guess", locals())

    def replay(
        self,
        *,
        who: str,
        as_: str,
        device: str,
        at: Literal["sts", "console"] = "sts",
        typed: Literal["as shown", "with a space", "with a newline"] = "as shown",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Present the code that was typed last once more, as an eavesdropper would.

        Args:
            who: Who attacks.
            as_: In whose name: their password and access keys have leaked.
            device: The victim's device, which the attacker does not hold.
            typed: Decoration that a careless verifier trims after it looked for replays.
        """
        return self._perform("replay", locals())

    def race(
        self,
        *,
        who: str,
        as_: str,
        device: str,
        at: Literal["sts", "console"] = "sts",
        requests: int = 8,
        winners: int = 1,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Present the code shown now in many requests at the same moment; exactly one may win.

        Args:
            who: Who attacks.
            as_: In whose name: their password and access keys have leaked.
            device: The victim's device, which the attacker does not hold.
            winners: How many requests may be accepted.
        """
        return self._perform("race", locals())

    def inject(
        self,
        *,
        operation: str,
        error: Literal["ServiceFailure", "ConcurrentModification", "EntityTemporarilyUnmodifiable"],
        times: int = 1,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Let the next calls of an operation fail inside the service.

        Args:
            operation: Such as EnableMFADevice.
        """
        return self._perform("inject", locals())

    def next_sms(
        self,
        *,
        is_: Literal["lost", "delayed", "duplicated"],
        by: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Decide what the carrier does with the next short message.

        Args:
            by: How long a delayed one takes.
        """
        return self._perform("next_sms", locals())

    def update_root_phone(self, *, who: str, number: str, expect: Expected = ACCEPTED) -> Outcome:
        """Change the telephone number on file, as an administrator may."""
        return self._perform("update_root_phone", locals())

    def change_verifier(
        self, *, to: ProfileChanges | Mapping[str, Any], expect: Expected = ACCEPTED
    ) -> Outcome:
        """Change the verifier's rules while it runs, as AWS did when it ended SMS.

        Args:
            to: The figures that change, such as {sms: ended}; all others stay.
        """
        return self._perform("change_verifier", locals())

    def measure(
        self,
        *,
        device: str,
        offset: str,
        from_: Literal["true time", "verifier", "window"] = "true time",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Measure how far a device's clock is off, against a limit such as `<= 2 steps`.

        The sign does not count: a limit is for slow and fast devices alike.

        Args:
            offset: `<= 2 steps`, `>= 90 s`: distance of the device's clock from true time.
            from_: From what the distance is taken: true time, the verifier's clock, or the
                centre of the verifier's window for the device.
        """
        return self._perform("measure", locals())

    def set_pin(
        self,
        *,
        who: str,
        device: str,
        pin: str,
        key: KeyUse | KeyUseWords = USUAL,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Set a security key's PIN, or change it (CTAP 2.1 section 6.5.5).

        Args:
            pin: The new PIN; the old one is typed as `key.pin` says.
            key: How the key is used: touch, pin, finger, pulled_out_after.
        """
        return self._perform("set_pin", locals())

    def type_pin(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        times: int = 1,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Type a security key's PIN for nothing but a token; `key.pin` says whether it is right.

        Args:
            key: How the key is used: touch, pin, finger, pulled_out_after.
            times: How often; the last answer is the outcome.
        """
        return self._perform("type_pin", locals())

    def reset_key(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Reset a security key: all credentials and the PIN are gone (CTAP 2.1 section 6.6).

        Args:
            key: How the key is used: touch, pin, finger, pulled_out_after.
        """
        return self._perform("reset_key", locals())

    def add_finger(
        self,
        *,
        who: str,
        device: str,
        finger: str,
        key: KeyUse | KeyUseWords = USUAL,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Enrol a finger on a security key's sensor (CTAP 2.1 section 6.7).

        Args:
            finger: What to call it; `key.finger` names it later.
            key: How the key is used: touch, pin, finger, pulled_out_after.
        """
        return self._perform("add_finger", locals())

    def register_u2f(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Register a security key for oneself as before WebAuthn, by the U2F API for an AppID.

        The verifier takes the registration over; such a key signs in by the extension
        `appid`.

        Args:
            key: How the key is used: touch, pin, finger, pulled_out_after.
        """
        return self._perform("register_u2f", locals())

    def store_passkeys(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        count: int = 1,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Store discoverable credentials for other sites on a security key.

        Args:
            key: How the key is used: touch, pin, finger, pulled_out_after.
            count: How many, each for another site.
        """
        return self._perform("store_passkeys", locals())

    def key_power(
        self, *, device: str, to: Literal["on", "off", "cycle"], expect: Expected = ACCEPTED
    ) -> Outcome:
        """Plug a security key in, pull it out, or both.

        Args:
            to: on is plugged in, off is pulled out, cycle is both.
        """
        return self._perform("key_power", locals())

    def key_fault(
        self,
        *,
        device: str,
        bad_signatures: bool = False,
        wrong_aaguid: bool = False,
        malformed_cbor: bool = False,
        counter_still: bool = False,
        counter_back: int = 0,
        full_store: bool = False,
        worn_out_store: bool = False,
        slow_crypto: str = "0 s",
        power_cut_at_write: int | None = None,
        power_cut_done: bool = False,
        missing: Sequence[str] = (),
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Make a security key faulty, or good again: what is not named is off.

        Args:
            bad_signatures: Every signature has one bit wrong.
            wrong_aaguid: Credentials name another model than the key does.
            malformed_cbor: Answers are no canonical CBOR.
            counter_still: The signature counter does not move.
            counter_back: How far the counter in each signature lies behind the stored one.
            full_store: There is no room for another discoverable credential.
            worn_out_store: Every write fails and changes nothing.
            slow_crypto: How long each signature or key takes.
            power_cut_at_write: Power fails at this write to its store, counted from now.
            power_cut_done: The write at which power fails is still finished.
            missing: Options, extensions or commands that are announced and not there, such as
                credMgmt.
        """
        return self._perform("key_fault", locals())

    def wire_fault(
        self,
        *,
        device: str,
        lost: str = "0 %",
        duplicated: str = "0 %",
        reordered: str = "0 %",
        corrupted: str = "0 %",
        stalled: bool = False,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Spoil the wire between a security key and its clients; what is not named is good.

        Args:
            lost: How many reports never arrive.
            duplicated: How many arrive twice.
            reordered: How many arrive after the next one.
            corrupted: How many have a wrong bit.
            stalled: The endpoint holds all reports until the wire is good again.
        """
        return self._perform("wire_fault", locals())

    def check_key(
        self,
        *,
        device: str,
        pin_retries: int | None = None,
        uv_retries: int | None = None,
        pin_is_set: bool | None = None,
        discoverable: int | None = None,
        powered: bool | None = None,
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Look at a security key's state from the outside of all protocols.

        Args:
            pin_retries: Tries left until the PIN is blocked.
            uv_retries: Fingers left until built-in user verification is blocked.
            pin_is_set: Whether it has a PIN.
            discoverable: How many discoverable credentials it holds.
            powered: Whether it is plugged in.
        """
        return self._perform("check_key", locals())
