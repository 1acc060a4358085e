"""Steps that bring a device to an identity and take it away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mfalab.simulator import browser
from mfalab.simulator.browser import KeyUse
from mfalab.simulator.held_devices import HeldApp, HeldDevice, HeldSms
from mfalab.simulator.held_key import HeldKey
from mfalab.simulator.language.codes import CodeChoice, PairChoice
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName, SessionName
from mfalab.simulator.outcome import Hindered, ScenarioMistake
from mfalab.simulator.people import Person
from mfalab.simulator.steps.base import Step

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab

Using = SessionName | None


class OnBehalf(Step):
    """A step that one person does, for themselves or for somebody else."""

    who: PersonName
    """Who acts."""
    for_: Annotated[PersonName | None, Field(alias="for")] = None
    """Whose device it concerns; the actor's own when left out."""
    using: Using = None
    """`keys` (long-term access keys), `console`, or a session's name; root uses the console."""

    def actor(self, lab: Lab) -> Person:
        """Who acts."""
        return lab.person(self.who)

    def owner(self, lab: Lab) -> Person:
        """Whom it is for."""
        return lab.person(self.for_ or self.who)

    def through_console(self, lab: Lab) -> bool:
        """Whether this is a console flow rather than an API call."""
        return self.using == "console" or (self.using is None and self.actor(lab).root)

    def console_user(self, lab: Lab) -> str | None:
        """The user name a console flow is for; None is the one who is signed in."""
        return None if self.for_ in (None, self.who) else self.owner(lab).user_name


def reader(device: HeldDevice, *people: Person) -> Person:
    """Who of these people can look at a device: the first who holds it.

    Raises:
        Hindered: none of them does.
    """
    holder = next((person for person in people if person.name == device.holder), people[0])
    holder.holding(device)
    return holder


class Create(OnBehalf):
    """Create a virtual device and scan its QR code (IAM CreateVirtualMFADevice)."""

    do: Literal["create"] = "create"
    device: DeviceName
    """The app that scans the code."""
    device_name: str | None = None
    """The entity's name; the app's name when left out."""
    path: str = "/"
    tags: dict[str, str] = Field(default_factory=dict)
    scan: bool = True
    """Whether anybody scans the code: a cancelled wizard leaves it unscanned."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device = lab.device(self.device)
        if not isinstance(device, HeldApp):
            raise ScenarioMistake(f"{device.name} is no authenticator app, so it cannot be created")
        actor, name = self.actor(lab), self.device_name or device.name
        if self.through_console(lab):
            made = lab.verifier.console.create_virtual_device(actor.signed_in().credentials, name)
        else:
            made = lab.verifier.iam(actor.credentials(self.using)).create_virtual_mfa_device(
                VirtualMFADeviceName=name,
                Path=self.path,
                Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()],
            )
        entity = made["VirtualMFADevice"]
        serial = str(entity["SerialNumber"])
        actor.note("creates a virtual device", device=device.name, serial=serial)
        device.serial = serial
        if self.scan:
            png = entity["QRCodePNG"]
            assert isinstance(png, bytes)
            lab.note(device.name, "scans a QR code", serial=serial)
            device.scan(png)
        return serial


class Pair(OnBehalf):
    """A step that proves a device with two codes."""

    device: DeviceName
    """The device that is concerned."""
    codes: PairChoice = "consecutive"
    """What is typed: consecutive, equal, reversed, gapped, wrong, last, or two codes."""
    codes_from: DeviceName | None = None
    """Another device that the codes are read from."""
    late: Span = 0
    """How long the two codes lie around before they are submitted."""
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""

    def typed_pair(self, lab: Lab) -> tuple[str, str]:
        """Read and type the two codes."""
        source = lab.device(self.codes_from or self.device)
        pair = reader(source, self.actor(lab), self.owner(lab)).types_pair(source, self.codes)
        lab.advance(self.late)
        return pair

    def serial_of(self, device: HeldDevice) -> str:
        """The serial number to give."""
        return self.serial or device.known_serial()


class Enable(Pair):
    """Assign a device to an identity with two consecutive codes (IAM EnableMFADevice).

    An app that holds no account yet is given one first. An SMS phone is enrolled with the code
    that is sent to it.
    """

    do: Literal["enable"] = "enable"
    code: CodeChoice = "current"
    """For an SMS phone: the one code that is typed."""
    key: KeyUse = KeyUse()
    """For a security key: touch, pin, finger, origin, client, pulled_out_after."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device, actor = lab.device(self.device), self.actor(lab)
        if isinstance(device, HeldSms):
            return self._enable_sms(lab, device)
        if isinstance(device, HeldKey) and self.codes_from is None:
            return self._enable_key(lab, device)
        if isinstance(device, HeldApp) and device.account is None and self.serial is None:
            Create(
                who=self.who, device=self.device, using=self.using, **{"for": self.for_}
            ).perform(lab)
        serial = self.serial_of(device)
        first, second = self.typed_pair(lab)
        if self.through_console(lab):
            lab.verifier.console.enable_device(
                actor.signed_in().credentials,
                serial=serial,
                code1=first,
                code2=second,
                user_name=self.console_user(lab),
            )
        else:
            lab.verifier.iam(actor.credentials(self.using)).enable_mfa_device(
                UserName=self.owner(lab).user_name,
                SerialNumber=serial,
                AuthenticationCode1=first,
                AuthenticationCode2=second,
            )
        return serial

    def _enable_key(self, lab: Lab, device: HeldKey) -> object:
        actor, console, user = self.actor(lab), lab.verifier.console, self.console_user(lab)
        if not self.through_console(lab) and self.using is not None:
            raise ScenarioMistake("security keys are enabled in the console; use using: console")
        credentials = actor.signed_in().credentials
        holder = reader(device, actor, self.owner(lab))
        options = console.begin_security_key(credentials, name=device.name, user_name=user)
        response = browser.register(lab, holder, device, options, self.key)
        serial = console.finish_security_key(credentials, response=response, user_name=user)
        device.register(self.for_ or self.who, serial, response.get("id"))
        return serial

    def _enable_sms(self, lab: Lab, device: HeldSms) -> object:
        actor, owner = self.actor(lab), self.owner(lab)
        credentials = actor.signed_in().credentials
        number = device.thing.number
        if number is None:
            raise Hindered("NoCodeArrived", f"{device.name} has no number")
        already = len(device.thing.codes())
        device.serial = lab.verifier.console.register_sms(
            credentials, phone=number, user_name=self.console_user(lab)
        )
        holder = reader(device, actor, owner)
        holder.awaits_text(device, already)
        code = holder.reads_and_types(device, self.code)
        lab.verifier.console.confirm_sms(credentials, serial=device.serial, code=code)
        return device.serial


