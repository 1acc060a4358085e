"""What can go wrong with a rig, as sentences with values.

Two kinds: a rig that is broken for the rest of the run (`RigBroken`), because its state is
unknown, and a single thing that it would not do. Nothing of the first kind is tried
again: the same error is raised whenever the rig is asked for anything.
"""

from __future__ import annotations

from mfalab.devices.errors import DeviceError


class RigError(DeviceError):
    """Something a rig could not do. Base of every error here."""


class RigBroken(RigError):
    """A rig that cannot be trusted any more in this run. Base of those that say why."""


class RigGone(RigBroken):
    """The port has vanished: the board was unplugged, or lost its power.

    Args:
        rig: the rig's name.
        detail: what the operating system says.
    """

    def __init__(self, rig: str, detail: str) -> None:
        super().__init__(rig, detail)
        self.rig = rig
        self.detail = detail

    def __str__(self) -> str:
        return (
            f"rig {self.rig} is gone ({self.detail}): it was unplugged or lost its power. "
            "Plug it in and start again."
        )


class RigSilent(RigBroken):
    """The board did not answer.

    Args:
        rig: the rig's name.
        command: what it was asked.
        within_ms: how long it had.
    """

    def __init__(self, rig: str, command: str, within_ms: int) -> None:
        super().__init__(rig, command, within_ms)
        self.rig = rig
        self.command = command
        self.within_ms = within_ms

    def __str__(self) -> str:
        return (
            f"rig {self.rig} did not answer {self.command!r} within {self.within_ms} ms. Is it "
            "the right port, and does the board run its firmware? Reset the board and start again."
        )


class RigGarbled(RigBroken):
    """The board answered with something that is no answer.

    Args:
        rig: the rig's name.
        command: what it was asked.
        answer: the bytes that came, shortened.
        whole: whether they were a whole line.
    """

    def __init__(self, rig: str, command: str, answer: bytes, whole: bool) -> None:
        super().__init__(rig, command, answer, whole)
        self.rig = rig
        self.command = command
        self.answer = answer
        self.whole = whole

    def __str__(self) -> str:
        part = "" if self.whole else "half a line, "
        return (
            f"rig {self.rig} answered {self.command!r} with {part}{self.answer!r}, which is no "
            "answer to it. Check port, cable and firmware, and start again."
        )


class RigVersionWrong(RigBroken):
    """A board that speaks another version of the protocol.

    Args:
        rig: the rig's name.
        version: what the board says that it speaks.
        known: the major version that the driver knows.
    """

    def __init__(self, rig: str, version: str, known: int) -> None:
        super().__init__(rig, version, known)
        self.rig = rig
        self.version = version
        self.known = known

    def __str__(self) -> str:
        return (
            f"rig {self.rig} speaks protocol version {self.version}, and the driver knows version "
            f"{self.known}. Flash the firmware that belongs to this release."
        )


class WatchdogFired(RigBroken):
    """A board that made everything safe by itself, so that nothing is as the run left it.

    Args:
        rig: the rig's name.
        says: what the board says about it.
    """

    def __init__(self, rig: str, says: str) -> None:
        super().__init__(rig, says)
        self.rig = rig
        self.says = says

    def __str__(self) -> str:
        return (
            f"rig {self.rig} released every touch and restored all power by itself ({self.says}): "
            "this computer was asleep or too busy to speak to it. Start again."
        )


class PersonAway(RigBroken):
    """A person who was asked to do something and is not there: the input has ended.

    Args:
        rig: the rig's name.
        asked: what they were asked.
    """

    def __init__(self, rig: str, asked: str) -> None:
        super().__init__(rig, asked)
        self.rig = rig
        self.asked = asked

    def __str__(self) -> str:
        return (
            f"rig {self.rig} asked {self.asked!r} and no one is at the keyboard. "
            "Run it where a person can answer, or bind the channel to a board."
        )


