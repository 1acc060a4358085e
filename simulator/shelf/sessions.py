"""Sessions and roles, and what policies protect, as steps of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from mfalab.simulator.shelf.callers import Callers
from mfalab.simulator.shelf.doors import Heard, Hearers
from mfalab.simulator.shelf.notebook import Notebook
from mfalab.simulator.shelf.typed_codes import NotSaid
from mfalab.verifier import Credentials
from mfalab.verifier.records import Role


class Sessions:
    """Tells of sessions that STS makes, and of what is done with them.

    Args:
        notebook: what they are written in.
        callers: knows who calls, and is told whose a session is.
        find_all: reads records of the verifier: a type, and what its fields are.

    Attributes:
        hearers: what tells of each call.
    """

    def __init__(
        self, notebook: Notebook, callers: Callers, find_all: Callable[..., list[Any]]
    ) -> None:
        self._notebook = notebook
        self._callers = callers
        self._find_all = find_all
        self.hearers: Hearers = {
            ("sts", "get_session_token"): self._get_session_token,
            ("sts", "assume_role"): self._assume_role,
            ("sts", "get_federation_token"): self._get_federation_token,
            ("sts", "get_caller_identity"): self._get_caller_identity,
            ("authorize", "authorize"): self._authorize,
            ("iam", "delete_user"): self._delete_user,
            ("console", "delete_user"): self._delete_user,
        }
        self.begin()

    def begin(self) -> None:
        """Begin a story: its sessions are counted from one."""
        self._made = 0

    def _get_session_token(self, heard: Heard) -> None:
        self._make(heard, "get_session", {})

    def _assume_role(self, heard: Heard) -> None:
        unsaid = {"Policy", "PolicyArns", "Tags", "TransitiveTagKeys", "SourceIdentity"}
        _refuse_to_say(heard, unsaid)
        more = {"role": self._role(_text(heard, "RoleArn"))}
        if heard.given.get("ExternalId") is not None:
            more["external_id"] = _text(heard, "ExternalId")
        self._make(heard, "assume_role", more)

    def _get_federation_token(self, heard: Heard) -> None:
        _refuse_to_say(heard, {"PolicyArns", "Tags"})
        more = {"federated_user": _text(heard, "Name")}
        if heard.given.get("Policy") is not None:
            more["policy"] = _text(heard, "Policy")
        self._make(heard, "get_federation_token", more)

    def _make(self, heard: Heard, verb: str, more: dict[str, Any]) -> None:
        """A call that STS answers with credentials, and may be given a code."""
        who, using = self._callers.caller(heard)
        given = heard.given
        words: dict[str, Any] = {"do": verb, "who": who, **more}
        serial, code = given.get("SerialNumber"), given.get("TokenCode")
        if (serial is None) != (code is None):
            raise NotSaid("one of serial number and code was left out")
        if serial is not None:
            bearers = self._notebook.bearers(str(serial))
            name, choice = self._notebook.codes.single(code, bearers, (who,))
            words |= {"with": self._notebook.or_later(str(serial), name), **choice}
        if given.get("DurationSeconds") is not None:
            digits = str(given["DurationSeconds"])  # a text where it came over HTTP
            if not (digits.isascii() and digits.isdigit()):
                raise NotSaid("its duration is no whole number")
            words["duration"] = f"{digits} s"
        if using not in ("keys", "console"):
            words["using"] = using
        if heard.refusal is None:
            self._made += 1
            words["as"] = f"session{self._made}"
            self._callers.know(Credentials.of(heard.result), who, words["as"])
        self._notebook.end(words, heard)

    def _role(self, arn: str) -> str:
        """What the story calls a role; it is in the story as it was when it was assumed first."""
        account_id, _, path = arn.removeprefix("arn:").partition(":iam::")[2].partition(":role/")
        found = self._find_all(
            Role, account_id=account_id, name_key=path.rpartition("/")[2].lower()
        )
        if not found:
            raise NotSaid("there is no such role")
        for name, role in self._notebook.roles.items():
            if role.id == found[0].id:
                return name
        name = self._notebook.free_name(found[0].name)
        self._notebook.roles[name] = found[0]
        return name

    def _get_caller_identity(self, heard: Heard) -> None:
        if self._callers.by_console(heard):
            return  # its pages ask at every turn
        who, using = self._callers.caller(heard)
        self._notebook.end({"do": "who_am_i", "who": who, "using": using}, heard)

    def _authorize(self, heard: Heard) -> None:
        who, using = self._callers.caller(heard)
        words = {"do": "request", "who": who, "action": heard.given["action"]}
        resource = heard.given.get("resource", "*")
        if resource != "*":
            words["resource"] = resource
        self._notebook.end({**words, "using": using}, heard)

    def _delete_user(self, heard: Heard) -> None:
        given = heard.given
        person = self._callers.person_called(given.get("UserName") or given.get("user_name"))
        if person is None:
            raise NotSaid("there is no such user")
        who, using = self._callers.caller(heard)
        words = {"do": "delete_user", "who": who, "for": person.name}
        self._notebook.end({**words, **self._callers.using(who, using)}, heard)


def _text(heard: Heard, name: str) -> str:
    """An argument that is a text.

    Raises:
        NotSaid: it was left out, or is none; that is refused.
    """
    given = heard.given[name]
    if not isinstance(given, str):
        raise NotSaid(f"{name} is no text")
    return given


def _refuse_to_say(heard: Heard, unsaid: Collection[str]) -> None:
    if given := [name for name in sorted(unsaid) if heard.given.get(name)]:
        raise NotSaid(f"{' and '.join(given)} cannot be given in a step")
