"""Three fobs from one box spend five years in different climates: how wrong is each?

Prints each fob's offset after every year, and how many time steps a verifier would have to search.

    $ python fleet.py
"""

from mfalab import Timeline
from mfalab.simulator.clocks import TUNING_FORK, QuartzClock
from mfalab.simulator.clocks.climates import CLIMATES
from mfalab.simulator.clocks.durations import NS_PER_S, NS_PER_YEAR
from mfalab.simulator.entropy import Entropy

timeline = Timeline(start_ns=1_772_442_000 * NS_PER_S)  # 2026-03-02T09:00:00Z
chance = Entropy(seed=7)
crystal = TUNING_FORK.draw(chance.stream("crystal"))  # draw one for each fob to see them differ
fobs = {
    name: QuartzClock(timeline, crystal, climate=CLIMATES[name], noise=chance.stream(name))
    for name in ("drawer", "office", "car")
}

print("year", *(f"{name:>18}" for name in fobs))
for year in range(1, 6):
    timeline.advance(NS_PER_YEAR)
    offsets_s = [clock.offset_ns() / NS_PER_S for clock in fobs.values()]
    print(f"{year:4}", *(f"{offset:+8.1f} s {offset / 30:+6.1f}" for offset in offsets_s))
