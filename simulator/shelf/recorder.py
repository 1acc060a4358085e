"""Writes down what is done on a shelf and at the verifier's doors, as steps of a scenario.

What a step cannot express is kept as a sentence and said in the file and on the page. Passwords,
and codes of devices that are not on the shelf, are never kept: a step says `right`, `wrong`,
`current` or `-2 steps`.
"""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from mfalab.simulator.clocks import QuartzClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.devices import CodeDevice, HeldDevice, HeldKey, HeldSms
from mfalab.simulator.environment.people import Person
from mfalab.simulator.language.units import format_instant
from mfalab.simulator.shelf.doors import Heard
from mfalab.simulator.shelf.typed_codes import NotSaid, StandIn, TypedCodes
from mfalab.simulator.steps.base import Expect
from mfalab.verifier import Credentials, Demand, SecondPage, SignedIn
from mfalab.verifier.records import AccessKey, DeviceKind, Identity, Role

MOST_STEPS: Final = 2_000
MOST_OMITTED: Final = 50
"""Different sentences about what a step cannot express; more are counted."""
_DRIFTED_NS: Final = 50 * NS_PER_S
"""A clock that is put on the shelf later than this would have drifted by then."""
_TYPING_NS: Final = 120 * NS_PER_S
"""Name, password and code that come within this time are one step."""
_DEMANDS = {
    Demand.MAIL_CODE: "MailCodeRequired",
    Demand.NEW_PASSWORD: "NewPasswordRequired",
    Demand.ENROLMENT: "MfaEnrolmentRequired",
}
_CREATES = {"create_virtual_mfa_device", "create_virtual_device"}
_LOOKING = ("list_", "get_account", "get_user", "get_login", "generate_", "get_credential_report")
_PAGES = {"devices", "users"}


_NAME = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Of:
    """The device that has a serial number, whichever it turns out to be."""

    serial: str


@dataclass(slots=True)
class Entry:
    """A step, and when it was done.

    Attributes:
        at_ns: true time.
        words: the step, in the language's words; a device may still be an `Of`.
        vague: whether it takes some time when it is replayed that it did not take here.
    """

    at_ns: int
    words: dict[str, Any]
    vague: bool = False


@dataclass(slots=True)
class _Page:
    """A second page that is open."""

    person: Person
    entry: Entry