class Resync(Pair):
    """Resynchronise a device with two consecutive codes (IAM ResyncMFADevice)."""

    do: Literal["resync"] = "resync"
    at: Literal["sign-in page"] | None = None
    """Resynchronise on the second page of a sign-in that is under way."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device, actor = lab.device(self.device), self.actor(lab)
        first, second = self.typed_pair(lab)
        console = lab.verifier.console
        if self.at is not None:
            if actor.page is None:
                raise ScenarioMistake(f"{actor.name} has no sign-in page open")
            actor.page = console.resync(actor.page.id, first, second)
        elif self.through_console(lab):
            console.resync_device(
                actor.signed_in().credentials,
                serial=self.serial_of(device),
                code1=first,
                code2=second,
                user_name=self.console_user(lab),
            )
        else:
            lab.verifier.iam(actor.credentials(self.using)).resync_mfa_device(
                UserName=self.owner(lab).user_name,
                SerialNumber=self.serial_of(device),
                AuthenticationCode1=first,
                AuthenticationCode2=second,
            )
        return None


class Deactivate(OnBehalf):
    """Take a device from an identity (IAM DeactivateMFADevice)."""

    do: Literal["deactivate"] = "deactivate"
    device: DeviceName
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device, actor = lab.device(self.device), self.actor(lab)
        serial = self.serial or device.known_serial(self.for_ or self.who)
        if self.through_console(lab):
            lab.verifier.console.deactivate_device(
                actor.signed_in().credentials, serial=serial, user_name=self.console_user(lab)
            )
        else:
            lab.verifier.iam(actor.credentials(self.using)).deactivate_mfa_device(
                SerialNumber=serial, UserName=self.owner(lab).user_name
            )
        lab.witness.window_closed(device.name)
        return None


class Delete(Step):
    """Delete a virtual or SMS device entity (IAM DeleteVirtualMFADevice)."""

    do: Literal["delete"] = "delete"
    who: PersonName
    device: DeviceName
    using: Using = None
    serial: str | None = None
    """A serial number or ARN to give instead of the device's own."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        device, actor = lab.device(self.device), lab.person(self.who)
        serial = self.serial or device.known_serial()
        lab.verifier.iam(actor.credentials(self.using)).delete_virtual_mfa_device(
            SerialNumber=serial
        )
        lab.witness.window_closed(device.name)
        return None


class Tag(Step):
    """Put tags on a virtual device (IAM TagMFADevice)."""

    do: Literal["tag"] = "tag"
    who: PersonName
    device: DeviceName
    using: Using = None
    tags: dict[str, str]

    def perform(self, lab: Lab) -> object:
        """See the class."""
        lab.verifier.iam(lab.person(self.who).credentials(self.using)).tag_mfa_device(
            SerialNumber=lab.device(self.device).known_serial(),
            Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()],
        )
        return None


class Untag(Step):
    """Take tags from a virtual device (IAM UntagMFADevice)."""

    do: Literal["untag"] = "untag"
    who: PersonName
    device: DeviceName
    using: Using = None
    keys: list[str]

    def perform(self, lab: Lab) -> object:
        """See the class."""
        lab.verifier.iam(lab.person(self.who).credentials(self.using)).untag_mfa_device(
            SerialNumber=lab.device(self.device).known_serial(), TagKeys=self.keys
        )
        return None


class DeleteUser(Step):
    """Delete a user (IAM DeleteUser)."""

    do: Literal["delete_user"] = "delete_user"
    who: PersonName
    for_: Annotated[PersonName, Field(alias="for")]
    using: Using = None

    def perform(self, lab: Lab) -> object:
        """See the class."""
        lab.verifier.iam(lab.person(self.who).credentials(self.using)).delete_user(
            UserName=lab.person(self.for_).user_name
        )
        return None
