"""The journal: writes down what happens in a lab, and what every clock believed.

Everything that a report shows of a case passes through here: what people do, what the verifier
decides and how far its window for a device reaches, how far every clock is off, what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks import DeviceClock, QuartzClock, ServerClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.line import Point, line
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.devices import HeldDevice
from mfalab.simulator.environment.serials import SerialIndex
from mfalab.simulator.eventlog import CaseLog
from mfalab.simulator.language.limits import Measurement
from mfalab.simulator.language.units import format_instant
from mfalab.verifier import CeremonyDecision, Decision, DeviceKind, Outcome, Profile, TrailEvent

_CAUSES = {"EnableMFADevice": "enable", "ResyncMFADevice": "resync"}


class Journal:
    """Keeps the log of one lab.

    Attributes:
        log: the events so far, but for those that were taken.
        step: number of the step that is under way.
        decided: what the verifier decided last, since `begin_step`.
        shown: the device whose code was read last since then, and of which steps it is.
        explained: why the verifier found that code wrong, or nothing.
    """

    def __init__(
        self,
        log: CaseLog,
        timeline: Timeline,
        server_clock: ServerClock,
        devices: Mapping[str, HeldDevice],
    ) -> None:
        self.log = log
        self.step = 0
        self.decided: str | None = None
        self.shown: tuple[str, tuple[int, ...]] = "", ()
        self.explained = ""
        self._timeline = timeline
        self._server_clock = server_clock
        self._devices = devices
        self._serials = SerialIndex(devices)
        self._windows: dict[str, tuple[int, int]] = {}
        self._quiet = False
        # When what a clock belongs to stopped working, or works again; by the clock.
        self._works: dict[Clock, list[tuple[int, bool]]] = {}

    def begin_step(self) -> None:
        """Forget what was decided in the step before."""
        self.decided, self.shown, self.explained = None, ("", ()), ""

    def note(self, lane: str, what: str, **detail: object) -> None:
        """Write down that a person or a thing acts."""
        self._add("note", lane=lane, what=what, detail=detail)

    def measured(self, measurement: Measurement) -> None:
        """Write down a measurement."""
        self._add(
            "measurement",
            name=measurement.name,
            value=measurement.value,
            unit=measurement.limit.unit,
            limit=str(measurement.limit),
            verdict=measurement.verdict,
            step=self.step,
        )

    def _add(self, kind: str, **fields: Any) -> None:
        self.log.add(kind, self._timeline.now_ns(), **fields)

    # Clocks

    def look_at(self, clock: Clock, alive: bool) -> None:
        """Remember whether what a clock belongs to works from now on."""
        seen = self._works.setdefault(clock, [])
        if alive != (seen[-1][1] if seen else True):
            seen.append((self._timeline.now_ns(), alive))

    def draw_clocks(self) -> Iterator[str]:
        """Write down how far every clock was off from the beginning until now, lane by lane.

        Between two `clock` events of a lane its line is straight, within `line.TOLERANCE_NS`.

        Yields:
            Each lane that is written.
        """
        start_ns, now_ns = self._timeline.start_ns, self._timeline.now_ns()
        for lane, clock in self._clocks().items():
            for true_ns, offset_ns in self._line(clock, start_ns, now_ns):
                offset_s = round(offset_ns / NS_PER_S, 6)
                alive = self._alive(lane, clock, true_ns)
                self.log.add("clock", true_ns, lane=lane, offset_s=offset_s, alive=alive)
            yield lane

    def _line(self, clock: DeviceClock, start_ns: int, end_ns: int) -> list[Point]:
        """The clock's line, with points also where what it belongs to broke or was mended."""
        changes = [at for at, _ in self._works.get(clock, ())]
        kept = {at for change in changes for at in (change - 1, change) if at >= start_ns}
        points = dict(line(clock, start_ns, end_ns))
        points |= {at: clock.believed_ns(at) - at for at in kept}
        return sorted(points.items())

    def _alive(self, lane: str, clock: DeviceClock, true_ns: int) -> bool:
        if isinstance(clock, QuartzClock) and not clock.supply.alive(true_ns):
            return False
        seen = [alive for at, alive in self._works.get(clock, ()) if at <= true_ns]
        if true_ns == self._timeline.now_ns() and lane in self._devices:
            return self._devices[lane].alive
        return seen[-1] if seen else True

    def beliefs(self) -> list[dict[str, Any]]:
        """What every clock believes now, in words, for the account of a failure."""
        true_time = format_instant(self._timeline.now_ns())
        found: list[dict[str, Any]] = [{"lane": "true time", "offset_s": None, "text": true_time}]
        for lane, clock in self._clocks().items():
            text = format_instant(clock.now_ns())
            if lane in self._windows:
                low, high = self._windows[lane]
                text += f", window from {low:+d} to {high:+d} time steps"
            offset_s = round(clock.offset_ns() / NS_PER_S, 6)
            found.append({"lane": lane, "offset_s": offset_s, "text": text})
        return found

    def _clocks(self) -> dict[str, DeviceClock]:
        """Every clock in the lab; security keys tell no time."""
        clocks: dict[str, DeviceClock] = {
            name: device.clock for name, device in self._devices.items() if device.clock is not None
        }
        return {**clocks, "verifier": self._server_clock}

    # Decisions

    def observe(self, event: Decision | CeremonyDecision | TrailEvent, profile: Profile) -> None:
        """Write down what the verifier tells its observer."""
        if self._quiet:
            return
        if isinstance(event, TrailEvent):
            self.note("verifier", f"records {event.name}", **event.fields)
            return
        self.decided = event.outcome.value
        # Clones share their serial number; the first stands for them.
        devices = self._serials.names_of(event.serial)
        self._add(
            "decision",
            lane="verifier",
            device=devices[0] if devices else "",
            operation=event.operation,
            outcome=event.outcome.value,
            detail=_detail(event),
        )
        if not isinstance(event, Decision):
            return
        if event.outcome is Outcome.WRONG and self.shown[0] in devices:
            self.explained = _why_wrong(self._devices[self.shown[0]], self.shown[1], event)
        if event.accepted:
            for name in devices:
                self._move_window(name, event, profile)

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """Write down no decisions inside: those of several threads come in no certain order."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    # Windows

    def _move_window(self, name: str, decision: Decision, profile: Profile) -> None:
        """Write down where the verifier's window for a device lies, if a decision moved it."""
        device = self._devices[name]
        if device.period_s is None:
            return
        back, ahead = profile.window_back, profile.window_ahead
        if device.kind is DeviceKind.HARDWARE:
            back = back if profile.hardware_window_back is None else profile.hardware_window_back
            own = profile.hardware_window_ahead
            ahead = ahead if own is None else own
        window = decision.offset_steps - back, decision.offset_steps + ahead
        if self._windows.get(name) != window:
            self._windows[name] = window
            self.window(name, _CAUSES.get(decision.operation, "learned"))

    def window(self, name: str, cause: str) -> None:
        """Write down a device's window, in seconds from true time; nothing when it has none."""
        window = self.window_s(name)
        if window is not None:
            low_s, high_s = window
            self._add("window", lane=name, low_s=low_s, high_s=high_s, cause=cause)

    def window_s(self, name: str) -> tuple[float, float] | None:
        """From where to where a device's window reaches, in seconds from true time; None if none.

        A decision that accepted a code of the device says where it lies.
        """
        period_s = self._devices[name].period_s
        if name not in self._windows or period_s is None:
            return None
        low, high = self._windows[name]
        server_s = self._server_clock.offset_ns() / NS_PER_S
        return low * period_s + server_s, high * period_s + server_s

    def window_closed(self, name: str) -> None:
        """Write down that the verifier accepts nothing of a device any more."""
        if self._windows.pop(name, None) is not None:
            self._add("window", lane=name, low_s=None, high_s=None, cause="deactivate")

    def window_centre_steps(self, name: str) -> int:
        """Where the verifier's window for a device is centred, in steps from its own clock."""
        low, high = self._windows.get(name, (0, 0))
        return (low + high) // 2


