"""A root user's way round the device, by mail and telephone, as one step of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.environment.people import Person
from mfalab.simulator.shelf.callers import Callers
from mfalab.simulator.shelf.doors import Heard, Hearers
from mfalab.simulator.shelf.notebook import Notebook
from mfalab.simulator.shelf.sign_ins import SignIns
from mfalab.simulator.shelf.typed_codes import NotSaid
from mfalab.verifier import SignedIn


@dataclass(slots=True)
class _Way:
    """A recovery that was begun.

    Attributes:
        person: who goes it.
        begin_ns: when it was begun.
        before: how many entries there were then.
        mailed_ns: when the newest mail was sent.
        mail_ns: how long that lay there until its link was followed; None before.
        called_ns: when the telephone rang.
        call_ns: how long it took to type the right digits; None before.
        wrong: how often wrong digits were typed.
    """

    person: Person
    begin_ns: int
    before: int
    mailed_ns: int = 0
    mail_ns: int | None = None
    called_ns: int = 0
    call_ns: int | None = None
    wrong: int = 0


class Recovery:
    """Tells of recoveries.

    Args:
        notebook: what they are written in.
        callers: is told who signed in.
        sign_ins: knows the page that a recovery begins at.

    Attributes:
        hearers: what tells of each call.
    """

    def __init__(self, notebook: Notebook, callers: Callers, sign_ins: SignIns) -> None:
        self._notebook = notebook
        self._callers = callers
        self._sign_ins = sign_ins
        self.hearers: Hearers = {
            ("recovery", "start"): self._start,
            ("recovery", "send_mail"): self._send_mail,
            ("recovery", "follow_link"): self._follow_link,
            ("recovery", "call"): self._call,
            ("recovery", "enter_digits"): self._enter_digits,
            ("recovery", "finish"): self._finish,
        }
        self.begin()

    def begin(self) -> None:
        """Begin a story: recoveries that were begun are not part of it."""
        self._ways: dict[str, _Way] = {}

    def _start(self, heard: Heard) -> None:
        if heard.refusal is not None:
            self._notebook.omit_call(heard)
            return
        person = self._sign_ins.page(heard).person
        way = _Way(person, self._notebook.now_ns(), len(self._notebook.entries))
        self._ways[str(heard.result)] = way

    def _send_mail(self, heard: Heard) -> None:
        way = self._way(heard)
        if heard.refusal is not None or way.mailed_ns:
            self._notebook.omit_call(heard)  # a second mail
        way.mailed_ns = self._notebook.now_ns()

    def _follow_link(self, heard: Heard) -> None:
        sent = [each for each in self._ways.values() if each.mailed_ns]
        if not sent:
            raise NotSaid("its mail was sent before the story began, or never")
        way = sent[-1]
        twice = way.mail_ns is not None
        if not twice:
            way.mail_ns = self._notebook.now_ns() - way.mailed_ns
        if heard.refusal is not None:
            self._end(way, heard, {"mail": "followed twice"} if twice else {})

    def _call(self, heard: Heard) -> None:
        way = self._way(heard)
        way.called_ns = self._notebook.now_ns()
        if heard.refusal is not None:
            followed = way.mail_ns is not None
            self._end(way, heard, {} if followed else {"mail": "not followed"})

    def _enter_digits(self, heard: Heard) -> None:
        way = self._way(heard)
        if heard.refusal is not None:
            way.wrong += 1
        else:
            way.call_ns = self._notebook.now_ns() - way.called_ns

    def _finish(self, heard: Heard) -> None:
        way = self._way(heard)
        self._end(way, heard, {} if way.called_ns else {"call": "not answered"})
        if isinstance(heard.result, SignedIn):
            self._callers.know(heard.result.credentials, way.person.name, "console")

    def _way(self, heard: Heard) -> _Way:
        found = self._ways.get(str(heard.given["recovery_id"]))
        if found is None:
            raise NotSaid("it began before the story did, or never")
        return found

    def _end(self, way: _Way, heard: Heard, words: dict[str, Any]) -> None:
        """The whole way as one step, which takes the time that it took."""
        wrong = {"call": "wrong digits", "wrong_digits": way.wrong} if way.wrong else {}
        lay = {"mail_after": way.mail_ns, "call_after": way.call_ns}
        alone = way.before == len(self._notebook.entries)  # else what came between took that time
        took = {name: f"{ns / NS_PER_S:.3f} s" for name, ns in lay.items() if ns and alone}
        step = {"do": "recover", "who": way.person.name, **words, **wrong, **took}
        entry = self._notebook.end(step, heard)
        entry.vague = True
        if alone:
            entry.at_ns = way.begin_ns
