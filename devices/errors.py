"""What can go wrong with a device, as sentences with values.

Each exception keeps its fields in `args`, so that it survives pickling and
`type(e)(*e.args)`; the sentence is built when it is read. No sentence contains
a secret or a code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Unusable(Enum):
    """Why a device cannot be used, in words that finish "it ..."."""

    BATTERY_DEAD = "has a dead battery"
    BROKEN = "is broken"
    SWITCHED_OFF = "is switched off"
    NO_SIM = "has no working SIM"


class DeviceError(Exception):
    """Something a device could not do. Base of every error in this package.

    One that is a dataclass needs no more than its fields and a `sentence` with their names.
    """

    sentence: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self.args = tuple(vars(self).values())

    def __str__(self) -> str:
        return self.sentence.format(**vars(self)) if self.sentence else super().__str__()


@dataclass(eq=False, repr=False)
class DeviceUnusable(DeviceError):
    """A device that cannot work at all just now.

    Args:
        device: its name or serial number.
        reason: why.
        advice: what its holder can do, as a sentence.
    """

    device: str
    reason: Unusable
    advice: str
    sentence = "{device} {reason.value}. {advice}"


@dataclass(eq=False, repr=False)
class NotOffered(DeviceError):
    """A working device that lacks a feature, such as an app without backup.

    Args:
        device: its name.
        feature: the missing feature, as in "does not offer backup".
        advice: what to do instead, as a sentence.
    """

    device: str
    feature: str
    advice: str
    sentence = "{device} does not offer {feature}. {advice}"


@dataclass(eq=False, repr=False)
class UnknownAccount(DeviceError):
    """An account name that an app does not hold, or holds more than once.

    Args:
        device: the app's name.
        account: the name asked for.
        matches: the labels that match, none or several.
        held: all labels held.
    """

    device: str
    account: str
    matches: tuple[str, ...]
    held: tuple[str, ...]

    def __str__(self) -> str:
        if self.matches:
            several = " and ".join(f'"{label}"' for label in self.matches)
            return f'{self.device} holds several accounts "{self.account}". Name one: {several}.'
        held = ", ".join(f'"{label}"' for label in self.held) or "none"
        return (
            f'{self.device} holds no account "{self.account}" (it holds: {held}). '
            "Add the account, or restore a backup that has it."
        )


@dataclass(eq=False, repr=False)
class NoCodeReceived(DeviceError):
    """A phone whose inbox holds no text with a code.

    Args:
        device: the phone's name.
        messages: number of texts in the inbox.
    """

    device: str
    messages: int
    sentence = (
        "{device} has received no code (texts in the inbox: {messages}). "
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
