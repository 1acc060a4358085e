"""Durations and their spread."""

import pytest

from mfalab.simulator.conformance.timings import Spread, Stopwatch


@pytest.mark.parametrize(
    ("durations", "median", "p95"),
    [([5], 5, 5), ([1, 2], 1, 2), ([3, 1, 2], 2, 3), (list(range(1, 101)), 50, 95)],
)
def test_spread_is_by_nearest_rank(durations, median, p95):
    spread = Spread.of("signing", durations)
    assert (spread.count, spread.median_ns, spread.p95_ns) == (len(durations), median, p95)
    assert (spread.least_ns, spread.most_ns) == (min(durations), max(durations))


def test_stopwatch_tells_by_name():
    watch = Stopwatch()
    for name, duration in (("b", 2), ("a", 1), ("b", 4)):
        watch.add(name, duration)
    assert [(spread.name, spread.count) for spread in watch.spreads] == [("a", 1), ("b", 2)]
    assert watch.durations_ns("b") == [2, 4]
    assert watch.durations_ns("c") == []


def test_timings_are_in_the_fixtures_own_time(tested, chosen):
    """A key whose crypto takes 0.3 s is measured at 0.3 s, whatever this machine does."""
    from mfalab.devices.ctap.faults import Faults

    tests = chosen("whole-run/signing-is-in-time", "waiting-requests/keepalives-come-in-time")
    found, _ = tested(tests=tests, faults=Faults(slow_crypto_ns=300_000_000))
    spreads = {spread.name: spread for spread in found.spreads}
    assert (spreads["signing"].median_ns, spreads["signing"].count) == (300_000_000, 10)
    assert spreads["keepalive period"].p95_ns == 100_000_000
    assert spreads["makeCredential to its first byte after the touch"].median_ns == 600_000_000