def _why_wrong(device: HeldDevice, shown: tuple[int, ...], decision: Decision) -> str:
    """What a device showed, against the window in which the verifier looked for it."""
    if not shown:
        return ""
    steps = [step - decision.server_step for step in shown]
    low, high = (each - decision.server_step for each in (decision.low_step, decision.high_step))
    word = "counter" if device.period_s is None else "step"
    told = " and ".join(f"{step:+d}" for step in steps)
    text = (
        f"{device.name} showed {word}{'s' if len(steps) > 1 else ''} {told}, "
        f"the window was {low:+d} to {high:+d}"
    )
    if any(not low <= step <= high for step in steps):
        return text
    if any(later - earlier != 1 for earlier, later in pairwise(steps)):
        return f"{text}; they are not consecutive"
    return f"{text}; the verifier has another seed, or something else was typed"


def _detail(decision: Decision | CeremonyDecision) -> dict[str, Any]:
    """What explains a decision, as far as it is of interest: steps, or what a ceremony showed."""
    if isinstance(decision, CeremonyDecision):
        shown = {
            "reason": decision.reason,
            "origin": decision.origin,
            "user_present": decision.user_present,
            "user_verified": decision.user_verified,
            "sign_count": decision.sign_count,
            "stored_sign_count": decision.stored_sign_count,
            "attestation": decision.attestation,
            "cloned": decision.cloned or None,
        }
        return {name: value for name, value in shown.items() if value not in (None, "")}
    server, matched = decision.server_step, decision.matched_step
    return {
        "server_step": server,
        "window": [decision.low_step - server, decision.high_step - server],
        "matched": None if matched is None else matched - server,
        "offset_steps": decision.offset_steps,
    }
