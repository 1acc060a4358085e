"""Steps at the console's door: password, second page, SMS, root recovery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from fido2.utils import websafe_encode
from pydantic import Field

from mfalab.simulator.abilities import Ability, Need
from mfalab.simulator.environment import browser
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldKey, HeldSms
from mfalab.simulator.environment.environment import Environment
from mfalab.simulator.environment.outcome import NoSecondPage, Prevented
from mfalab.simulator.environment.people import Person
from mfalab.simulator.language.codes import CodeChoice, Typed
from mfalab.simulator.language.key_use import KeyUse
from mfalab.simulator.language.units import Span
from mfalab.simulator.language.words import DeviceName, PersonName, SessionName
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.refusals import CONSOLE, READING, SIGNING
from mfalab.verifier import (
    CeremonyOutcome,
    Demand,
    DeviceKind,
    Outcome,
    SecondPage,
    ServiceError,
    SignedIn,
)


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

    def needs(self) -> Iterator[Need]:
        """See `Step.needs`."""
        yield from super().needs()
        yield from self.key.needs(self.with_)


class WithPrompt(WithCode):
    """A step that types one code of a device on the second page."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE,)
    choose: Literal["virtual", "hardware", "sms"] | None = None
    """The kind of device that is chosen there; that of the device in `with` when left out."""

    def kind_for(self, device: HeldDevice) -> DeviceKind:
        """The kind of device whose prompt is wanted."""
        return device.kind if self.choose is None else DeviceKind(self.choose)


class SignIn(WithPrompt):
    """Sign in to the console: password, then the second page if there is one.

    Without `with`, a person who is asked for a second factor is stuck there (`MfaRequired`), and
    the page stays open. With it, a person who is *not* asked for one has found a hole
    (`NoSecondPage`). A root user who must have a device and has none ends at the page that asks
    to register one (`MfaEnrolmentRequired`): `enable` works there, then root signs in again.
    """

    meets: ClassVar[frozenset[str]] = READING | SIGNING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome, CeremonyOutcome)
    do: Literal["sign_in"] = "sign_in"
    password: Literal["right", "wrong"] = "right"
    as_: Annotated[PersonName | None, Field(alias="as")] = None
    """Whose name and password are typed; one's own when left out."""
    unusual: bool = False
    """Whether root comes from an unusual place, which a profile with `root_mail_code` minds."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        person.console = person.page = None
        device = env.device(self.with_) if self.with_ else None
        received = device.codes_received if device else None
        result = self._password_page(env, person)
        if isinstance(result, SignedIn):
            person.console = result
            if device is not None:
                raise NoSecondPage
            return result
        person.page = result
        if result.demand is not Demand.MFA:
            return person.goes_on(result)
        if device is None:
            kinds = ", ".join(kind.value for kind in result.kinds)
            raise Prevented("MfaRequired", f"the second page asks for {kinds}")
        return device.take_part(_SecondPage(env, person, self, received))

    def _password_page(self, env: Environment, person: Person) -> SignedIn | SecondPage:
        known_as = env.person(self.as_) if self.as_ else person
        password = known_as.password if self.password == "right" else known_as.password + "x"
        console = env.target.console
        person.note("types name and password", name=known_as.user_name)
        if known_as.root:
            email = env.accounts[known_as.spec.account].root_email
            return console.sign_in_root(email, password, unusual=self.unusual)
        return console.sign_in(known_as.account_id, known_as.user_name, password)


class TryAgain(WithPrompt):
    """Type another code on the second page that is still open.

    Within one time step a device shows one code. If the verifier has taken it, typing it again is
    a replay and refused: `wait` for 30 s first.
    """

    meets: ClassVar[frozenset[str]] = READING | SIGNING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome, CeremonyOutcome)
    do: Literal["try_again"] = "try_again"
    with_: Annotated[DeviceName, Field(alias="with")]
    page: Literal["open", "used"] = "open"
    """Used is the page of the last sign-in that went through, by the browser's Back button."""

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        if self.page == "used":
            person.go_back()
        person.open_page()
        return env.device(self.with_).take_part(_SecondPage(env, person, self, None))


class TypeMailCode(Step):
    """Type the code that was mailed to root, who signs in from an unusual place."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.ROOT)
    meets: ClassVar[frozenset[str]] = CONSOLE
    do: Literal["type_mail_code"] = "type_mail_code"
    who: PersonName
    code: Literal["right", "wrong"] = "right"

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        page = person.open_page()
        code = env.messaging.mails[-1].token
        if self.code == "wrong":
            code = str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
        person.note("types the code in the mail")
        return person.goes_on(env.target.console.submit_mail_code(page.id, code))


class ChangePassword(Step):
    """Change one's own password, where the sign-in asks for it or on one's page.

    With access keys it is IAM's ChangePassword; root has a page only.
    """

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.PAGES)
    calls: ClassVar[tuple[str, ...]] = ("ChangePassword",)
    meets: ClassVar[frozenset[str]] = CONSOLE
    do: Literal["change_password"] = "change_password"
    who: PersonName
    old: Literal["right", "wrong"] = "right"
    new: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    """The new password; one that AWS's default policy takes, when left out."""
    using: SessionName | None = None

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        old = person.password if self.old == "right" else person.password + "x"
        new = self.new or f"New-{person.chance.randrange(10**12):012d}"
        console = env.target.console
        person.note("changes the password")
        if person.page is not None and person.page.demand is Demand.NEW_PASSWORD:
            page = person.page
            person.goes_on(console.set_password(page.id, old_password=old, new_password=new))
        elif person.root or self.using == "console":
            session = person.console_credentials()
            console.change_password(session, old_password=old, new_password=new)
        else:
            iam = env.target.iam(person.credentials(self.using))
            iam.change_password(OldPassword=old, NewPassword=new)
        person.password = new
        return None