class ToolMissing(RigBroken):
    """A driver whose external program is not installed.

    Args:
        rig: the rig's name.
        tool: the program.
        advice: where to get it, a sentence.
    """

    def __init__(self, rig: str, tool: str, advice: str) -> None:
        super().__init__(rig, tool, advice)
        self.rig = rig
        self.tool = tool
        self.advice = advice

    def __str__(self) -> str:
        return f"rig {self.rig} needs the program {self.tool}, which is not here. {self.advice}"


class ToolFailed(RigBroken):
    """A driver whose external program failed.

    Args:
        rig: the rig's name.
        command: the command line.
        status: its exit code; -1 when it did not end in time.
        says: the last line that it wrote.
    """

    def __init__(self, rig: str, command: str, status: int, says: str) -> None:
        super().__init__(rig, command, status, says)
        self.rig = rig
        self.command = command
        self.status = status
        self.says = says

    def __str__(self) -> str:
        how = "did not end in time" if self.status == -1 else f"failed with status {self.status}"
        return (
            f"rig {self.rig}: {self.command!r} {how} and said {self.says!r}. "
            "Run it by hand, and start again when it works."
        )


class RigRefused(RigError):
    """A command that the board understood or did not, and did not do.

    Args:
        rig: the rig's name.
        command: the command.
        code: the error's number (SCPI-99 volume 2 section 21.8).
        text: what the board says about it.
    """

    def __init__(self, rig: str, command: str, code: int, text: str) -> None:
        super().__init__(rig, command, code, text)
        self.rig = rig
        self.command = command
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"rig {self.rig} refused {self.command!r}: {self.code}, {self.text}."


class NotFitted(RigError):
    """A function or a channel that the rig does not have.

    Args:
        rig: the rig's name.
        function: what was wanted.
        channel: on which channel, counted from 1.
        fitted: how many channels of that function there are.
    """

    def __init__(self, rig: str, function: str, channel: int, fitted: int) -> None:
        super().__init__(rig, function, channel, fitted)
        self.rig = rig
        self.function = function
        self.channel = channel
        self.fitted = fitted

    def __str__(self) -> str:
        if not self.fitted:
            return f"rig {self.rig} has no {self.function} channels. Use another rig for that."
        return (
            f"rig {self.rig} has no {self.function} channel {self.channel}. "
            f"Use one of 1 to {self.fitted}."
        )


class RigClosed(RigError):
    """A rig that was asked for something before it was opened, or after it was closed.

    Args:
        rig: the rig's name.
    """

    def __init__(self, rig: str) -> None:
        super().__init__(rig)
        self.rig = rig

    def __str__(self) -> str:
        return f"rig {self.rig} is not open. Open it first."


class RigBusy(RigError):
    """A port that another program holds.

    Args:
        rig: the rig's name.
        port: the port.
    """

    def __init__(self, rig: str, port: str) -> None:
        super().__init__(rig, port)
        self.rig = rig
        self.port = port

    def __str__(self) -> str:
        return f"rig {self.rig}: another program holds {self.port}. End that one first."


class PortUnclear(RigError):
    """It is not clear which port a rig is on: none fits, or more than one.

    Args:
        rig: the rig's name.
        trouble: what is wrong, as the rest of a sentence that begins with the rig.
        present: what is plugged in, one text for each port.
    """

    def __init__(self, rig: str, trouble: str, present: tuple[str, ...]) -> None:
        super().__init__(rig, trouble, present)
        self.rig = rig
        self.trouble = trouble
        self.present = present

    def __str__(self) -> str:
        return (
            f"rig {self.rig} {self.trouble}. Plugged in: "
            f"{', '.join(self.present) or 'nothing that could be one'}. "
            'Run "mfalab rig suggest" for a ready entry.'
        )


class OptionWrong(RigError):
    """An option of a driver that it does not have or cannot use.

    Args:
        rig: the rig's name.
        option: the option.
        why: what is wrong and what would be right, a sentence.
    """

    def __init__(self, rig: str, option: str, why: str) -> None:
        super().__init__(rig, option, why)
        self.rig = rig
        self.option = option
        self.why = why

    def __str__(self) -> str:
        return f'rig {self.rig}, "{self.option}": {self.why}'
