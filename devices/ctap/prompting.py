"""What a key shows its user: for which request it blinks, and what the user does about it.

A key blinks for one request at a time. Its user is asked once for each prompt, and reacts at once,
later or not at all; see `mfalab.devices.ctap.user`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

from mfalab.devices.ctap.commands import Prompt
from mfalab.devices.ctap.transaction import Transaction
from mfalab.devices.ctap.user import Asked, Gesture, Reaction, User


@dataclass(slots=True)
class _Blinking:
    """A request that wants its user, as the user sees it.

    A U2F client that polls makes one request after another; to its user they are one.
    """

    request: Transaction
    asked: Asked
    told: bool = False
    acted: bool = False

    @property
    def polled(self) -> bool:
        """Whether it has been answered already, so that the client comes again."""
        return self.request.response is not None

    def act(self, reaction: Reaction) -> None:
        request = self.request
        if reaction.gesture is Gesture.TOUCH:
            self.acted = request.wants is Prompt.TOUCH
            request.touch()
        elif reaction.gesture is Gesture.FINGER:
            self.acted = True
            request.finger(reaction.finger, reaction.sample)
        else:
            self.acted = request.response is None
            request.decline()


@final
class Prompting:
    """The prompts of one key.

    Args:
        user: who is asked.
        requests: the requests under way, in the order in which the key serves them.
        after: plans a call once that many nanoseconds have passed.
        do: does a reaction that comes later than its prompt.
    """

    def __init__(
        self,
        user: User,
        requests: Callable[[], Iterable[Transaction | None]],
        after: Callable[[int, Callable[[], object]], None],
        do: Callable[[Reaction], None],
    ) -> None:
        self._user = user
        self._requests = requests
        self._after = after
        self._do = do
        self._blinking: _Blinking | None = None

    @property
    def user(self) -> User:
        """Who is asked; may be set at any time."""
        return self._user

    @user.setter
    def user(self, user: User) -> None:
        self._user = user
        # The new user has not been told of a prompt that the one before let pass, and what that
        # one was about to do is not done.
        if self._blinking is not None:
            self._blinking = _Blinking(self._blinking.request, self._blinking.asked)

    @property
    def asked(self) -> Asked | None:
        """What the key asks for now; None when it is dark."""
        self._look()
        return self._blinking.asked if self._blinking else None

    def forget(self) -> None:
        """Go dark: power is lost."""
        self._blinking = None

    def act(self, reaction: Reaction) -> bool:
        """Do something to the key now; whether it asked for anything."""
        self._look()
        if self._blinking is None:
            return False
        self._blinking.act(reaction)
        return True

    def ask(self) -> bool:
        """Tell the user of a new prompt; whether they reacted at once."""
        self._look()
        blinking = self._blinking
        if blinking is None or blinking.told:
            return False
        blinking.told = True
        reaction = self._user(blinking.asked)
        if reaction is None:
            return False
        if reaction.after_ns:
            user = self._user
            self._after(reaction.after_ns, lambda: self._act_late(blinking, reaction, user))
            return False
        blinking.act(reaction)
        return True

    def _act_late(self, blinking: _Blinking, reaction: Reaction, user: User) -> None:
        self._look()
        if reaction.regardless or (self._is_still(blinking) and user is self._user):
            self._do(reaction)

    def _is_still(self, blinking: _Blinking) -> bool:
        """Whether it is the same prompt to its user: between slow polls the key may go dark."""
        now = self._blinking
        return now is blinking or (blinking.polled and (now is None or now.polled))

    def _look(self) -> None:
        """See what the key blinks for, and whether that is still the same."""
        request = next((each for each in self._requests() if each and each.wants), None)
        if request is None or request.wants is None:
            self._blinking = None
            return
        before, times = self._blinking, 1
        if before is not None and before.asked.prompt is request.wants:
            if before.request is request and not before.acted:
                return
            if before.request is request:
                times += before.asked.times
            elif before.polled and request.response is not None and not before.acted:
                before.request = request
                return
        asked = Asked(request.wants, request.rp_id, request.info, times)
        self._blinking = _Blinking(request, asked)
