"""Steps at the console's door: password, second page, SMS, root recovery."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mfalab.simulator import browser
from mfalab.simulator.browser import KeyUse
from mfalab.simulator.held_devices import HeldDevice, HeldSms
from mfalab.simulator.held_key import HeldKey
from mfalab.simulator.language.codes import CodeChoice, Typed
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName
from mfalab.simulator.outcome import Hindered, ScenarioMistake
from mfalab.simulator.people import Person
from mfalab.simulator.steps.base import Step
from mfalab.verifier import DeviceKind, SecondPage, ServiceError, SignedIn

if TYPE_CHECKING:
    from mfalab.simulator.lab import Lab


class WithCode(Step):
    """A step that types one code of a device."""

    who: PersonName
    with_: Annotated[DeviceName | None, Field(alias="with")] = None
    """The device whose code is typed."""
    code: CodeChoice = "current"
    """current, wrong, last, mistyped, `-2 steps`, or what is literally typed."""
    typed: Typed = "as shown"
    """What fingers make of it."""
    key: KeyUse = KeyUse()
    """For a security key: touch, pin, finger, origin, client, pulled_out_after."""


class WithPrompt(WithCode):
    """A step that types one code of a device on the second page."""

    choose: Literal["virtual", "hardware", "sms"] | None = None
    """The kind of device that is chosen there; that of the device in `with` when left out."""

    def kind_for(self, device: HeldDevice) -> DeviceKind:
        """The kind of device whose prompt is wanted."""
        return device.kind if self.choose is None else DeviceKind(self.choose)


class SignIn(WithPrompt):
    """Sign in to the console: password, then the second page if there is one.

    Without `with`, whoever is asked for a second factor is stuck there (`MfaRequired`), and the
    page stays open. With it, whoever is *not* asked for one has found a hole (`NoSecondPage`).
    """

    do: Literal["sign_in"] = "sign_in"
    password: Literal["right", "wrong"] = "right"
    as_: Annotated[PersonName | None, Field(alias="as")] = None
    """Whose name and password are typed; one's own when left out."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        person = lab.person(self.who)
        person.console = person.page = None
        device = lab.device(self.with_) if self.with_ else None
        already = _texts(device)
        result = self._password_page(lab, person)
        if isinstance(result, SignedIn):
            person.console = result
            if device is not None:
                raise Hindered("NoSecondPage", "the password alone was enough to sign in")
            return result
        person.page = result
        if device is None:
            kinds = ", ".join(kind.value for kind in result.kinds)
            raise Hindered("MfaRequired", f"the second page asks for {kinds}")
        return _second_page(lab, person, device, self, already)

    def _password_page(self, lab: Lab, person: Person) -> SignedIn | SecondPage:
        known_as = lab.person(self.as_) if self.as_ else person
        password = known_as.password if self.password == "right" else known_as.password + "x"
        console = lab.verifier.console
        person.note("types name and password", name=known_as.user_name)
        if known_as.root:
            email = lab.accounts[known_as.spec.account].root_email
            return console.sign_in_root(email, password)
        return console.sign_in(known_as.account_id, known_as.user_name, password)


class TryAgain(WithPrompt):
    """Type another code on the second page that is still open."""

    do: Literal["try_again"] = "try_again"
    with_: Annotated[DeviceName, Field(alias="with")]

    def perform(self, lab: Lab) -> object:
        """See the class."""
        person = lab.person(self.who)
        if person.page is None:
            raise ScenarioMistake(f"{person.name} has no sign-in page open; add a sign_in step")
        return _second_page(lab, person, lab.device(self.with_), self, None)


class ResendSms(Step):
    """Ask for another short message on the second page."""

    do: Literal["resend_sms"] = "resend_sms"
    who: PersonName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        person = lab.person(self.who)
        if person.page is None:
            raise ScenarioMistake(f"{person.name} has no sign-in page open; add a sign_in step")
        lab.verifier.console.resend_code(person.page.id)
        return None


class SignOut(Step):
    """Leave the console."""

    do: Literal["sign_out"] = "sign_out"
    who: PersonName

    def perform(self, lab: Lab) -> object:
        """See the class."""
        person = lab.person(self.who)
        person.console = person.page = None
        return None


class Recover(Step):
    """Sign in as root by alternative factors, from the second page: e-mail link and call.

    What goes wrong on the way is chosen with `mail` and `call`.
    """

    do: Literal["recover"] = "recover"
    who: PersonName
    mail: Literal["followed", "not followed", "followed twice"] = "followed"
    mail_after: Span = 0
    """How long the mail lies there."""
    call: Literal["answered", "wrong digits", "not answered"] = "answered"
    call_after: Span = 0
    """How long it takes to type the digits."""
    wrong_digits: Annotated[int, Field(ge=1, le=10)] = 1
    """How often wrong digits are typed, before the right ones are tried."""

    def perform(self, lab: Lab) -> object:
        """See the class."""
        person = lab.person(self.who)
        if person.page is None:
            raise ScenarioMistake(f"{person.name} has no sign-in page open; add a sign_in step")
        recovery = lab.verifier.console.recovery
        process = recovery.start(person.page.id)
        recovery.send_mail(process)
        lab.advance(self.mail_after)
        if self.mail != "not followed":
            token = lab.world.mails[-1].token
            person.note("follows the link in the mail")
            recovery.follow_link(token)
            if self.mail == "followed twice":
                recovery.follow_link(token)
        digits = recovery.call(process)
        lab.advance(self.call_after)
        if self.call != "not answered":
            person.note("answers the telephone and types the digits")
            if self.call == "wrong digits":
                for _ in range(self.wrong_digits):
                    self._type_wrong(lab, process, digits)
            recovery.enter_digits(process, digits)
        person.console = recovery.finish(process)
        person.page = None
        return person.console

    def _type_wrong(self, lab: Lab, process: str, digits: str) -> None:
        """Type digits that are not those on the page; being told so is what is expected."""
        wrong = str((int(digits) + 1) % 10 ** len(digits)).zfill(len(digits))
        try:
            lab.verifier.console.recovery.enter_digits(process, wrong)
        except ServiceError as refusal:
            lab.note("verifier", "refuses the digits", code=refusal.code)


def _texts(device: HeldDevice | None) -> int | None:
    """How many codes are in a phone's inbox; None for other devices."""
    return len(device.thing.codes()) if isinstance(device, HeldSms) and device.alive else None


def _second_page(
    lab: Lab, person: Person, device: HeldDevice, step: WithPrompt, already: int | None
) -> SignedIn:
    """Choose the device's kind, read a code and submit it; a new text is waited for."""
    console, page = lab.verifier.console, person.page
    assert page is not None
    kind = step.kind_for(device)
    if page.chosen is not kind or (isinstance(device, HeldKey) and not page.assertion_options):
        if already is None:
            already = _texts(device)
        person.page = page = console.choose(page.id, kind)
    if isinstance(device, HeldKey):
        assert page.assertion_options is not None
        response = browser.authenticate(lab, person, device, page.assertion_options, step.key)
        if "error" not in response:
            # An answer spends the challenge, whatever becomes of it; the next try asks for another.
            person.page = replace(page, assertion_options=None)
        person.console = console.submit_assertion(page.id, response)
        person.page = None
        return person.console
    if isinstance(device, HeldSms) and step.code == "current" and already is not None:
        person.awaits_text(device, already)
    code = person.reads_and_types(device, step.code, step.typed)
    person.console = console.submit_code(page.id, code)
    person.page = None
    return person.console