class ResendSms(Step):
    """Ask for another short message on the second page."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.SMS)
    meets: ClassVar[frozenset[str]] = CONSOLE
    do: Literal["resend_sms"] = "resend_sms"
    who: PersonName

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        page = person.open_page()
        env.target.console.resend_code(page.id)
        return None


class SignOut(Step):
    """Leave the console."""

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE,)
    do: Literal["sign_out"] = "sign_out"
    who: PersonName

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        person.console = person.page = None
        return None


class Recover(Step):
    """Sign in as root by alternative factors, from the second page: e-mail link and call.

    What goes wrong on the way is chosen with `mail` and `call`.
    """

    requires: ClassVar[tuple[Ability, ...]] = (Ability.CONSOLE, Ability.ROOT)
    meets: ClassVar[frozenset[str]] = READING | CONSOLE
    decides: ClassVar[tuple[type[StrEnum], ...]] = (Outcome,)
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

    def perform(self, env: Environment) -> object:
        """See the class."""
        person = env.person(self.who)
        page = person.open_page()
        recovery = env.target.console.recovery
        process = recovery.start(page.id)
        recovery.send_mail(process)
        env.advance(self.mail_after)
        if self.mail != "not followed":
            token = env.messaging.mails[-1].token
            person.note("follows the link in the mail")
            recovery.follow_link(token)
            if self.mail == "followed twice":
                recovery.follow_link(token)
        digits = recovery.call(process)
        env.advance(self.call_after)
        if self.call != "not answered":
            person.note("answers the telephone and types the digits")
            if self.call == "wrong digits":
                for _ in range(self.wrong_digits):
                    self._type_wrong(env, process, digits)
            recovery.enter_digits(process, digits)
        person.console = recovery.finish(process)
        person.page = None
        return person.console

    def _type_wrong(self, env: Environment, process: str, digits: str) -> None:
        """Type digits that are not those on the page; being told so is what is expected."""
        wrong = str((int(digits) + 1) % 10 ** len(digits)).zfill(len(digits))
        try:
            env.target.console.recovery.enter_digits(process, wrong)
        except ServiceError as refusal:
            env.note("verifier", "refuses the digits", code=refusal.code)


@dataclass(slots=True)
class _SecondPage:
    """The second page that waits for a device of the person's.

    Attributes:
        received: how many codes had come before this one was asked for; None when none was.
    """

    env: Environment
    person: Person
    step: WithPrompt
    received: int | None

    def read_code(self, device: CodeDevice) -> SignedIn:
        """Read a code and submit it."""
        page = self.person.open_page()
        if page.chosen is not self.step.kind_for(device):
            page = self._choose(page, device)
        return self._submit_code(page, device)

    def await_code(self, device: HeldSms) -> SignedIn:
        """Wait for a new text, unless an earlier one is to be used, and submit its code."""
        page = self.person.open_page()
        if page.chosen is not self.step.kind_for(device):
            if self.received is None:
                self.received = device.codes_received
            page = self._choose(page, device)
        if self.step.code == "current" and self.received is not None:
            self.person.await_text(device, self.received)
        return self._submit_code(page, device)

    def sign(self, device: HeldKey) -> SignedIn:
        """Sign the page's challenge and submit the response."""
        page = self.person.open_page()
        if page.chosen is not self.step.kind_for(device) or not page.assertion_options:
            page = self._choose(page, device)
        assert page.assertion_options is not None
        response = browser.authenticate(self.person, device, page.assertion_options, self.step.key)
        if self.step.key.handle_of is not None and "error" not in response:
            handle = self.env.person(self.step.key.handle_of).identity_id or ""
            named = {**response["response"], "userHandle": websafe_encode(handle.encode())}
            response = {**response, "response": named}
        if "error" not in response:
            # An answer spends the challenge, whatever becomes of it; the next try asks for another.
            self.person.page = replace(page, assertion_options=None)
        return self._sign_in(self.env.target.console.submit_assertion(page.id, response))

    def _choose(self, page: SecondPage, device: HeldDevice) -> SecondPage:
        chosen = self.env.target.console.choose(page.id, self.step.kind_for(device))
        self.person.page = chosen
        return chosen

    def _submit_code(self, page: SecondPage, device: CodeDevice) -> SignedIn:
        code = self.person.read_and_type(device, self.step.code, self.step.typed)
        return self._sign_in(self.env.target.console.submit_code(page.id, code))

    def _sign_in(self, result: SignedIn | SecondPage) -> SignedIn:
        return self.person.goes_on(result)
