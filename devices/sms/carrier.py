"""A telephone carrier that delays, loses, duplicates and reorders texts.

A text gets its fate when it is sent: lost, or one or more copies, each with a
delay. Fates are drawn from the stream in a fixed number of draws per text, so
a scenario that overrides one text leaves the fates of all others as they were.

Texts to one number queue: one that is quick waits until those before it have
arrived. A copy that is *held back* (by the draw for reordering, as a duplicate
or by `delay_next`) has left the queue, and later texts pass it.

A copy that finds its phone switched off, dead or broken waits at the carrier.
It is delivered when the phone is switched on, or with the next text that gets
through, and thrown away when its validity is over. Which phone a number rings
is looked up on arrival: after a change of SIM, texts still under way reach the
new phone. A number without a phone swallows its texts.
"""

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mfalab.devices.durations import NS_PER_S
from mfalab.devices.sms.phone import SmsPhone

MAX_SPREAD = 5.0
"""At 5, one text in six takes 150 times the median; far beyond, delays overflow."""


class Scheduler(Protocol):
    """What makes things happen later."""

    def after(self, delay_ns: int, callback: Callable[[], None], /) -> object:
        """Call `callback` once, `delay_ns` from now; the result is of no interest here."""


class Stream(Protocol):
    """A stream of chance; `random.Random` is one."""

    def random(self) -> float:
        """A number in [0, 1)."""

    def lognormvariate(self, mu: float, sigma: float) -> float:
        """A number whose logarithm is normal with mean `mu` and deviation `sigma`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a carrier does to texts. The defaults are a carrier on a good day (our choice).

    Args:
        median_ns: median delay of a text.
        spread: deviation of the delay's logarithm; 0 makes every delay the median.
        loss: probability that a text never arrives.
        duplicate: probability that a second copy follows.
        duplicate_gap_ns: how long after the first copy the second arrives.
        reorder: probability that a text is held back, so that later ones pass it.
        hold_ns: for how much longer a text held back takes.
        validity_ns: how long a text waits for a phone that is off.

    Raises:
        ValueError: a probability outside [0, 1], a negative time, or a spread
            outside [0, `MAX_SPREAD`].
    """

    median_ns: int = 4 * NS_PER_S
    spread: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    duplicate_gap_ns: int = 30 * NS_PER_S
    reorder: float = 0.0
    hold_ns: int = 90 * NS_PER_S
    validity_ns: int = 48 * 3600 * NS_PER_S

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}. A probability is 0 to 1.")
        for name in ("median_ns", "duplicate_gap_ns", "hold_ns", "validity_ns"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}. Use 0 or more.")
        if not 0 <= self.spread <= MAX_SPREAD:
            raise ValueError(f"spread is {self.spread}. Use 0 to {MAX_SPREAD}; 1 is already wild.")


@dataclass(frozen=True, slots=True)
class Fate:
    """What will become of a text, for the log of a run; the phone does not know it.

    Args:
        delays_ns: when each copy arrives, counted from sending; empty is lost.
            In-queue copies may arrive later, behind earlier texts.
        held_back: whether the first copy has left the queue.
    """

    delays_ns: tuple[int, ...]
    held_back: bool = False

    @property
    def lost(self) -> bool:
        """Whether no copy will arrive."""
        return not self.delays_ns


@dataclass(slots=True)
class _Override:
    """What a scenario asked for the next text; None leaves it to the draw."""

    lose: bool | None = None
    duplicate: bool | None = None
    delay_ns: int | None = None


@dataclass(slots=True, eq=False)
class _Copy:
    """One copy on its way: whether it keeps its turn, and whether its delay is over."""

    text: str
    queued: bool
    due: bool = False


@dataclass(slots=True)
class _Line:
    """What the carrier keeps for one number."""

    phone: SmsPhone | None = None
    queue: deque[_Copy] = field(default_factory=deque)
    waiting: list[_Copy] = field(default_factory=list)


