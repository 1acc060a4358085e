"""Tallies as figures."""

import json
import os

import numpy as np
import pytest
from pyarrow import parquet

from mfalab.simulator.fleet import layout
from mfalab.simulator.fleet.results import COUNTED, Result, summary, write_parquet
from mfalab.simulator.fleet.simulate import nothing, simulate
from mfalab.simulator.fleet.study import Study


@pytest.fixture(scope="module")
def result() -> Result:
    study = Study.model_validate({"tokens": 300, "fleets": 3, "years": 1})
    *_, last = simulate(study)
    return Result.of(study, last)


def test_figures_are_the_sums_of_what_was_counted(result):
    aws, rfc = result.policies()
    assert (aws.name, rfc.name) == ("aws-observed", "rfc6238")
    assert aws.totals["logins"] == result.tallies.counts[0, :, :, layout.LOGINS].sum()
    years = result.study.weeks * 7 / 365.25
    assert aws.per_thousand_a_year("resyncs") == pytest.approx(
        1000 * aws.totals["resyncs"] / (900 * years)
    )
    assert 0 < aws.refused_once <= 1
    assert result.complete


def test_quantiles_by_month_are_over_the_fleets(result):
    logins = result.by_month(0, "logins")
    assert logins.shape == (3, len(result.firsts))
    of_fleets = np.sort(result.tallies.counts[0, :, 5, layout.LOGINS])
    assert logins[:, 5].tolist() == of_fleets.tolist()


def test_clocks_are_spread_more_from_month_to_month(result):
    steps = result.clock_steps()
    widths = steps[2] - steps[0]
    assert widths[-1] > widths[1]


def test_a_part_of_a_study_says_so():
    study = Study.model_validate({"tokens": 300, "years": 1})
    part = Result.of(study, nothing(study))
    assert not part.complete
    told = summary(part)
    assert told["complete"] is False
    assert [each["logins"] for each in told["policies"]] == [0, 0]


def test_a_summary_is_json_of_all_policies(result):
    told = summary(result)
    assert told["tokens"] == 900
    assert [each["name"] for each in told["policies"]] == ["aws-observed", "rfc6238"]
    assert len(told["months"]) == len(told["dead"]) == len(result.firsts)


def test_parquet_has_a_row_for_each_policy_fleet_and_month(result, tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("an older one")
    write_parquet(result, path)
    table = parquet.read_table(path)
    policies, fleets, months, _ = result.tallies.counts.shape
    assert table.num_rows == policies * fleets * months
    assert set(COUNTED) < set(table.column_names)
    rows = table.to_pylist()
    logins = sum(row["logins"] for row in rows if row["policy"] == "rfc6238")
    assert logins == result.policies()[1].totals["logins"]
    assert rows[months + 3]["month"] == result.firsts[3].isoformat()
    assert rows[months + 3]["fleet"] == 1
    told = table.schema.metadata
    assert json.loads(told[b"complete"]) is True
    assert json.loads(told[b"study"])["tokens"] == 300
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_that_cannot_be_written_leaves_what_was_there(result, tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_text("an older one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(OSError, match="No space"):
        write_parquet(result, path)
    assert path.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_for_a_pipe_leaves_the_pipe(result, tmp_path):
    """As root `--parquet /dev/null` made a file of the device that every program needs."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_parquet(result, pipe)
        assert os.read(reader, 4) == b"PAR1"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert [*tmp_path.iterdir()] == [pipe]
