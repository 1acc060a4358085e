"""Steps that look at lists, summaries and reports, and compare them with what they state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import ExpectationFailed
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName, SessionName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import SIGNED


class Look(Step):
    """A step that asks IAM and compares."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.API,)
    who: PersonName
    """Who asks."""
    using: SessionName | None = None

    def iam(self, env: Environment) -> Any:
        """IAM with the asking person's credentials."""
        return env.target.iam(env.person(self.who).credentials(self.using))


class ListDevices(Look):
    """List a user's devices of every kind (IAM ListMFADevices)."""

    calls: ClassVar[tuple[str, ...]] = ("ListMFADevices",)
    do: Literal["list_devices"] = "list_devices"
    for_: Annotated[PersonName | None, Field(alias="for")] = None
    devices: list[DeviceName] | None = None
    """Exactly these, in any order."""
    page: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many items to ask for at a time; all pages are read."""
    marker: str | None = None
    """Where to go on, instead of at the beginning."""
    older_than: Span | None = None
    """Each was enabled longer ago than this, by its EnableDate and the verifier's clock."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        user = env.person(self.for_ or self.who)
        iam = self.iam(env)
        found: list[dict[str, Any]] = []
        marker = self.marker
        while True:
            answer = iam.list_mfa_devices(
                UserName=user.user_name, MaxItems=self.page, Marker=marker
            )
            found += answer["MFADevices"]
            if not answer["IsTruncated"]:
                break
            if answer["Marker"] == marker:
                raise ExpectationFailed("a marker that leads on", "the same marker again")
            marker = answer["Marker"]
        _no_secrets(found)
        if self.devices is not None:
            _compare(env, self.devices, (item["SerialNumber"] for item in found))
        if self.older_than is not None:
            latest_s = (env.server_clock.now_ns() - self.older_than) / NS_PER_S
            for item in found:
                if item["EnableDate"].timestamp() >= latest_s:
                    raise ExpectationFailed("an older EnableDate", str(item["EnableDate"]))
        return found


class ListConsoleDevices(Step):
    """List one's own devices in the console, as root has to."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.PAGES)
    meets: ClassVar[frozenset[str]] = SIGNED
    do: Literal["list_console_devices"] = "list_console_devices"
    who: PersonName
    devices: list[DeviceName]
    """Exactly these, in any order."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        found = env.target.console.devices(env.person(self.who).console_credentials())
        _compare(env, self.devices, (item["SerialNumber"] for item in found))
        return found


class ListVirtualDevices(Look):
    """List the account's virtual devices (IAM ListVirtualMFADevices)."""

    calls: ClassVar[tuple[str, ...]] = ("ListVirtualMFADevices",)
    do: Literal["list_virtual_devices"] = "list_virtual_devices"
    status: Literal["Assigned", "Unassigned", "Any"] | None = None
    devices: list[DeviceName] | None = None
    """Exactly these, in any order."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        answer = self.iam(env).list_virtual_mfa_devices(AssignmentStatus=self.status)
        found = answer["VirtualMFADevices"]
        _no_secrets(found)
        if self.devices is not None:
            _compare(env, self.devices, (item["SerialNumber"] for item in found))
        return found


class ListUsers(Step):
    """Read the MFA column of the console's list of users."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.PAGES)
    calls: ClassVar[tuple[str, ...]] = ("ListUsers",)
    do: Literal["list_users"] = "list_users"
    who: PersonName
    mfa: dict[PersonName, str]
    """What the column says for each of these people: None, Virtual, Security key, Hardware, SMS."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        found = env.target.console.users(env.person(self.who).console_credentials())
        column = {item["UserName"]: item["MFA"] for item in found}
        for name, expected in self.mfa.items():
            got = column.get(env.person(name).user_name)
            if got != expected:
                raise ExpectationFailed(f"{name}: {expected}", str(got))
        return found


class ListTags(Look):
    """List the tags of a virtual device (IAM ListMFADeviceTags)."""

    calls: ClassVar[tuple[str, ...]] = ("ListMFADeviceTags",)
    do: Literal["list_tags"] = "list_tags"
    device: DeviceName
    tags: dict[str, str] | None = None
    """Exactly these."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        answer = self.iam(env).list_mfa_device_tags(
            SerialNumber=env.device(self.device).known_serial()
        )
        found = {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
        if self.tags is not None and found != self.tags:
            raise ExpectationFailed(f"tags {self.tags}", str(found))
        return found


class DescribeDevice(Look):
    """Ask for the details of a security key (IAM GetMFADevice).

    AWS answers for no other kind of device.
    """

    calls: ClassVar[tuple[str, ...]] = ("GetMFADevice",)
    do: Literal["describe_device"] = "describe_device"
    device: DeviceName

    def perform(self, env: Environment) -> object:
        """See the class."""
        return self.iam(env).get_mfa_device(SerialNumber=env.device(self.device).known_serial())


def _compare(env: Environment, names: Iterable[str], serials: Iterable[str]) -> None:
    """Hold device names against serial numbers; clones of one entity count once.

    Raises:
        ExpectationFailed: they are not the same devices.
    """

    def called(serial: str) -> str:
        known = (name for name, device in env.devices.items() if device.answers_to(serial))
        return next(known, serial)

    found = sorted(called(serial) for serial in serials)
    expected = sorted(
        name if env.device(name).serial is None else called(env.device(name).known_serial())
        for name in names
    )
    if found != expected:
        raise ExpectationFailed(
            f"devices {', '.join(expected) or 'none'}", f"{', '.join(found) or 'none'}"
        )


def _no_secrets(items: list[dict[str, Any]]) -> None:
    """A list shows neither seeds nor QR images.

    Raises:
        ExpectationFailed: an item does.
    """
    for item in items:
        leaked = {"Base32StringSeed", "QRCodePNG"} & item.keys()
        if leaked:
            raise ExpectationFailed("a list without secrets", f"{', '.join(sorted(leaked))}")
