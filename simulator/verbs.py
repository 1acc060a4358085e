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


class KeyUseWords(TypedDict, total=False):
    """`KeyUse` in the words of a scenario file."""

    touch: str
    pin: str
    finger: str
    origin: str
    client: Literal["honest", "careless"]
    credential_of: str
    handle_of: str
    verification: Literal["as asked", "left out"]
    rp_id: str
    pulled_out_after: str


class ExpectWords(TypedDict, total=False):
    """`Expect` in the words of a scenario file."""

    refused: str
    message: str
    status: int
    decision: str
    declared: bool


Expected = Expect | ExpectWords | Literal["accepted", "declared"]
ACCEPTED: Final = Expect()
USUAL: Final = KeyUse()
NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Verbs(ABC):
    """What can be done in a lab. A keyword that Python reserves has an underscore behind it.

    Quantities are texts with a unit, such as `"400 d"`; `expect` says how the step is to end.
    `mfalab steps VERB` describes each argument.
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Create a virtual device and scan its QR code (IAM CreateVirtualMFADevice)."""
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Assign a device to an identity with two consecutive codes (IAM EnableMFADevice).

        An app that holds no account yet is given one first. An SMS phone is enrolled with the
        code that is sent to it.
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Resynchronise a device with two consecutive codes (IAM ResyncMFADevice)."""
        return self._perform("resync", locals())

    def deactivate(
        self,
        *,
        who: str,
        device: str,
        for_: str | None = None,
        using: str | None = None,
        serial: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Take a device from an identity (IAM DeactivateMFADevice)."""
        return self._perform("deactivate", locals())

    def delete(
        self,
        *,
        who: str,
        device: str,
        using: str | None = None,
        serial: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Delete a virtual or SMS device entity (IAM DeleteVirtualMFADevice)."""
        return self._perform("delete", locals())

    def tag(
        self,
        *,
        who: str,
        device: str,
        tags: Mapping[str, str],
        using: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Take tags from a virtual device (IAM UntagMFADevice)."""
        return self._perform("untag", locals())

    def delete_user(
        self,
        *,
        who: str,
        for_: str,
        using: str | None = None,
        clear: bool = False,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Delete a user (IAM DeleteUser); the console removes by itself what the user has."""
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
        unusual: bool = False,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Sign in to the console: password, then the second page if there is one.

        Without `with`, a person who is asked for a second factor is stuck there
        (`MfaRequired`), and the page stays open. With it, a person who is *not* asked for one
        has found a hole (`NoSecondPage`). A root user who must have a device and has none
        ends at the page that asks to register one (`MfaEnrolmentRequired`): `enable` works
        there, then root signs in again.
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
        page: Literal["open", "used"] = "open",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Type another code on the second page that is still open.

        Within one time step a device shows one code. If the verifier has taken it, typing it
        again is a replay and refused: `wait` for 30 s first.
        """
        return self._perform("try_again", locals())

    def resend_sms(
        self,
        *,
        who: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Ask for another short message on the second page."""
        return self._perform("resend_sms", locals())

    def type_mail_code(
        self,
        *,
        who: str,
        code: Literal["right", "wrong"] = "right",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Type the code that was mailed to root, who signs in from an unusual place."""
        return self._perform("type_mail_code", locals())

    def change_password(
        self,
        *,
        who: str,
        old: Literal["right", "wrong"] = "right",
        new: str | None = None,
        using: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Change one's own password, where the sign-in asks for it or on one's page.

        With access keys it is IAM's ChangePassword; root has a page only.
        """
        return self._perform("change_password", locals())

    def sign_out(
        self,
        *,
        who: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Sign in as root by alternative factors, from the second page: e-mail link and call.

        What goes wrong on the way is chosen with `mail` and `call`.
        """
        return self._perform("recover", locals())

    def routine(
        self,
        *,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Let all people who have a `routine` live by it, side by side, until the last is over.

        Sign-ins of different people come in the order of time. Each must end as `expect`
        says.
        """
        return self._perform("routine", locals())

    def get_session(
        self,
        *,
        who: str,
        using: str | None = None,
        duration: str | None = None,
        as_: str | None = None,
        with_: str | None = None,
        code: str = "current",
        typed: Literal[
            "as shown", "with a space", "without leading zeros", "full-width"
        ] = "as shown",
        key: KeyUse | KeyUseWords = USUAL,
        serial: str | None = None,
        serial_of: str | None = None,
        omit: Literal["code", "serial"] | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Get temporary credentials for oneself, with or without MFA (STS GetSessionToken)."""
        return self._perform("get_session", locals())

    def assume_role(
        self,
        *,
        who: str,
        role: str,
        using: str | None = None,
        duration: str | None = None,
        as_: str | None = None,
        with_: str | None = None,
        code: str = "current",
        typed: Literal[
            "as shown", "with a space", "without leading zeros", "full-width"
        ] = "as shown",
        key: KeyUse | KeyUseWords = USUAL,
        serial: str | None = None,
        serial_of: str | None = None,
        omit: Literal["code", "serial"] | None = None,
        external_id: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Assume a role, with or without MFA (STS AssumeRole)."""
        return self._perform("assume_role", locals())

    def get_federation_token(
        self,
        *,
        who: str,
        federated_user: str,
        using: str | None = None,
        duration: str | None = None,
        as_: str | None = None,
        policy: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Get credentials for a federated user, which never have MFA (STS GetFederationToken)."""
        return self._perform("get_federation_token", locals())

    def assume_root(
        self,
        *,
        who: str,
        account: str,
        task: Literal[
            "IAMAuditRootUserCredentials",
            "IAMCreateRootUserPassword",
            "IAMDeleteRootUserCredentials",
            "S3UnlockBucketPolicy",
            "SQSUnlockQueuePolicy",
        ],
        using: str | None = None,
        duration: str | None = None,
        as_: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Assume the root user of an account that one's own account manages (STS AssumeRoot)."""
        return self._perform("assume_root", locals())

    def request(
        self,
        *,
        who: str,
        action: str,
        resource: str = "*",
        using: str | None = None,
        resource_policy: str | None = None,
        owner: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Ask another service for something, such as S3 or EC2: policies alone decide."""
        return self._perform("request", locals())

    def who_am_i(
        self,
        *,
        who: str,
        using: str | None = None,
        spoilt: Literal["secret", "token"] | None = None,
        arn_ends: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Ask who the credentials belong to (STS GetCallerIdentity)."""
        return self._perform("who_am_i", locals())

    def check_mfa(
        self,
        *,
        who: str,
        present: Literal["true", "false", "absent"],
        using: str | None = None,
        younger_than: str | None = None,
        older_than: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Check what a policy would see: aws:MultiFactorAuthPresent and aws:MultiFactorAuthAge."""
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
        older_than: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List a user's devices of every kind (IAM ListMFADevices)."""
        return self._perform("list_devices", locals())

    def list_console_devices(
        self,
        *,
        who: str,
        devices: Sequence[str],
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List one's own devices in the console, as root has to."""
        return self._perform("list_console_devices", locals())

    def list_virtual_devices(
        self,
        *,
        who: str,
        using: str | None = None,
        status: Literal["Assigned", "Unassigned", "Any"] | None = None,
        devices: Sequence[str] | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List the account's virtual devices (IAM ListVirtualMFADevices)."""
        return self._perform("list_virtual_devices", locals())

    def list_users(
        self,
        *,
        who: str,
        mfa: Mapping[str, str],
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Read the MFA column of the console's list of users."""
        return self._perform("list_users", locals())

    def list_tags(
        self,
        *,
        who: str,
        device: str,
        using: str | None = None,
        tags: Mapping[str, str] | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """List the tags of a virtual device (IAM ListMFADeviceTags)."""
        return self._perform("list_tags", locals())

    def describe_device(
        self,
        *,
        who: str,
        device: str,
        using: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Ask for the details of a security key (IAM GetMFADevice).

        AWS answers for no other kind of device.
        """
        return self._perform("describe_device", locals())

    def account_summary(
        self,
        *,
        who: str,
        values: Mapping[str, int],
        using: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Read the account's numbers (IAM GetAccountSummary)."""
        return self._perform("account_summary", locals())

    def credential_report(
        self,
        *,
        who: str,
        using: str | None = None,
        generate: bool = True,
        mfa_active: Mapping[str, Literal["true", "false"]] = NONE,
        columns: Mapping[str, Mapping[str, str]] = NONE,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Read the credential report (IAM GetCredentialReport)."""
        return self._perform("credential_report", locals())

    def lose(
        self,
        *,
        who: str,
        device: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Lose a device; it works on for the person who finds it."""
        return self._perform("lose", locals())

    def find(
        self,
        *,
        who: str,
        device: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Find a device that was lost."""
        return self._perform("find", locals())

    def borrow(
        self,
        *,
        who: str,
        device: str,
        from_: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Take another person's device, with or without asking."""
        return self._perform("borrow", locals())

    def give_back(
        self,
        *,
        who: str,
        device: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Give a device back to its owner."""
        return self._perform("give_back", locals())

    def break_(
        self,
        *,
        device: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Break a device for good: dropped, drowned, run over."""
        return self._perform("break", locals())

    def replace(
        self,
        *,
        who: str,
        device: str,
        by: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Hand a person a new device for an old one, which is thrown away."""
        return self._perform("replace", locals())

    def clone(
        self,
        *,
        device: str,
        to: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Copy an app's accounts to a second phone, or a security key to another one.

        Afterwards both show the same codes, or sign with the same keys.
        """
        return self._perform("clone", locals())

    def back_up(
        self,
        *,
        device: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Make a backup of an app's accounts."""
        return self._perform("back_up", locals())

    def restore(
        self,
        *,
        device: str,
        to: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Restore the last backup of an app to the app on another phone."""
        return self._perform("restore", locals())

    def switch_phone(
        self,
        *,
        phone: str,
        to: Literal["off", "on"],
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Switch a phone off or on; until then short messages wait at the carrier."""
        return self._perform("switch_phone", locals())

    def change_number(
        self,
        *,
        device: str,
        number: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Give a phone another number; texts to the old one no longer reach it."""
        return self._perform("change_number", locals())

    def wait(
        self,
        *,
        for_: str | None = None,
        until: str | None = None,
        until_next: Literal["code", "leading zero", "budget"] | None = None,
        of: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Let true time pass."""
        return self._perform("wait", locals())

    def travel(
        self,
        *,
        device: str,
        climate: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Take a hardware token into another climate."""
        return self._perform("travel", locals())

    def set_clock(
        self,
        *,
        device: str,
        to: str | None = None,
        by: str | None = None,
        network: Literal["on", "off", "airplane"] | None = None,
        drift: str | None = None,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Change a device's clock: its time, a quartz's drift, or a phone's network time."""
        return self._perform("set_clock", locals())

    def set_verifier_clock(
        self,
        *,
        by: str,
        over: str = "0 s",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Make the verifier's own clock wrong, at once or gradually."""
        return self._perform("set_verifier_clock", locals())

    def guess(
        self,
        *,
        who: str,
        as_: str,
        device: str,
        at: Literal["sts", "console"] = "sts",
        tries: int = 10,
        pause: str = "0 s",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Try random codes; accepted as soon as one is, else the last refusal."""
        return self._perform("guess", locals())

    def replay(
        self,
        *,
        who: str,
        as_: str,
        device: str,
        at: Literal["sts", "console"] = "sts",
        typed: Literal["as shown", "with a space", "with a newline"] = "as shown",
        page: Literal["own", "used"] = "own",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Present the code that was typed last once more, as an eavesdropper would."""
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Present the code shown now in many requests at the same moment; exactly one may win."""
        return self._perform("race", locals())

    def inject(
        self,
        *,
        operation: str,
        error: Literal["ServiceFailure", "ConcurrentModification", "EntityTemporarilyUnmodifiable"],
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Let the next call of an operation fail inside the service; `times` says how many."""
        return self._perform("inject", locals())

    def next_sms(
        self,
        *,
        is_: Literal["lost", "delayed", "duplicated"],
        by: str = "0 s",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Decide what the carrier does with the next short message."""
        return self._perform("next_sms", locals())

    def update_root_phone(
        self,
        *,
        who: str,
        number: str,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Change the telephone number on file, as an administrator may."""
        return self._perform("update_root_phone", locals())

    def change_verifier(
        self,
        *,
        to: ProfileChanges | Mapping[str, Any],
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Change the verifier's rules while it runs, as AWS did when it ended SMS."""
        return self._perform("change_verifier", locals())

    def measure(
        self,
        *,
        device: str,
        offset: str,
        from_: Literal["true time", "verifier", "window"] = "true time",
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Measure how far a device's clock is off, against a limit such as `<= 2 steps`.

        The sign does not count: a limit is for slow and fast devices alike.
        """
        return self._perform("measure", locals())

    def set_pin(
        self,
        *,
        who: str,
        device: str,
        pin: str,
        key: KeyUse | KeyUseWords = USUAL,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Set a security key's PIN, or change it (CTAP 2.1 section 6.5.5)."""
        return self._perform("set_pin", locals())

    def type_pin(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        tries: int = 1,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Type a security key's PIN for nothing but a token; `key.pin` says whether it is right."""
        return self._perform("type_pin", locals())

    def reset_key(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Reset a security key: all credentials and the PIN are gone (CTAP 2.1 section 6.6)."""
        return self._perform("reset_key", locals())

    def add_finger(
        self,
        *,
        who: str,
        device: str,
        finger: str,
        key: KeyUse | KeyUseWords = USUAL,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Enrol a finger on a security key's sensor (CTAP 2.1 section 6.7)."""
        return self._perform("add_finger", locals())

    def register_u2f(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Register a security key for oneself as before WebAuthn, by the U2F API for an AppID.

        The verifier takes the registration over; such a key signs in by the extension
        `appid`.
        """
        return self._perform("register_u2f", locals())

    def store_passkeys(
        self,
        *,
        who: str,
        device: str,
        key: KeyUse | KeyUseWords = USUAL,
        count: int = 1,
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Store discoverable credentials for other sites on a security key."""
        return self._perform("store_passkeys", locals())

    def key_power(
        self,
        *,
        device: str,
        to: Literal["on", "off", "cycle"],
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Plug a security key in, pull it out, or both."""
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
        lapses: Sequence[str] = (),
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Make a security key faulty, or good again: what is not named is off."""
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Spoil the wire between a security key and its clients; what is not named is good."""
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
        times: int = 1,
        every: str | None = None,
        jitter: str = "0 s",
        expect: Expected = ACCEPTED,
    ) -> Outcome:
        """Look at a security key's state from the outside of all protocols."""
        return self._perform("check_key", locals())
