"""Sign-ins at the console's pages, and passwords, as steps of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.people import Person
from mfalab.simulator.shelf.callers import Callers
from mfalab.simulator.shelf.doors import Heard, Hearers
from mfalab.simulator.shelf.notebook import Entry, Notebook
from mfalab.simulator.shelf.typed_codes import NotSaid
from mfalab.verifier import Demand, SecondPage, SignedIn

_TYPING_NS: Final = 120 * NS_PER_S
"""Name, password and code that come within this time are one step."""
_WEAK: Final = "a"
"""No policy takes it."""
_DEMANDS: Final = {
    Demand.MAIL_CODE: "MailCodeRequired",
    Demand.NEW_PASSWORD: "NewPasswordRequired",
    Demand.ENROLMENT: "MfaEnrolmentRequired",
}


@dataclass(slots=True)
class OpenPage:
    """A second page that is open.

    Attributes:
        person: who sees it.
        entry: the newest step that was made of it.
    """

    person: Person
    entry: Entry


class SignIns:
    """Tells of sign-ins: a first page, and second pages that ask for more.

    Args:
        notebook: what they are written in.
        callers: is told who signed in.

    Attributes:
        hearers: what tells of each call.
    """

    def __init__(self, notebook: Notebook, callers: Callers) -> None:
        self._notebook = notebook
        self._callers = callers
        self.hearers: Hearers = {
            ("console", "sign_in"): self._sign_in,
            ("console", "sign_in_root"): self._sign_in_root,
            ("console", "choose"): self._choose,
            ("console", "submit_code"): self._submit_code,
            ("console", "submit_assertion"): self._submit_assertion,
            ("console", "resync"): self._resync,
            ("console", "resend_code"): self._resend_code,
            ("console", "set_password"): self._set_password,
            ("console", "sign_out"): self._sign_out,
            ("console", "change_password"): self._change_password,
            ("iam", "change_password"): self._change_password,
        }
        self.begin()

    def begin(self) -> None:
        """Begin a story: pages that are open are not part of it."""
        self._pages: dict[str, OpenPage] = {}
        self._newest: dict[str, str] = {}

    def page(self, heard: Heard) -> OpenPage:
        """The page that a call is about.

        Raises:
            NotSaid: the story does not know it, or a scenario's person would not see it any more.
        """
        page_id = str(heard.given["page_id"])
        page = self._pages.get(page_id)
        if page is None:
            raise NotSaid("its page was opened before the story began, or never")
        if self._newest.get(page.person.name) != page_id:
            raise NotSaid(f"its page is not the newest of {page.person.name}, or was used up")
        return page

    def _sign_in(self, heard: Heard) -> None:
        self._first_page(heard, self._callers.person_called(heard.given["user_name"]), {})

    def _sign_in_root(self, heard: Heard) -> None:
        unusual = {"unusual": "true"} if heard.given.get("unusual") else {}
        self._first_page(heard, self._callers.root, unusual)

    def _first_page(self, heard: Heard, person: Person | None, more: dict[str, Any]) -> None:
        if person is None:
            raise NotSaid("a person who is no user of the account")
        words = {"do": "sign_in", "who": person.name, **more}
        self._newest.pop(person.name, None)
        self._callers.leaves_console(person.name)
        if heard.refusal is not None:
            wrong = heard.refusal.code == "FailedAuthentication"
            self._notebook.end({**words, **({"password": "wrong"} if wrong else {})}, heard)
            return
        page = heard.result
        if isinstance(page, SecondPage):
            refused = _DEMANDS.get(page.demand, "MfaRequired")
            entry = self._notebook.add(words, refused, None)
            self._open(page, OpenPage(person, entry))
            return
        self._notebook.add(words, None, None)
        self._signed_in(heard.result, person)

    def _choose(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._notebook.omit_call(heard)

    def _submit_code(self, heard: Heard) -> None:
        page = self.page(heard)
        candidates = self._notebook.candidates(page.person)
        typed, readers = heard.given["code"], (page.person.name,)
        name, code = self._notebook.codes.single(typed, candidates, readers)
        self._second_page(heard, page, {"with": name, **code})

    def _submit_assertion(self, heard: Heard) -> None:
        page = self.page(heard)
        response = heard.given["response"]
        if not isinstance(response, Mapping) or "error" in response:
            raise NotSaid("the browser told of an error in place of a signature")
        name = self._notebook.key(str(response.get("id")))
        self._second_page(heard, page, {"with": name})

    def _second_page(self, heard: Heard, page: OpenPage, answer: dict[str, Any]) -> None:
        result, person, entries = heard.result, page.person, self._notebook.entries
        refused = _DEMANDS.get(result.demand) if isinstance(result, SecondPage) else None
        if heard.refusal is not None:
            refused = heard.refusal.code
        first = entries and entries[-1] is page.entry
        asked = page.entry.words.get("expect") == {"refused": "MfaRequired"}
        at_once = first and asked and self._notebook.now_ns() - page.entry.at_ns <= _TYPING_NS
        if at_once:
            words = {key: said for key, said in page.entry.words.items() if key != "expect"}
        else:
            words = {"do": "try_again", "who": person.name}
        entry = self._notebook.add({**words, **answer}, refused, heard)
        entry.vague = True  # a text has to arrive, a key takes its time
        if at_once:  # both pages are one step now
            entries.remove(page.entry)
        page.entry = entry
        if isinstance(result, SecondPage):
            self._open(result, page)
        elif result is not None:
            self._signed_in(result, person)

    def _resync(self, heard: Heard) -> None:
        page = self.page(heard)
        candidates = self._notebook.candidates(page.person)
        first, second = heard.given["code1"], heard.given["code2"]
        name, pair = self._notebook.codes.pair(first, second, candidates, (page.person.name,))
        words = {"do": "resync", "who": page.person.name, "device": name}
        self._notebook.end({**words, "codes": pair, "at": "sign-in page"}, heard)

    def _resend_code(self, heard: Heard) -> None:
        self._notebook.end({"do": "resend_sms", "who": self.page(heard).person.name}, heard)

    def _set_password(self, heard: Heard) -> None:
        page = self.page(heard)
        words = {"do": "change_password", "who": page.person.name}
        self._notebook.end({**words, **_passwords(heard)}, heard)
        if isinstance(heard.result, SignedIn):
            self._signed_in(heard.result, page.person)

    def _change_password(self, heard: Heard) -> None:
        who, using = self._callers.caller(heard)
        words = {"do": "change_password", "who": who, **self._callers.using(who, using)}
        self._notebook.end({**words, **_passwords(heard)}, heard)

    def _sign_out(self, heard: Heard) -> None:
        if self._callers.in_newest_session(heard):  # an older one is in no story
            who, _ = self._callers.caller(heard)
            self._notebook.end({"do": "sign_out", "who": who}, heard)
            self._callers.leaves_console(who)

    def _open(self, page: SecondPage, known: OpenPage) -> None:
        self._pages[page.id] = known
        self._newest[known.person.name] = page.id
        if page.enrolment is not None:
            self._callers.know(page.enrolment, known.person.name, "console")

    def _signed_in(self, result: SignedIn, person: Person) -> None:
        self._newest.pop(person.name, None)
        self._callers.know(result.credentials, person.name, "console")


def _passwords(heard: Heard) -> dict[str, str]:
    """Which passwords are typed for a change to end like this; what was typed is not told."""
    code = None if heard.refusal is None else heard.refusal.code
    if code == "AccessDenied":
        return {"old": "wrong"}
    return {"new": _WEAK} if code == "PasswordPolicyViolation" else {}
