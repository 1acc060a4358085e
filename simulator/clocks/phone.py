"""The phone: a clock kept right by the network, until the network is taken away.

With network time the offset is a sawtooth: every 18 to 24 hours a poll leaves an error of
N(0, 0.7 s) cut at 2.5 s, and the clock runs a few ppm off until the next. Now and then a carrier's
NITZ message is seconds off and stays until the next poll. Android polls about daily and leaves
errors below 2 s alone, which the residual stands for.

Without network time (airplane mode, or switched off by setting the clock by hand) the phone runs
freely on its own crystal, 5 to 20 ppm off in its own direction. The rate between polls is smaller
because a registered phone ties its crystal to the carrier.

Whether network time is there is a history of stretches; polls follow one plan of their own that
runs whether or not the phone hears it. Back on the network, the phone is at once where the plan
has it, which shortens the minutes a real phone takes to nothing.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from mfalab.devices.clock import Clock
from mfalab.simulator.clocks.base import DeviceClock
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.quartz import cut_normal
from mfalab.simulator.entropy import Stream


@dataclass(frozen=True, slots=True)
class NetworkTime:
    """How a phone's clock behaves with and without its network. All figures are choices.

    Args:
        residual_sigma_s: Spread of the error that a poll leaves.
        residual_limit_s: Largest error that a poll leaves.
        poll_min_s: Shortest time between polls.
        poll_max_s: Longest time between polls.
        connected_limit_ppm: Largest rate between polls; drawn uniformly, either direction.
        free_run_min_ppm: Smallest rate without network time.
        free_run_max_ppm: Largest rate without network time; drawn uniformly, either direction.
        outlier_chance: Chance that a poll's place is taken by a wrong NITZ message.
        outlier_min_s: Smallest error of such a message.
        outlier_max_s: Largest error of such a message.
    """

    residual_sigma_s: float = 0.7
    residual_limit_s: float = 2.5
    poll_min_s: int = 18 * 3600
    poll_max_s: int = 24 * 3600
    connected_limit_ppm: float = 4.0
    free_run_min_ppm: float = 5.0
    free_run_max_ppm: float = 20.0
    outlier_chance: float = 0.01
    outlier_min_s: float = 3.0
    outlier_max_s: float = 8.0


MOST_POLLS: Final = 2**14
"""After so many, 39 years, the plan begins again: it is kept, and time has 8,000 years."""


class _Polls:
    """The plan of polls and what each leaves, made in order and kept."""

    def __init__(
        self, begin_ns: int, network: NetworkTime, rate_ppm: float, stream: Stream
    ) -> None:
        self._network = network
        self._rate_ppm = rate_ppm
        self._stream = stream
        # The phone is somewhere between two polls when the run begins.
        self._times_ns = [begin_ns - stream.randrange(network.poll_min_s * NS_PER_S)]
        self._residuals_ns = [self._residual_ns()]

    def offset_ns(self, true_ns: int) -> int:
        """The sawtooth at that instant; before the first poll its slope is carried back."""
        times_ns, network = self._times_ns, self._network
        while times_ns[-1] <= true_ns and len(times_ns) <= MOST_POLLS:
            gap_s = self._stream.uniform(network.poll_min_s, network.poll_max_s)
            times_ns.append(times_ns[-1] + round(gap_s * NS_PER_S))
            self._residuals_ns.append(self._residual_ns())
        if true_ns >= times_ns[-1]:
            true_ns = times_ns[0] + (true_ns - times_ns[0]) % (times_ns[-1] - times_ns[0])
        index = max(0, bisect_right(times_ns, true_ns) - 1)
        return self._residuals_ns[index] + round(self._rate_ppm * (true_ns - times_ns[index]) / 1e6)

    def _residual_ns(self) -> int:
        network, stream = self._network, self._stream
        if stream.random() < network.outlier_chance:
            error_s = stream.uniform(network.outlier_min_s, network.outlier_max_s)
            error_s *= stream.choice((-1, 1))
        else:
            error_s = cut_normal(stream, 0.0, network.residual_sigma_s, network.residual_limit_s)
        return round(error_s * NS_PER_S)


@dataclass(frozen=True, slots=True)
class _FreeRun:
    since_ns: int
    offset_ns: int


class PhoneClock(DeviceClock):
    """A phone's clock; it begins with network time.

    Args:
        true_time: The timeline, or whatever stands for true time.
        stream: A stream of its own; decides rates, polls and residuals.
        network: The figures.
        free_run_ppm: The rate without network time, if it is not to be drawn.
    """

    def __init__(
        self,
        true_time: Clock,
        stream: Stream,
        network: NetworkTime = NetworkTime(),
        *,
        free_run_ppm: float | None = None,
    ) -> None:
        super().__init__(true_time)
        connected_ppm = stream.uniform(-network.connected_limit_ppm, network.connected_limit_ppm)
        drawn_ppm = stream.choice((-1, 1)) * stream.uniform(
            network.free_run_min_ppm, network.free_run_max_ppm
        )
        self.free_run_ppm: Final = drawn_ppm if free_run_ppm is None else free_run_ppm
        self._polls = _Polls(true_time.now_ns(), network, connected_ppm, stream)
        self._airplane = False
        self._network_time = True
        # Stretches from each instant on; None is network time. The first also held before.
        self._starts_ns: list[int] = [true_time.now_ns()]
        self._stretches: list[_FreeRun | None] = [None]

    def believed_ns(self, true_ns: int) -> int:
        """What this clock shows at the instant `true_ns`, in nanoseconds since the Unix epoch."""
        stretch = self._stretches[max(0, bisect_right(self._starts_ns, true_ns) - 1)]
        if stretch is None:
            return true_ns + self._polls.offset_ns(true_ns)
        drifted_ns = round(self.free_run_ppm * (true_ns - stretch.since_ns) / 1e6)
        return true_ns + stretch.offset_ns + drifted_ns

    def turns_ns(self) -> list[int]:
        """See `DeviceClock.turns_ns`."""
        return self._starts_ns[1:]

    def airplane(self, on: bool) -> None:
        """Switch airplane mode on or off, now."""
        offset_ns = self.offset_ns()
        self._airplane = on
        self._begin_stretch(offset_ns)

    def network(self, on: bool) -> None:
        """Switch automatic time on or off, now; it takes effect outside airplane mode."""
        offset_ns = self.offset_ns()
        self._network_time = on
        self._begin_stretch(offset_ns)

    def set_by_hand(self, believed_ns: int) -> None:
        """Set the clock to `believed_ns`, which switches automatic time off."""
        self._network_time = False
        self._begin_stretch(believed_ns - self._true_time.now_ns())

    def jump(self, delta_ns: int) -> None:
        """Move the clock by `delta_ns` by hand, which switches automatic time off."""
        self.set_by_hand(self.now_ns() + delta_ns)

    def _begin_stretch(self, offset_ns: int) -> None:
        now_ns = self._true_time.now_ns()
        disciplined = self._network_time and not self._airplane
        self._starts_ns.append(now_ns)
        self._stretches.append(None if disciplined else _FreeRun(now_ns, offset_ns))