class Carrier:
    """The network between the sender of a code and the phone.

    Args:
        scheduler: makes deliveries happen later.
        stream: decides what is lost, late or doubled.
        conditions: what the network is like; may be replaced at any time and
            holds for texts sent from then on.
    """

    def __init__(
        self, scheduler: Scheduler, stream: Stream, conditions: Delivery | None = None
    ) -> None:
        self._scheduler = scheduler
        self._stream = stream
        self.conditions = conditions if conditions is not None else Delivery()
        self._lines: dict[str, _Line] = {}
        self._next = _Override()
        self._attached: list[SmsPhone] = []

    def issue_sim(self, number: str, phone: SmsPhone) -> None:
        """Let `number` ring `phone` from now on.

        One operation for three events: a first SIM; a swap, when another phone
        had the number and goes dead; a change of number, when the phone had
        another one, which then rings nowhere.
        """
        line = self._lines.setdefault(number, _Line())
        if line.phone is not None:
            line.phone.insert_sim(None)
        if phone.number is not None:
            self._lines.setdefault(phone.number, _Line()).phone = None
        phone.insert_sim(number)
        line.phone = phone
        if phone not in self._attached:
            self._attached.append(phone)
            phone.phone.when_switched_on(lambda: self._on_switched_on(phone))
        self._deliver_waiting(number)

    def lose_next(self) -> None:
        """Lose the next text."""
        self._next.lose = True

    def duplicate_next(self) -> None:
        """Deliver the next text twice."""
        self._next.duplicate = True

    def delay_next(self, delay_ns: int) -> None:
        """Deliver the next text after exactly `delay_ns`, in or out of turn, and lose it not.

        Raises:
            ValueError: the delay is negative.
        """
        if delay_ns < 0:
            raise ValueError(f"a text cannot arrive {-delay_ns} ns before it is sent. Use 0.")
        self._next.delay_ns = delay_ns

    def send(self, number: str, text: str) -> Fate:
        """Take a text for a number and decide what becomes of it."""
        fate = self._draw()
        line = self._lines.setdefault(number, _Line())
        for position, delay_ns in enumerate(fate.delays_ns):
            copy = _Copy(text, queued=position == 0 and not fate.held_back)
            if copy.queued:
                line.queue.append(copy)
            self._scheduler.after(delay_ns, functools.partial(self._arrive, number, copy))
        return fate

    def _draw(self) -> Fate:
        """The fate of the next text: four draws whatever the conditions are."""
        conditions, override = self.conditions, self._next
        self._next = _Override()
        lost = self._stream.random() < conditions.loss
        doubled = self._stream.random() < conditions.duplicate
        held_back = self._stream.random() < conditions.reorder
        factor = self._stream.lognormvariate(0.0, 1.0) ** conditions.spread
        delay_ns = round(conditions.median_ns * factor)
        if held_back:
            delay_ns += conditions.hold_ns
        if override.delay_ns is not None:
            lost, held_back, delay_ns = False, True, override.delay_ns
        if override.lose is not None:
            lost = override.lose
        if override.duplicate is not None:
            doubled = override.duplicate
        if lost:
            return Fate(())
        if doubled:
            return Fate((delay_ns, delay_ns + conditions.duplicate_gap_ns), held_back)
        return Fate((delay_ns,), held_back)

    def _arrive(self, number: str, copy: _Copy) -> None:
        """The delay of a copy is over: deliver it, and what it kept waiting."""
        line = self._lines[number]
        copy.due = True
        arrived = [] if copy.queued else [copy]
        while line.queue and line.queue[0].due:
            arrived.append(line.queue.popleft())
        line.waiting += arrived
        self._deliver_waiting(number)
        for late in arrived:
            if late in line.waiting:
                forget = functools.partial(self._forget, number, late)
                self._scheduler.after(self.conditions.validity_ns, forget)

    def _deliver_waiting(self, number: str) -> None:
        line = self._lines[number]
        if line.phone is not None:
            if not line.phone.reachable:
                return
            for copy in line.waiting:
                line.phone.receive(copy.text)
        line.waiting.clear()

    def _on_switched_on(self, phone: SmsPhone) -> None:
        if phone.number is not None:
            self._deliver_waiting(phone.number)

    def _forget(self, number: str, copy: _Copy) -> None:
        waiting = self._lines[number].waiting
        if copy in waiting:
            waiting.remove(copy)
