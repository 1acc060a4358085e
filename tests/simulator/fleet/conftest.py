"""The object model, which judges the kernel: a fob, its clock, and the verifier's own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from random import Random  # noqa: TID251 - a stream that is told what to say

import numpy as np
import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.devices.otp.token import HardwareToken
from mfalab.simulator.clocks.base import DeviceClock
from mfalab.simulator.clocks.battery import Battery, PowerNow
from mfalab.simulator.clocks.climates import CLIMATES
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_WEEK
from mfalab.simulator.clocks.quartz import QuartzClock
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.fleet import layout
from mfalab.simulator.fleet.prepared import Precision, climate_of, crystal_of
from mfalab.simulator.fleet.simulate import Chunk, chunks, draw_tokens, run_chunk
from mfalab.simulator.fleet.study import Study
from mfalab.verifier.code_rules import verify_code, verify_pair
from mfalab.verifier.decision import Outcome
from mfalab.verifier.profile import Profile
from mfalab.verifier.records import Budget, Device, DeviceKind
from mfalab.verifier.store.memory import MemoryStore

TICK_NS = NS_PER_S // layout.TICKS
_MASK = 0xFFFFFFFF
_TOLD = {
    Outcome.ACCEPTED: layout.T_ACCEPTED,
    Outcome.WRONG: layout.T_WRONG,
    Outcome.THROTTLED: layout.T_THROTTLED,
}


class Told(Random):
    """A stream of daily steps that are known: those of the kernel."""

    def __init__(self, steps: Iterable[float]) -> None:
        super().__init__(0)
        self._steps = iter(steps)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        return mu + sigma * next(self._steps)


def mix32(word: int) -> int:
    """`hashing.mix32`, by Python's integers."""
    word ^= word >> 16
    word = word * 0x7FEB352D & _MASK
    word ^= word >> 15
    word = word * 0x846CA68B & _MASK
    return word ^ word >> 16


def daily_steps(key: int, token: np.ndarray) -> Iterator[float]:
    """The walk of a token, day by day since it was made.

    On the shelf the kernel draws where the walk has come to, not its days: two steps lead there.
    """
    days = 7 * int(token[3])
    if days:
        first = (token[8] - token[7]) / (days - 1)
        yield from chain([first], [0.0] * (days - 2), [token[7] - first])
    word, week = key >> 32, 0
    while True:
        bits = mix32(word ^ (week * 8 * 0x9E3779B1 & _MASK))
        yield from (1.0 if bits >> day & 1 else -1.0 for day in range(7))
        week += 1


@dataclass(frozen=True)
class Fob:
    """A token of a chunk as the object model has it."""

    timeline: Timeline
    clock: DeviceClock
    token: HardwareToken


def fob(study: Study, chunk: Chunk, key: int, token: np.ndarray) -> Fob:
    """The fob that the kernel drew."""
    sheet = crystal_of(study, chunk.cohort.crystal)
    made_ns = study.begin_ns - int(token[3]) * NS_PER_WEEK
    timeline = Timeline(made_ns)
    battery = Battery(made_ns, life_ns=int(token[4]) * study.period)
    clock = QuartzClock(
        timeline,
        replace(sheet.typical, offset_ppm=token[0], turnover_c=token[1], ageing_ppm=token[2]),
        climate=CLIMATES["drawer"],
        supply=battery,
        noise=Told(daily_steps(key, token)),
    )
    timeline.run_until(study.begin_ns)
    clock.travel(climate_of(chunk.cohort.climate))
    seed = OtpSeed(key.to_bytes(8) * 3, digits=study.digits, period_s=study.period // NS_PER_S)
    return Fob(timeline, clock, HardwareToken(str(key), seed, clock, PowerNow(battery, timeline)))


class Verifier:
    """The verifier's rules for one device, on its store in memory."""

    def __init__(self, study: Study, profile: Profile, seed: OtpSeed) -> None:
        self._profile = profile
        self._store = MemoryStore()
        self._device = Device(
            "device",
            DeviceKind.HARDWARE,
            "serial",
            "1",
            "n",
            "/",
            0,
            seed.secret,
            digits=study.digits,
            period_s=study.period // NS_PER_S,
        )
        with self._store.transaction() as tx:
            tx.insert(self._device)

    def decide(self, kind: int, codes: Sequence[str], now_ns: int) -> int:
        with self._store.transaction() as tx:
            device = tx.get(Device, "device")
            assert device is not None
            if kind == layout.CODE:
                made = verify_code(
                    tx,
                    device,
                    codes[0],
                    now_ns=now_ns,
                    profile=self._profile,
                    operation="login",
                )
            else:
                made = verify_pair(
                    tx,
                    device,
                    *codes,
                    now_ns=now_ns,
                    profile=self._profile,
                    operation="resync",
                )
            if kind == layout.ENROLMENT:
                tx.update(Budget(device.serial))
        return _TOLD.get(made.outcome, -1)


def trace_of(
    study: Study, chunk: Chunk, precision: Precision = "single", block: int = 1024
) -> np.ndarray:
    """What the kernel decided, in the order of policies, tokens and time."""
    rows = np.zeros((4 * chunk.tokens * study.weeks * len(study.policies) * 5, 6), np.int64)
    tally = run_chunk(study, chunk, precision=precision, block=block, trace=rows)
    del tally
    used = rows[: int((rows[:, 3] > 0).sum())]
    return used[np.lexsort((np.arange(len(used)), used[:, 1], used[:, 0]))]


Compare = Callable[..., tuple[int, list[tuple[int, ...]]]]


@pytest.fixture(scope="session")
def differences() -> Compare:
    """Decisions in which kernel and object model differ, and how many there were."""

    def compare(
        study: Study, precision: Precision = "double", only: Chunk | None = None
    ) -> tuple[int, list[tuple[int, ...]]]:
        found: list[tuple[int, ...]] = []
        count = 0
        for chunk in [only] if only else chunks(study):
            keys, drawn = draw_tokens(study, chunk)
            rows = trace_of(study, chunk, precision)
            count += len(rows)
            for (policy, lane), group in groupby(rows.tolist(), lambda row: (row[0], row[1])):
                profile = study.policies[policy].figures
                one = fob(study, chunk, int(keys[lane]), drawn[lane])
                verifier = Verifier(study, profile, one.token.seed)
                for _, _, kind, tick, delay, told in group:
                    codes = []
                    for read in range(1 if kind == layout.CODE else 2):
                        at_ns = study.begin_ns + tick * TICK_NS + read * study.period
                        one.timeline.run_until(at_ns)
                        codes.append(one.token.read_code())
                    handed_in_ns = at_ns + delay * TICK_NS
                    made = verifier.decide(kind, codes, handed_in_ns)
                    if made != told:
                        found.append((policy, lane, kind, tick, delay, told, made))
                        break
        return count, found

    return compare
