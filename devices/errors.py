"""What can go wrong with a device, as sentences with values.

Each exception keeps its fields in `args`, so that it survives pickling and
`type(e)(*e.args)`; the sentence is built when it is read. No sentence contains
a secret or a code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Unusable(Enum):
    """Why a device cannot be used, in words that finish "it ..."."""

    BATTERY_DEAD = "has a dead battery"
    BROKEN = "is broken"
    SWITCHED_OFF = "is switched off"
    NO_SIM = "has no working SIM"


class DeviceError(Exception):
    """Something a device could not do. Base of every error in this package."""


class DeviceUnusable(DeviceError):
    """A device that cannot work at all just now.

    Args:
        device: its name or serial number.
        reason: why.
        advice: what its holder can do, as a sentence.
    """

    def __init__(self, device: str, reason: Unusable, advice: str) -> None:
        super().__init__(device, reason, advice)
        self.device = device
        self.reason = reason
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.device} {self.reason.value}. {self.advice}"


class NotOffered(DeviceError):
    """A working device that lacks a feature, such as an app without backup.

    Args:
        device: its name.
        feature: the missing feature, as in "does not offer backup".
        advice: what to do instead, as a sentence.
    """

    def __init__(self, device: str, feature: str, advice: str) -> None:
        super().__init__(device, feature, advice)
        self.device = device
        self.feature = feature
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.device} does not offer {self.feature}. {self.advice}"


class UnknownAccount(DeviceError):
    """An account name that an app does not hold, or holds more than once.

    Args:
        device: the app's name.
        account: the name asked for.
        matches: the labels that match, none or several.
        held: all labels held.
    """

    def __init__(
        self, device: str, account: str, matches: tuple[str, ...], held: tuple[str, ...]
    ) -> None:
        super().__init__(device, account, matches, held)
        self.device = device
        self.account = account
        self.matches = matches
        self.held = held

    def __str__(self) -> str:
        if self.matches:
            several = " and ".join(f'"{label}"' for label in self.matches)
            return f'{self.device} holds several accounts "{self.account}". Name one: {several}.'
        held = ", ".join(f'"{label}"' for label in self.held) or "none"
        return (
            f'{self.device} holds no account "{self.account}" (it holds: {held}). '
            "Add the account, or restore a backup that has it."
        )


class NoCodeReceived(DeviceError):
    """A phone whose inbox holds no text with a code.

    Args:
        device: the phone's name.
        messages: number of texts in the inbox.
    """

    def __init__(self, device: str, messages: int) -> None:
        super().__init__(device, messages)
        self.device = device
        self.messages = messages

    def __str__(self) -> str:
        return (
            f"{self.device} has received no code (texts in the inbox: {self.messages}). "
            "Wait for the carrier, or ask for the code to be sent again."
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in provisioning material.

    Args:
        where: its place, such as `seeds.csv:4:12` or `otpauth URI, parameter "digits"`.
        what: a sentence: what is wrong, and what would be right.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ProvisioningError(DeviceError):
    """Provisioning material that cannot be used, with every mistake found.

    Args:
        problems: at least one, in the order of their places.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
