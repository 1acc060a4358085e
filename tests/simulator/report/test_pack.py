"""The data of the page is small, and small never means wrong."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.simulator.report import read_runs
from mfalab.simulator.report.model import ClockSample
from mfalab.simulator.report.pack import simplified


def _samples(offsets):
    return [ClockSample(index * 1_000, "fob", offset, True) for index, offset in enumerate(offsets)]


@given(
    st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=60),
    st.floats(0.001, 100),
)
def test_a_simplified_line_passes_every_sample_within_the_tolerance(offsets, tolerance):
    samples = _samples(offsets)
    kept = simplified(samples, tolerance)
    assert (kept[0], kept[-1]) == (samples[0], samples[-1])
    for left, right in pairwise(kept):
        span = right.ts_ns - left.ts_ns
        for sample in samples[left.ts_ns // 1_000 : right.ts_ns // 1_000]:
            share = (sample.ts_ns - left.ts_ns) / span
            line = left.offset_s + (right.offset_s - left.offset_s) * share
            assert abs(line - sample.offset_s) <= tolerance + 1e-6


def test_constant_drift_needs_two_samples():
    assert len(simplified(_samples([0.5 * index for index in range(400)]), 0.01)) == 2


def test_the_moment_of_death_is_kept():
    samples = _samples([0.0] * 10)
    samples[6:] = [ClockSample(s.ts_ns, s.lane, s.offset_s, False) for s in samples[6:]]
    assert [s.ts_ns // 1_000 for s in simplified(samples, 1.0)] == [0, 5, 6, 9]


def test_a_failing_case_keeps_every_sample_and_a_passing_one_does_not(
    as_run, drift_events, failing_events, pack
):
    def times(events):
        (case,) = pack(read_runs(as_run(events)))["cases"]
        return case["ck"][0][1]

    written = sum(event["kind"] == "clock" for event in failing_events)
    assert len(times(failing_events)) == written
    assert len(times(drift_events)) < 12


def test_a_long_passing_case_keeps_its_ends_and_says_what_is_cut(as_run, drift_events, pack):
    note = next(event for event in drift_events if event["kind"] == "note")
    flood = [{**note, "what": f"guess {number}"} for number in range(500)]
    (case,) = pack(read_runs(as_run([*drift_events[:3], *flood, *drift_events[3:]])))["cases"]
    assert len(case["ev"]) == 80
    assert case["cut"] == 500 + 32 - 80
    assert case["ev"][-1][-2] == "accepted"


def test_times_are_milliseconds_that_a_browser_can_hold(as_run, drift_events, pack):
    (case,) = pack(read_runs(as_run(drift_events)))["cases"]
    assert case["t0"] == 1_772_442_000_000
    assert case["d"] > 420 * 86_400_000


@pytest.mark.slow
def test_a_thousand_scenarios_stay_below_two_megabytes(big_log, html):
    lines = big_log(1_000)
    report = read_runs(lines)
    assert len(report.cases) == 1_000
    clocks = sum('"kind": "clock"' in line for line in lines)
    assert clocks > 1_000 * 3 * 55
    assert len(html(report).encode()) < 2_000_000
