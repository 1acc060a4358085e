"""What can go wrong with a rig, as sentences with values.

Two kinds: a rig that is broken for the rest of the run (`RigBroken`), because its state is
unknown, and a single thing that it would not do. Nothing of the first kind is tried
again: the same error is raised whenever the rig is asked for anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from mfalab.devices.errors import DeviceError


@dataclass(eq=False, repr=False)
class RigError(DeviceError):
    """Something a rig could not do. Base of every error here.

    Args:
        rig: the rig's name.
    """

    rig: str


class RigBroken(RigError):
    """A rig that cannot be trusted any more in this run. Base of those that say why."""


@dataclass(eq=False, repr=False)
class RigGone(RigBroken):
    """The port has vanished: the board was unplugged, or lost its power.

    Args:
        detail: what the operating system says.
    """

    detail: str
    sentence = (
        "rig {rig} is gone ({detail}): it was unplugged or lost its power. "
        "Plug it in and start again."
    )


@dataclass(eq=False, repr=False)
class RigSilent(RigBroken):
    """The board did not answer.

    Args:
        command: what it was asked.
        within_ms: how long it had.
    """

    command: str
    within_ms: int
    sentence = (
        "rig {rig} did not answer {command!r} within {within_ms} ms. Is it "
        "the right port, and does the board run its firmware? Reset the board and start again."
    )


@dataclass(eq=False, repr=False)
class RigGarbled(RigBroken):
    """The board answered with something that is no answer.

    Args:
        command: what it was asked.
        answer: the bytes that came, shortened.
        whole: whether they were a whole line.
    """

    command: str
    answer: bytes
    whole: bool

    def __str__(self) -> str:
        part = "" if self.whole else "half a line, "
        return (
            f"rig {self.rig} answered {self.command!r} with {part}{self.answer!r}, which is no "
            "answer to it. Check port, cable and firmware, and start again."
        )


@dataclass(eq=False, repr=False)
class RigVersionWrong(RigBroken):
    """A board that speaks another version of the protocol.

    Args:
        version: what the board says that it speaks.
        known: the major version that the driver knows.
    """

    version: str
    known: int
    sentence = (
        "rig {rig} speaks protocol version {version}, and the driver knows version "
        "{known}. Flash the firmware that belongs to this release."
    )


@dataclass(eq=False, repr=False)
class WatchdogFired(RigBroken):
    """A board that made everything safe by itself, so that nothing is as the run left it.

    Args:
        says: what the board says about it.
    """

    says: str
    sentence = (
        "rig {rig} released every touch and restored all power by itself ({says}): "
        "this computer was asleep or too busy to speak to it. Start again."
    )


@dataclass(eq=False, repr=False)
class PersonAway(RigBroken):
    """A person who was asked to do something and is not there: the input has ended.

    Args:
        asked: what they were asked.
    """

    asked: str
    sentence = (
        "rig {rig} asked {asked!r} and no one is at the keyboard. "
        "Run it where a person can answer, or bind the channel to a board."
    )


@dataclass(eq=False, repr=False)
class ToolMissing(RigBroken):
    """A driver whose external program is not installed.

    Args:
        tool: the program.
        advice: where to get it, a sentence.
    """

    tool: str
    advice: str
    sentence = "rig {rig} needs the program {tool}, which is not here. {advice}"


@dataclass(eq=False, repr=False)
class ToolNotPermitted(RigBroken):
    """A driver whose external program may not reach the hub.

    Args:
        tool: the program.
    """

    tool: str
    sentence = (
        "rig {rig}: {tool!r} may not reach the hub. Run as root, or add a udev rule for it: the "
        "program's documentation has one."
    )


@dataclass(eq=False, repr=False)
class ToolFailed(RigBroken):
    """A driver whose external program failed.

    Args:
        command: the command line.
        status: its exit code; -1 when it did not end in time.
        says: the last line that it wrote.
    """

    command: str
    status: int
    says: str

    def __str__(self) -> str:
        how = "did not end in time" if self.status == -1 else f"failed with status {self.status}"
        return (
            f"rig {self.rig}: {self.command!r} {how} and said {self.says!r}. "
            "Run it by hand, and start again when it works."
        )


@dataclass(eq=False, repr=False)
class RigRefused(RigError):
    """A command that the board understood or did not, and did not do.

    Args:
        command: the command.
        code: the error's number (SCPI-99 volume 2 section 21.8).
        text: what the board says about it.
    """

    command: str
    code: int
    text: str
    sentence = "rig {rig} refused {command!r}: {code}, {text}."


@dataclass(eq=False, repr=False)
class NotFitted(RigError):
    """A function or a channel that the rig does not have.

    Args:
        function: what was wanted.
        channel: on which channel, counted from 1.
        fitted: how many channels of that function there are.
    """

    function: str
    channel: int
    fitted: int

    def __str__(self) -> str:
        if not self.fitted:
            return f"rig {self.rig} has no {self.function} channels. Use another rig for that."
        return (
            f"rig {self.rig} has no {self.function} channel {self.channel}. "
            f"Use one of 1 to {self.fitted}."
        )


class RigClosed(RigError):
    """A rig that was asked for something before it was opened, or after it was closed."""

    sentence = "rig {rig} is not open. Open it first."


@dataclass(eq=False, repr=False)
class RigBusy(RigError):
    """A port that another program holds.

    Args:
        port: the port.
    """

    port: str
    sentence = "rig {rig}: another program holds {port}. End that one first."


@dataclass(eq=False, repr=False)
class PortUnclear(RigError):
    """It is not clear which port a rig is on: none fits, or more than one.

    Args:
        trouble: what is wrong, as the rest of a sentence that begins with the rig.
        present: what is plugged in, one text for each port.
    """

    trouble: str
    present: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"rig {self.rig} {self.trouble}. Plugged in: "
            f"{', '.join(self.present) or 'nothing that could be one'}. "
            'Run "mfalab rig suggest" for a ready entry.'
        )


@dataclass(eq=False, repr=False)
class OptionWrong(RigError):
    """An option of a driver that it does not have or cannot use.

    Args:
        option: the option.
        why: what is wrong and what would be right, a sentence.
    """

    option: str
    why: str
    sentence = 'rig {rig}, "{option}": {why}'
