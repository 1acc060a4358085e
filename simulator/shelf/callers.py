"""Who calls at the verifier's doors, and with what: access keys, the console or a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mfalab.simulator.environment.people import Person
from mfalab.simulator.shelf.doors import Heard
from mfalab.simulator.shelf.typed_codes import NotSaid
from mfalab.verifier import Credentials
from mfalab.verifier.records import AccessKey, Identity


class Callers:
    """Knows people by the credentials that they use.

    Args:
        people: those of the shelf; new users are looked for by `meet`.
        find: reads a record of the verifier: a type, and its key.
        meet: looks for new people.
    """

    def __init__(
        self, people: Mapping[str, Person], find: Callable[..., Any], meet: Callable[[], None]
    ) -> None:
        self._people = people
        self._find = find
        self._meet = meet
        self.begin()

    def begin(self) -> None:
        """Begin a story: what was signed in before is not part of it."""
        self._whose: dict[str, tuple[str, str]] = {}
        self._at_the_door: set[str] = set()

    def leaves_console(self, who: str) -> None:
        """A person signs out, or in again; a scenario's person is in no other session of it."""
        self._at_the_door.add(who)

    def in_newest_session(self, heard: Heard) -> bool:
        """Whether a call comes from the last session that its person began in the console."""
        whose = self._whose.get(_key_id(heard), ("", ""))
        newest = next(
            (key_id for key_id in reversed(self._whose) if self._whose[key_id] == whose), ""
        )
        return whose[1] == "console" and newest == _key_id(heard)

    def by_console(self, heard: Heard) -> bool:
        """Whether a call comes from the console's pages."""
        return self._whose.get(_key_id(heard), ("", ""))[1] == "console"

    def know(self, credentials: Credentials, who: str, using: str) -> None:
        """Credentials were made for a person, in the console or as a session of a name."""
        self._whose[credentials.access_key_id] = who, using
        if using == "console":
            self._at_the_door.discard(who)

    def caller(self, heard: Heard) -> tuple[str, str]:
        """Who calls with what: a person's name; `keys`, `console` or a session's name.

        Raises:
            NotSaid: the credentials were made before the story, or in a session of the console
                that its person has left.
        """
        key_id = _key_id(heard)
        if key_id not in self._whose:
            key = self._find(AccessKey, key_id)
            person = None if key is None else self._person_of(key.identity_id)
            if person is None:
                raise NotSaid("by credentials that the story does not know")
            self._whose[key_id] = person.name, "keys"
        who, using = self._whose[key_id]
        if using == "console" and who in self._at_the_door:
            raise NotSaid(f"in a session that {who} has left")
        return who, using

    def on_behalf(self, heard: Heard, verb: str) -> dict[str, Any]:
        """The beginning of a step: who does it, for whom, and with what.

        Raises:
            NotSaid: the caller, or the user, is not known.
        """
        who, using = self.caller(heard)
        words = {"do": verb, "who": who}
        named = heard.given.get("UserName") or heard.given.get("user_name")
        if named is not None and heard.method != "confirm_sms":
            person = self.person_called(str(named))
            if person is None:
                raise NotSaid("there is no such user")
            if person.name != who:
                words["for"] = person.name
        return {**words, **self.using(who, using)}

    def using(self, who: str, using: str) -> dict[str, str]:
        """With what a step is signed, where that is not what it is by itself."""
        usual = "console" if self._people[who].root else "keys"
        return {} if using == usual else {"using": using}

    @property
    def root(self) -> Person | None:
        """The root user of the account."""
        return next((each for each in self._people.values() if each.root), None)

    def person_called(self, user_name: object) -> Person | None:
        """The person who is a user of the account."""

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
        return self.root if identity.root else self.person_called(identity.name)


def _key_id(heard: Heard) -> str:
    """The id of the access key that a call is signed with."""
    signer = heard.signer or heard.given.get("credentials")
    return str(getattr(signer, "access_key_id", ""))
