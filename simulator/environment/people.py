"""People: what they are called, what they know, what they hold, and how long they take.

The time from reading a code to its arrival is part of the model: it makes true codes look late,
and a harness without it hides windows that are wrong on one side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import TypeVar

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.entropy import Stream
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldSms, showing_codes
from mfalab.simulator.environment.outcome import Prevented, ScenarioError
from mfalab.simulator.environment.surroundings import Surroundings
from mfalab.simulator.eventlog import Secret
from mfalab.simulator.language import codes
from mfalab.simulator.language.setting import PersonSpec
from mfalab.verifier import Credentials, Demand, SecondPage, SignedIn

D = TypeVar("D", bound=HeldDevice)

_TYPING_MEDIAN_S = 9.0
_TYPING_SIGMA = 0.4
"""One person in forty takes more than twice the median."""
_TYPING_LIMIT_S = 45.0
_PATIENCE_NS = 120 * NS_PER_S
"""How long a person waits for a text message before giving up."""


@dataclass(slots=True)
class Person:
    """A person in the story.

    Attributes:
        identity_id: what the verifier knows them by; None for a stranger.
        keys: long-term access keys.
        console: the console session, while signed in.
        page: the second page of a sign-in that waits for a code.
        used_page: that of the last sign-in that went through.
    """

    surroundings: Surroundings = field(repr=False)
    name: str
    spec: PersonSpec
    account_id: str
    user_name: str
    identity_id: str | None
    password: str = field(repr=False)
    keys: Credentials | None
    chance: Stream = field(repr=False)
    console: SignedIn | None = None
    page: SecondPage | None = None
    used_page: SecondPage | None = field(default=None, repr=False)

    @property
    def root(self) -> bool:
        """Whether this is an account's root user."""
        return self.spec.role == "root"

    def note(self, what: str, **detail: object) -> None:
        """Put what the person does into the event log."""
        self.surroundings.note(self.name, what, **detail)

    def credentials(self, using: str | None) -> Credentials:
        """The credentials that a step names: `keys`, `console` or a session's name.

        Raises:
            ScenarioError: the person has none of that name.
        """
        using = using or ("console" if self.root else "keys")
        if using == "keys":
            if self.keys is None:
                raise ScenarioError(f"{self.name} has no access keys")
            return self.keys
        if using == "console":
            return self.console_credentials()
        return self.surroundings.session(using)

    def console_credentials(self) -> Credentials:
        """Those of the console session, or of the page at which root must register a device.

        Raises:
            ScenarioError: the person is not signed in.
        """
        if self.page is not None and self.page.enrolment is not None:
            return self.page.enrolment
        if self.console is None:
            raise ScenarioError(f"{self.name} is not signed in; add a sign_in step before")
        return self.console.credentials

    def goes_on(self, result: SignedIn | SecondPage) -> SignedIn:
        """What the console shows next: its pages, or another question.

        Raises:
            Prevented: it asks for a mailed code, a new password or a device; the page stays open.
        """
        if isinstance(result, SignedIn):
            self.console, self.page, self.used_page = result, None, self.page
            return result
        self.page = result
        if result.demand is Demand.MAIL_CODE:
            raise Prevented("MailCodeRequired", "the page asks for the code in a mail to root")
        if result.demand is Demand.ENROLMENT:
            raise Prevented("MfaEnrolmentRequired", "the page asks to register an MFA device")
        raise Prevented("NewPasswordRequired", "the page asks for a new password")

    def go_back(self) -> None:
        """Go back to the second page of the last sign-in that went through.

        Raises:
            ScenarioError: there was none.
        """
        if self.used_page is None:
            raise ScenarioError(f"{self.name} has signed in on no second page")
        self.console, self.page = None, self.used_page

    def open_page(self) -> SecondPage:
        """The second page of the sign-in that is under way.

        Raises:
            ScenarioError: no sign-in is.
        """
        if self.page is None:
            raise ScenarioError(f"{self.name} has no sign-in page open; add a sign_in step")
        return self.page

    def holding(self, device: D) -> D:
        """The device, if it is in this person's hands.

        Raises:
            Prevented: it is not.
        """
        if device.holder != self.name:
            where = f"{device.holder} has it" if device.holder else "it is lost"
            raise Prevented("NotHeld", f"{self.name} does not have {device.name}: {where}")
        return device

    def read(self, device: HeldDevice, choice: str) -> str:
        """Look at a device and choose what to type; no time passes.

        Raises:
            Prevented: the person does not hold the device, or a text never came.
            DeviceError: the device does not work.
        """
        self.holding(device)
        step = _step_of(device, choice)
        code = self._choose(device, choice)
        if step is not None:
            self.surroundings.showed(device.name, (step,))
        self.note("reads a code", device=device.name, choice=choice, code=Secret(code))
        return code

    def _choose(self, device: HeldDevice, choice: str) -> str:
        steps = codes.steps_of(choice)
        if steps is not None:
            return showing_codes(device).code_at(steps)
        if choice == "current":
            return showing_codes(device).code()
        if choice == "mistyped":
            return codes.mistyped(showing_codes(device).code())
        if choice == "last":
            if not device.typed:
                raise ScenarioError(f"no code of {device.name} was typed yet")
            return device.typed[-1]
        if choice == "wrong":
            return showing_codes(device).wrong_code()
        return choice

    def type(self, device: HeldDevice, code: str, typed: codes.Typed = "as shown") -> str:
        """Type a code that was read: time passes, and what arrives is returned."""
        self.surroundings.advance(self.typing_ns())
        device.typed.append(code)
        text = codes.as_typed(code, typed)
        self.note("types a code", device=device.name, code=Secret(text))
        return text

    def read_and_type(
        self, device: HeldDevice, choice: str = "current", typed: codes.Typed = "as shown"
    ) -> str:
        """Read a code and type it. For an SMS device, wait for the text first."""
        return self.type(device, self.read(device, choice), typed)

    def type_pair(self, device: CodeDevice, choice: str | tuple[str, str]) -> tuple[str, str]:
        """Read two codes with the patience it takes, and type them.

        Raises:
            Prevented: the person does not hold the device.
            DeviceError: the device does not work.
        """
        self.holding(device)
        first, second = self._choose_pair(device, choice)
        self.note("reads two codes", device=device.name, first=Secret(first), second=Secret(second))
        self.surroundings.advance(self.typing_ns())
        device.typed_pair = (first, second)
        return first, second

    def _choose_pair(self, device: CodeDevice, choice: str | tuple[str, str]) -> tuple[str, str]:
        if isinstance(choice, tuple):
            return self._choose(device, choice[0]), self._choose(device, choice[1])
        if choice == "last":
            if device.typed_pair is None:
                raise ScenarioError(f"no pair of {device.name} was typed yet")
            return device.typed_pair
        if choice == "wrong":
            wrong = device.wrong_code()
            return wrong, codes.other_than({wrong}, wrong)
        shown = [device.step]
        first = device.code()
        if choice == "equal":
            return first, first
        self._await_next_code(device)
        if choice == "gapped":
            device.code()
            self._await_next_code(device)
        shown.append(device.step)
        second = device.code()
        if choice == "reversed":
            shown.reverse()
        self.surroundings.showed(device.name, tuple(step for step in shown if step is not None))
        return (second, first) if choice == "reversed" else (first, second)

    def _await_next_code(self, device: CodeDevice) -> None:
        """Wait until the device shows another code; an event-based one does at the next press."""
        self.surroundings.advance(device.until_next_code_ns + NS_PER_S)

    def await_text(self, device: HeldSms, already: int) -> None:
        """Wait until more than `already` codes are in the inbox.

        Raises:
            Prevented: none came in two minutes.
        """
        self.holding(device)
        deadline_ns = self.surroundings.timeline.now_ns() + _PATIENCE_NS
        while len(device.thing.codes()) <= already:
            if self.surroundings.timeline.now_ns() >= deadline_ns:
                raise Prevented("NoCodeArrived", f"no code reached {device.name} in two minutes")
            self.surroundings.advance(NS_PER_S)

    def typing_ns(self) -> int:
        """How long it takes this time from reading to what is typed being there."""
        typing = self.spec.typing
        if typing == "instant":
            return 0
        if typing == "natural":
            seconds = self.chance.lognormvariate(log(_TYPING_MEDIAN_S), _TYPING_SIGMA)
            return round(min(seconds, _TYPING_LIMIT_S) * NS_PER_S)
        return int(typing)


def _step_of(device: HeldDevice, choice: str) -> int | None:
    """Of which step, or counter, the code is that a device shows; None where it is of none.

    It is asked for when the code is read: a slow person types it some steps later.
    """
    offset = 0 if choice == "current" else codes.steps_of(choice)
    if offset is None or not isinstance(device, CodeDevice) or device.step is None:
        return None
    return device.step + offset