@dataclass(slots=True)
class _Recovery:
    """A root user's way round the device, by mail and telephone.

    Attributes:
        page: the second page that it began at.
        begin_ns: when that was.
        before: how many entries there were then.
        mailed_ns: when the newest mail was sent.
        mail_ns: how long that lay there until its link was followed; None before.
        called_ns: when the telephone rang.
        call_ns: how long it took to type the right digits; None before.
        wrong: how often wrong digits were typed.
    """

    page: _Page
    begin_ns: int
    before: int
    mailed_ns: int = 0
    mail_ns: int | None = None
    called_ns: int = 0
    call_ns: int | None = None
    wrong: int = 0


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name of the scenario language that is not taken, like a wanted one."""
    name = re.sub(r"[^\w-]", "-", wanted)
    name = name if _NAME.fullmatch(name) else f"x-{name}"
    number = 1
    while (name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return name if number == 1 else f"{name}-{number}"


class Recorder:
    """The story so far.

    Args:
        people: those of the shelf; new users are looked for by `meet`.
        devices: those of the shelf.
        now_ns: true time.
        find: reads a record of the verifier: a type, and its key.
        find_all: reads records of the verifier: a type, and what its fields are.
        meet: looks for new people.

    Attributes:
        begin_ns: true time at the beginning.
        entries: steps in the order of time.
        omitted: what no step expresses, each sentence with how often.
        stand_ins: devices that are not on the shelf, by the serial number or the credential's id.
        roles: roles that were assumed, by what the story calls them.
        serials: the shelf's devices by every serial number they were given.
    """

    def __init__(
        self,
        people: Mapping[str, Person],
        devices: Mapping[str, HeldDevice],
        now_ns: Callable[[], int],
        find: Callable[..., Any],
        find_all: Callable[..., list[Any]],
        meet: Callable[[], None],
    ) -> None:
        self._people = people
        self._devices = devices
        self._now_ns = now_ns
        self._find = find
        self._find_all = find_all
        self._meet = meet
        self._signed: dict[str, str] = {}
        self.serials: dict[str, str] = {}
        self.begin()

    def begin(self) -> None:
        """Begin a story, here and now."""
        self.begin_ns = self._now_ns()
        self.entries: list[Entry] = []
        self.omitted: dict[str, int] = {}
        self.stand_ins: dict[str, StandIn] = {}
        self.roles: dict[str, Role] = {}
        self._whose: dict[str, tuple[str, str]] = {}
        self._pages: dict[str, _Page] = {}
        self._recoveries: dict[str, _Recovery] = {}
        self._sessions = 0
        self._codes = TypedCodes(self._now_ns)

    @property
    def full(self) -> bool:
        """Whether the story is as long as one may be."""
        return len(self.entries) >= MOST_STEPS

    # What is told

    def did(self, words: Mapping[str, Any], refused: str | None) -> None:
        """A step was done on the shelf."""
        if words["do"] != "wait":
            self._add(_without_typed_pins(words, refused), refused, None)

    def put(self, device: HeldDevice) -> None:
        """A device was put on the shelf; in its story it is there from the beginning."""
        clock, now_ns = device.clock, self._now_ns()
        if not isinstance(clock, QuartzClock) or device.period_s is None:
            return
        if now_ns - self.begin_ns > _DRIFTED_NS:
            believed = format_instant(clock.now_ns())
            self._add({"do": "set_clock", "device": device.name, "to": believed}, None, None)

    def pressed(self, device: CodeDevice, code: str) -> None:
        """A token showed a code of its step, or of the counter before its next one."""
        self._codes.pressed(device, code)

    def scanned(self, device: HeldDevice) -> None:
        """An app took up an account; one that another app has, too, is copied to it."""
        serial = device.serial
        if serial is None:
            self.omit(f"{device.name} scanned an account of somewhere else")
            return
        first = self.serials.setdefault(serial, device.name)
        self.stand_ins.pop(serial, None)
        if first != device.name:
            self._add({"do": "clone", "device": first, "to": device.name}, None, None)

    def signed(self, credential_id: str, key: str) -> None:
        """A key of the shelf made, or used, a credential."""
        self._signed[credential_id] = key

    def omit(self, sentence: str) -> None:
        """Something happened that no step expresses."""
        if sentence not in self.omitted and len(self.omitted) >= MOST_OMITTED:
            sentence = "more than can be listed here"
        self.omitted[sentence] = self.omitted.get(sentence, 0) + 1

    def hear(self, heard: Heard) -> None:
        """A door of the verifier was used."""
        if heard.method in _CREATES and heard.refusal is None:
            self._remember_secret(heard)
        if self.full:
            self.omit(f"what came after {MOST_STEPS} steps")
            return
        if heard.method in _PAGES or heard.method.startswith(_LOOKING):
            if heard.refusal is not None:
                self.omit(f"{_told(heard)} was refused with {heard.refusal.code}")
            return  # what only looks changes nothing
        handler = getattr(self, f"_{heard.door}_{heard.method}", None)
        if handler is None:
            self._other(heard)
            return
        try:
            handler(heard)
        except NotSaid as why:
            self.omit(f"{_told(heard)}: {why}")

    def _other(self, heard: Heard) -> None:
        ended = "" if heard.refusal is None else f", refused with {heard.refusal.code}"
        self.omit(f"{_told(heard)}{ended}")

    # Signing in

    def _console_sign_in(self, heard: Heard) -> None:
        self._first_page(heard, self._person_called(heard.given["user_name"]), {})

    def _console_sign_in_root(self, heard: Heard) -> None:
        person = next((each for each in self._people.values() if each.root), None)
        unusual = {"unusual": "true"} if heard.given.get("unusual") else {}
        self._first_page(heard, person, unusual)

    def _first_page(self, heard: Heard, person: Person | None, more: dict[str, Any]) -> None:
        if person is None:
            raise NotSaid("a person who is no user of the account")
        words = {"do": "sign_in", "who": person.name, **more}
        if heard.refusal is not None:
            wrong = heard.refusal.code == "FailedAuthentication"
            self._end({**words, **({"password": "wrong"} if wrong else {})}, heard)
            return
        page = heard.result
        if isinstance(page, SecondPage):
            refused = _DEMANDS.get(page.demand, "MfaRequired")
            entry = self._add(words, refused, None)
            self._pages[page.id] = _Page(person, entry)
            self._enrolling(page, person)
            return
        self._add(words, None, None)
        self._signed_in(heard.result, person)

    def _console_choose(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._other(heard)

    def _console_submit_code(self, heard: Heard) -> None:
        page = self._page(heard)
        name, code = self._codes.single(heard.given["code"], self._candidates(page.person))
        self._second_page(heard, page, {"with": name, **code})

    def _console_submit_assertion(self, heard: Heard) -> None:
        page = self._page(heard)
        response = heard.given["response"]
        if not isinstance(response, Mapping) or "error" in response:
            raise NotSaid("the browser told of an error in place of a signature")
        name = self._key(str(response.get("id")))
        self._second_page(heard, page, {"with": name})

    def _second_page(self, heard: Heard, page: _Page, answer: dict[str, Any]) -> None:
        result, person = heard.result, page.person
        refused = _DEMANDS.get(result.demand) if isinstance(result, SecondPage) else None
        if heard.refusal is not None:
            refused = heard.refusal.code
        first = self.entries and self.entries[-1] is page.entry
        asked = page.entry.words.get("expect") == {"refused": "MfaRequired"}
        if first and asked and self._now_ns() - page.entry.at_ns <= _TYPING_NS:
            self.entries.remove(page.entry)
            words = {key: said for key, said in page.entry.words.items() if key != "expect"}
        else:
            words = {"do": "try_again", "who": person.name}
        page.entry = self._add({**words, **answer}, refused, heard)
        page.entry.vague = True  # a text has to arrive, a key takes its time
        if isinstance(result, SecondPage):
            self._pages[result.id] = page
            self._enrolling(result, person)
        elif result is not None:
            self._signed_in(result, person)

    def _console_resync(self, heard: Heard) -> None:
        page = self._page(heard)
        name, pair = self._codes.pair(
            heard.given["code1"], heard.given["code2"], self._candidates(page.person)
        )
        words = {"do": "resync", "who": page.person.name, "device": name}
        self._end({**words, "codes": pair, "at": "sign-in page"}, heard)

    def _console_resend_code(self, heard: Heard) -> None:
        self._end({"do": "resend_sms", "who": self._page(heard).person.name}, heard)

    def _console_set_password(self, heard: Heard) -> None:
        page = self._page(heard)
        self._end({"do": "change_password", "who": page.person.name}, heard)
        if isinstance(heard.result, SignedIn):
            self._signed_in(heard.result, page.person)

    def _console_change_password(self, heard: Heard) -> None:
        who, using = self._caller(heard)
        self._end({"do": "change_password", "who": who, **self._using(who, using)}, heard)

    _iam_change_password = _console_change_password

    def _page(self, heard: Heard) -> _Page:
        page = self._pages.get(str(heard.given["page_id"]))
        if page is None:
            raise NotSaid("its page was opened before the story began, or never")
        return page

    def _signed_in(self, result: SignedIn, person: Person) -> None:
        self._whose[result.credentials.access_key_id] = person.name, "console"

    def _enrolling(self, page: SecondPage, person: Person) -> None:
        if page.enrolment is not None:
            self._whose[page.enrolment.access_key_id] = person.name, "console"

    # Root's recovery

    def _recovery_start(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._other(heard)
            return
        begin = self._page(heard), self._now_ns(), len(self.entries)
        self._recoveries[str(heard.result)] = _Recovery(*begin)

    def _recovery_send_mail(self, heard: Heard) -> None:
        recovery = self._recovery(heard)
        if heard.refusal is not None or recovery.mailed_ns:
            self._other(heard)  # a second mail
        recovery.mailed_ns = self._now_ns()

    def _recovery_follow_link(self, heard: Heard) -> None:
        sent = [each for each in self._recoveries.values() if each.mailed_ns]
        if not sent:
            raise NotSaid("its mail was sent before the story began, or never")
        recovery = sent[-1]
        twice = recovery.mail_ns is not None
        if not twice:
            recovery.mail_ns = self._now_ns() - recovery.mailed_ns
        if heard.refusal is not None:
            self._recovered(recovery, heard, {"mail": "followed twice"} if twice else {})

    def _recovery_call(self, heard: Heard) -> None:
        recovery = self._recovery(heard)
        recovery.called_ns = self._now_ns()
        if heard.refusal is not None:
            followed = recovery.mail_ns is not None
            self._recovered(recovery, heard, {} if followed else {"mail": "not followed"})

    def _recovery_enter_digits(self, heard: Heard) -> None:
        recovery = self._recovery(heard)
        if heard.refusal is not None:
            recovery.wrong += 1
        else:
            recovery.call_ns = self._now_ns() - recovery.called_ns

    def _recovery_finish(self, heard: Heard) -> None:
        recovery = self._recovery(heard)
        self._recovered(recovery, heard, {} if recovery.called_ns else {"call": "not answered"})
        if isinstance(heard.result, SignedIn):
            self._signed_in(heard.result, recovery.page.person)

    def _recovery(self, heard: Heard) -> _Recovery:
        found = self._recoveries.get(str(heard.given["recovery_id"]))
        if found is None:
            raise NotSaid("it began before the story did, or never")
        return found

    def _recovered(self, recovery: _Recovery, heard: Heard, words: dict[str, Any]) -> None:
        """The whole way as one step, which takes the time that it took."""
        wrong = {"call": "wrong digits", "wrong_digits": recovery.wrong} if recovery.wrong else {}
        lay = {"mail_after": recovery.mail_ns, "call_after": recovery.call_ns}
        alone = recovery.before == len(self.entries)  # else what came between took that time
        took = {name: _ms(ns) for name, ns in lay.items() if ns and alone}
        who = recovery.page.person.name
        entry = self._end({"do": "recover", "who": who, **words, **wrong, **took}, heard)
        entry.vague = True
        if alone:
            entry.at_ns = recovery.begin_ns

    # Devices

    def _iam_create_virtual_mfa_device(self, heard: Heard) -> None:
        given = heard.given
        tags = {each["Key"]: each["Value"] for each in given.get("Tags") or ()}
        path = given.get("Path") or "/"
        more = {**({"path": path} if path != "/" else {}), **({"tags": tags} if tags else {})}
        self._create(heard, given.get("VirtualMFADeviceName"), more)

    def _console_create_virtual_device(self, heard: Heard) -> None:
        self._create(heard, heard.given.get("name"), {})

    def _create(self, heard: Heard, name: str | None, more: dict[str, Any]) -> None:
        who, using = self._caller(heard)
        if heard.refusal is not None:
            device: Any = next(
                (n for n, d in self._devices.items() if d.kind is DeviceKind.VIRTUAL), None
            )
            if device is None:
                self._other(heard)
                return
        else:
            serial = str(heard.result["VirtualMFADevice"]["SerialNumber"])
            device, name = Of(serial), name or serial.rpartition("/")[2]
        words = {"do": "create", "who": who, "device": device, "device_name": name}
        self._end({**words, **more, **self._using(who, using)}, heard)

    def _remember_secret(self, heard: Heard) -> None:
        """Know a virtual device's codes, on whatever device, until an app of the shelf has it."""
        entity = heard.result["VirtualMFADevice"]
        seed = bytes(entity["Base32StringSeed"])
        serial = str(entity["SerialNumber"])
        try:
            owner = self._caller(heard)[0]
        except NotSaid:
            return
        self.serials.pop(serial, None)  # a device of this name was deleted
        name = self._free_name(serial.rpartition("/")[2])
        secret = b32decode(seed + b"=" * (-len(seed) % 8))
        self.stand_ins[serial] = StandIn(name, "totp_app", owner, secret)

    def _iam_enable_mfa_device(self, heard: Heard) -> None:
        self._of_pair(heard, "enable")

    def _iam_resync_mfa_device(self, heard: Heard) -> None:
        self._of_pair(heard, "resync")

    def _console_enable_device(self, heard: Heard) -> None:
        self._of_pair(heard, "enable")

    def _console_resync_device(self, heard: Heard) -> None:
        self._of_pair(heard, "resync")

    def _of_pair(self, heard: Heard, verb: str) -> None:
        given = heard.given
        serial = str(given.get("SerialNumber") or given.get("serial"))
        words = self._on_behalf(heard, verb)
        api = "AuthenticationCode1" in given
        names = ("AuthenticationCode1", "AuthenticationCode2") if api else ("code1", "code2")
        first, second = (heard.given[each] for each in names)
        name, pair = self._codes.pair(first, second, self._bearers(serial))
        self._end({**words, "device": self._or_later(serial, name), "codes": pair}, heard)

    def _iam_deactivate_mfa_device(self, heard: Heard) -> None:
        self._of_serial(heard, "deactivate")

    def _console_deactivate_device(self, heard: Heard) -> None:
        self._of_serial(heard, "deactivate")

    def _of_serial(self, heard: Heard, verb: str) -> None:
        serial = str(heard.given.get("SerialNumber") or heard.given.get("serial"))
        self._device(serial)
        self._end({**self._on_behalf(heard, verb), "device": Of(serial)}, heard)

    def _iam_delete_virtual_mfa_device(self, heard: Heard) -> None:
        serial = str(heard.given.get("SerialNumber") or heard.given.get("serial"))
        self._device(serial)
        who, using = self._caller(heard)
        self._end(
            {"do": "delete", "who": who, "device": Of(serial), **self._using(who, using)}, heard
        )

    _console_delete_virtual_device = _iam_delete_virtual_mfa_device

    def _iam_tag_mfa_device(self, heard: Heard) -> None:
        tags = {each["Key"]: each["Value"] for each in heard.given["Tags"]}
        self._of_tags(heard, {"do": "tag"}, {"tags": tags})

    def _iam_untag_mfa_device(self, heard: Heard) -> None:
        self._of_tags(heard, {"do": "untag"}, {"keys": list(heard.given["TagKeys"])})

    def _of_tags(self, heard: Heard, words: dict[str, Any], more: dict[str, Any]) -> None:
        serial = str(heard.given["SerialNumber"])
        self._device(serial)
        who, using = self._caller(heard)
        self._end(
            {**words, "who": who, "device": Of(serial), **more, **self._using(who, using)}, heard
        )

    def _console_register_sms(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._other(heard)
            return
        phone = next(
            (
                each
                for each in self._devices.values()
                if isinstance(each, HeldSms) and each.thing.number == heard.given["phone"]
            ),
            None,
        )
        if phone is None:
            raise NotSaid("no phone on the shelf has this number")
        phone.serial = str(heard.result)
        self.serials[phone.serial] = phone.name

    def _console_confirm_sms(self, heard: Heard) -> None:
        serial = str(heard.given["serial"])
        device = self._device(serial)
        _, code = self._codes.single(heard.given["code"], [device])
        words = self._on_behalf(heard, "enable")
        self._end({**words, "device": Of(serial), **code}, heard).vague = True

    def _console_begin_security_key(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._other(heard)
        else:
            self._key_name = str(heard.given["name"])

    def _console_finish_security_key(self, heard: Heard) -> None:
        response = heard.given["response"]
        if not isinstance(response, Mapping) or "error" in response:
            raise NotSaid("the browser told of an error in place of a key")
        words = self._on_behalf(heard, "enable")
        name = self._key(str(response.get("id")), words.get("for", words["who"]))
        if heard.result is not None:
            self.serials[str(heard.result)] = name
            device = self._devices.get(name)
            if isinstance(device, HeldKey):
                device.register(words.get("for", words["who"]), str(heard.result))
        self._end({**words, "device": name}, heard).vague = True

    def _key(self, credential_id: str, owner: str | None = None) -> str:
        """The security key that has a credential."""
        if credential_id in self._signed:
            return self._signed[credential_id]
        if credential_id not in self.stand_ins:
            if owner is None:
                raise NotSaid("its key was registered before the story began")
            name = self._free_name(getattr(self, "_key_name", "key"))
            self.stand_ins[credential_id] = StandIn(name, "security_key", owner)
        return self.stand_ins[credential_id].name

    # STS, and what policies protect

    def _sts_get_session_token(self, heard: Heard) -> None:
        self._made_session(heard, {"do": "get_session"}, {})

    def _sts_assume_role(self, heard: Heard) -> None:
        unsaid = {"Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "SourceIdentity"}
        self._refuse_to_say(heard, unsaid)
        more = {"role": self._role(str(heard.given.get("RoleArn")))}
        if heard.given.get("ExternalId") is not None:
            more["external_id"] = str(heard.given["ExternalId"])
        self._made_session(heard, {"do": "assume_role"}, more)

    def _sts_get_federation_token(self, heard: Heard) -> None:
        self._refuse_to_say(heard, {"PolicyArns", "Tags"})
        more = {"federated_user": str(heard.given.get("Name"))}
        if heard.given.get("Policy") is not None:
            more["policy"] = str(heard.given["Policy"])
        self._made_session(heard, {"do": "get_federation_token"}, more)

    def _refuse_to_say(self, heard: Heard, unsaid: Collection[str]) -> None:
        if given := [name for name in sorted(unsaid) if heard.given.get(name)]:
            raise NotSaid(f"{' and '.join(given)} cannot be given in a step")

    def _made_session(self, heard: Heard, do: dict[str, Any], more: dict[str, Any]) -> None:
        """A call that STS answers with credentials, and may be given a code."""
        who, using = self._caller(heard)
        given = heard.given
        words: dict[str, Any] = {**do, "who": who, **more}
        serial, code = given.get("SerialNumber"), given.get("TokenCode")
        if (serial is None) != (code is None):
            raise NotSaid("one of serial number and code was left out")
        if serial is not None:
            name, choice = self._codes.single(str(code), self._bearers(str(serial)))
            words |= {"with": self._or_later(str(serial), name), **choice}
        if given.get("DurationSeconds") is not None:
            words["duration"] = f"{given['DurationSeconds']} s"
        if using not in ("keys", "console"):
            words["using"] = using
        if heard.refusal is None:
            self._sessions += 1
            words["as"] = f"session{self._sessions}"
            made = Credentials.of(heard.result).access_key_id
            self._whose[made] = who, words["as"]
        self._end(words, heard)

    def _role(self, arn: str) -> str:
        """What the story calls a role; it is in the story as it was when it was assumed first."""
        account_id, _, path = arn.removeprefix("arn:").partition(":iam::")[2].partition(":role/")
        found = self._find_all(
            Role, account_id=account_id, name_key=path.rpartition("/")[2].lower()
        )
        if not found:
            raise NotSaid("there is no such role")
        for name, role in self.roles.items():
            if role.id == found[0].id:
                return name
        name = self._free_name(found[0].name)
        self.roles[name] = found[0]
        return name

    def _sts_get_caller_identity(self, heard: Heard) -> None:
        who, using = self._caller(heard)
        if using != "console":  # its pages ask at every turn
            self._end({"do": "who_am_i", "who": who, "using": using}, heard)

    def _authorize_authorize(self, heard: Heard) -> None:
        who, using = self._caller(heard)
        words = {"do": "request", "who": who, "action": heard.given["action"]}
        resource = heard.given.get("resource", "*")
        if resource != "*":
            words["resource"] = resource
        self._end({**words, "using": using}, heard)

    def _iam_delete_user(self, heard: Heard) -> None:
        given = heard.given
        person = self._person_called(given.get("UserName") or given.get("user_name"))
        if person is None:
            raise NotSaid("there is no such user")
        who, using = self._caller(heard)
        self._end(
            {"do": "delete_user", "who": who, "for": person.name, **self._using(who, using)}, heard
        )

    _console_delete_user = _iam_delete_user

    # What a call means

    def _caller(self, heard: Heard) -> tuple[str, str]:
        """Who calls with what: a person's name; `keys`, `console` or a session's name."""
        signer = heard.signer or heard.given.get("credentials")
        key_id = getattr(signer, "access_key_id", "")
        if key_id not in self._whose:
            key = self._find(AccessKey, key_id)
            person = None if key is None else self._person_of(key.identity_id)
            if person is None:
                raise NotSaid("by credentials that the story does not know")
            self._whose[key_id] = person.name, "keys"
        return self._whose[key_id]

    def _on_behalf(self, heard: Heard, verb: str) -> dict[str, Any]:
        who, using = self._caller(heard)
        words = {"do": verb, "who": who}
        named = heard.given.get("UserName") or heard.given.get("user_name")
        if named is not None and heard.method != "confirm_sms":
            person = self._person_called(str(named))
            if person is None:
                raise NotSaid("there is no such user")
            if person.name != who:
                words["for"] = person.name
        return {**words, **self._using(who, using)}

    def _using(self, who: str, using: str) -> dict[str, str]:
        """With what a step is signed, where that is not what it is by itself."""
        usual = "console" if self._people[who].root else "keys"
        return {} if using == usual else {"using": using}

    def _person_called(self, user_name: object) -> Person | None:
        def find() -> Person | None:
            wanted = str(user_name).lower()
            return next(
                (p for p in self._people.values() if not p.root and p.user_name.lower() == wanted),
                None,
            )

        person = find()
        if person is None:
            self._meet()
            person = find()
        return person

    def _person_of(self, identity_id: str) -> Person | None:
        identity = self._find(Identity, identity_id)
        if identity is None:
            return None
        if not identity.root:
            return self._person_called(identity.name)
        return next((each for each in self._people.values() if each.root), None)

    # Which device, which code

    def name_of(self, serial: str) -> str:
        """What the story calls the device of a serial number.

        Raises:
            KeyError: there is none.
        """
        if serial in self.serials:
            return self.serials[serial]
        for name, device in self._devices.items():
            if device.answers_to(serial):
                return name
        return self.stand_ins[serial].name

    def _device(self, serial: str) -> CodeDevice | StandIn | HeldDevice:
        try:
            name = self.name_of(serial)
        except KeyError:
            raise NotSaid("its device was there before the story, or never was") from None
        return self._devices.get(name) or self._stand_in(name)

    def _bearers(self, serial: str) -> list[Any]:
        """The devices that have a serial number: clones share one."""
        first = self._device(serial)
        others = (each for each in self._devices.values() if each.answers_to(serial))
        return [first, *(each for each in others if each is not first)]

    def _or_later(self, serial: str, name: str) -> str | Of:
        """A device of the shelf; where it is none yet, an app may still scan it."""
        return name if name in self._devices else Of(serial)

    def _stand_in(self, name: str) -> StandIn:
        return next(each for each in self.stand_ins.values() if each.name == name)

    def _candidates(self, person: Person) -> list[Any]:
        """Devices whose codes a person may type: their own, and all others."""
        everything: list[Any] = [*self._devices.values(), *self.stand_ins.values()]
        return sorted(everything, key=lambda each: each.owner != person.name)

    def _free_name(self, wanted: str) -> str:
        taken = {*self._people, *self._devices, *(each.name for each in self.stand_ins.values())}
        return free_name(wanted, taken)

    # Writing down

    def _end(self, words: dict[str, Any], heard: Heard) -> Entry:
        return self._add(words, None if heard.refusal is None else heard.refusal.code, heard)

    def _add(self, words: dict[str, Any], refused: str | None, heard: Heard | None) -> Entry:
        if refused is not None:
            expect = {"refused": refused}
            decision = None if heard is None or heard.refusal is None else heard.decision
            if decision is not None and decision != "accepted":
                expect["decision"] = decision
            try:
                Expect.model_validate(expect)
            except ValidationError:
                raise NotSaid(f"no step ends with {refused}") from None
            words = {**words, "expect": expect}
        entry = Entry(self._now_ns(), words)
        self.entries.append(entry)
        return entry


def _without_typed_pins(words: Mapping[str, Any], refused: str | None) -> dict[str, Any]:
    """A step without PINs that no simulated key has; its own are needed to replay the story."""
    said = dict(words)
    use = said.get("key")
    if isinstance(use, Mapping) and use.get("pin", "right") not in ("right", "wrong", "none"):
        was_wrong = refused is not None and refused.startswith("PIN_") and "POLICY" not in refused
        said["key"] = {**use, "pin": "wrong" if was_wrong else "right"}
    if said["do"] == "set_pin" and refused is not None:
        said["pin"] = "1" * len(str(said["pin"]))
    return said


def _ms(duration_ns: int) -> str:
    return f"{duration_ns / NS_PER_S:.3f} s"


def _told(heard: Heard) -> str:
    """A call in words, without what was given."""
    return f"{heard.method} ({heard.door})"
