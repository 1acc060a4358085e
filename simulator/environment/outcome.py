"""What became of a step: accepted or refused, and how that is held against what was expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one step.

    `refused` is the refusal's code (`InvalidAuthenticationCode`, or one of ours for what stops a
    person before the verifier is asked: `DeviceUnusable`, `NoCodeArrived`, `NotHeld`).
    """

    refused: str | None = None
    message: str = ""
    status: int | None = None
    decision: str | None = None
    """What the verifier decided on the last code or signature of the step."""
    why: str = ""
    """What explains the decision, as far as it is known."""
    declared: str | None = None
    """What the verifier's declared rules say of the one code that was typed: `accepted`, or why
    not; None where they say nothing, because no code was read off a device that tells time."""
    reasonless: bool = False
    """Whether the verifier refused without telling why, so that no `decision` can be compared."""
    got_in: bool = False
    """Whether what stopped the step is that it found a hole: nothing was refused."""
    data: Any = field(default=None, repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the step succeeded."""
        return self.refused is None

    def __str__(self) -> str:
        if self.accepted:
            return "accepted"
        if self.got_in:
            return f"{self.refused}: {self.message!r}, and `any` stands for refusals only"
        status = f" ({self.status})" if self.status else ""
        decision = f", decision: {self.decision}" if self.decision else ""
        why = f" ({self.why})" if self.why else ""
        return f"refused: {self.refused}{status}: {self.message!r}{decision}{why}"


class ExpectationFailed(AssertionError):
    """A step did not end as the scenario expects.

    Args: what was expected, what was got.
    """

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"expected {self.expected}, got {self.got}"


PREVENTED = {
    "FingerNotRead": "The security key's sensor did not read the finger.",
    "KeyUnplugged": "The security key is not plugged in, or was pulled out.",
    "MailCodeRequired": "The console asks root for the code in a mail.",
    "MfaEnrolmentRequired": "Root signs in without a device, and has to register one first.",
    "MfaRequired": "The console's second page asks for a second factor, and none was given.",
    "NewPasswordRequired": "The console asks for a new password.",
    "NoAnswer": "The security key gave no answer, or one that is none.",
    "NoBackup": "There is no backup of the app to restore.",
    "NoCode": "The device is a security key, which shows no codes.",
    "NoCodeArrived": "No text message with a code reached the phone.",
    "NoSecondPage": "No refusal: the password alone was enough to sign in.",
    "NotBroken": "A real token on the bench is not broken for a test.",
    "NotHeld": "The person does not have the device.",
    "NotItsSeed": "A real token shows a code that its seed does not have.",
    "NotLost": "A device that is not lost cannot be found.",
    "NotOffered": "The device lacks the feature.",
    "NotReadable": "The display of a real token could not be read.",
    "SecurityError": "The browser does not let the page's origin ask for this relying party.",
}
"""What stops a person before the verifier is asked, by its code. The names of CTAP's status codes
and the classes of `mfalab.devices.errors` stop people, too."""


class Prevented(Exception):
    """A person could not do what the step says, before any verifier was asked.

    Args: code (one of `PREVENTED`, or CTAP's name of a status), sentence.
    """

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code, why)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class NoSecondPage(Prevented):
    """A person was to be asked for a second factor, and was signed in without."""

    def __init__(
        self,
        code: str = "NoSecondPage",
        why: str = "the password alone was enough to sign in",
    ) -> None:
        super().__init__(code, why)


class ScenarioError(Exception):
    """The scenario asks for something that makes no sense at this point of its story.

    Args: sentence saying what is missing and what to do.
    """
