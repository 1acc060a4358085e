"""Files of readings: what they may look like, and where their mistakes are."""

import pytest

from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.problems import ProblemsFound
from mfalab.simulator.twin.readings import (
    CodeReading,
    ReadingsFile,
    Temperature,
    Timing,
    read_readings,
)

NINE_NS = 1_772_442_000 * NS_PER_S
SECOND = Timing(NS_PER_S, NS_PER_S)
RFC_3339 = "write RFC 3339 with a zone, such as 2026-03-02T09:00:00Z"
CUT_OFF = "writing this line was cut off, remove it"
PUT_BEFORE = "put time,code before the readings"


def read(text: str) -> tuple[list[CodeReading], list[Temperature]]:
    return read_readings(text, name="fob.csv", digits=6, timing=SECOND)


def problems(text: str) -> list[str]:
    with pytest.raises(ProblemsFound) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def test_time_and_code_are_enough():
    readings, temperatures = read("time,code\n2026-03-02T09:00:00Z,004711\n")
    assert readings == [CodeReading(NINE_NS, "004711", SECOND, line=2)]
    assert temperatures == []


def test_columns_stand_in_any_order_and_times_too():
    readings, temperatures = read(
        "\ufefftemperature,code,time\r\n"
        '21.5,"004 711","2026-03-02 10:00:00+01:00"\r\n\r\n'
        ",123456,2026-03-02T08:59:00.250Z\r\n"
        "20,,2026-03-02T09:30:00Z\r\n"
    )
    assert [(each.at_ns - NINE_NS, each.code) for each in readings] == [
        (-59_750_000_000, "123456"),
        (0, "004711"),
    ]
    assert temperatures == [
        Temperature(NINE_NS, 21.5),
        Temperature(NINE_NS + 1800 * NS_PER_S, 20.0),
    ]


def test_a_row_says_how_well_its_moment_is_known():
    readings, _ = read(
        "time,code,early_s,late_s,changed\n"
        "2026-03-02T09:00:00Z,004711,0.5,,yes\n"
        "2026-03-02T09:00:01Z,004711,,,no\n"
    )
    assert readings[0].timing == Timing(NS_PER_S // 2, 0)
    assert readings[0].changed
    assert readings[1].timing == SECOND
    assert not readings[1].changed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "fob.csv:1:1: it is empty. The first line names the columns: time,code"),
        (
            "time,code,temprature\n",
            'fob.csv:1:11: there is no column "temprature"; did you mean "temperature"?',
        ),
        (
            "2026-03-02T09:00:00Z,123456\n",
            f"fob.csv:1:1: this line names no column of a file of readings; {PUT_BEFORE}",
        ),
        ("time,time,code\n", 'fob.csv:1:6: column "time" is named twice; keep one'),
        (
            "code\n123456\n",
            'fob.csv:1:1: the header has no column "time"; the first line names the columns',
        ),
        (
            "time,code\n2026-03-02T09:00:00,123456\n",
            f"fob.csv:2:1: '2026-03-02T09:00:00' has no zone; {RFC_3339}",
        ),
        (
            "time,code\n2026-03-02T09:00:00Z,12345\n",
            "fob.csv:2:22: a code of this token has 6 digits, this has 5 signs",
        ),
        (
            "time,code\n2026-03-02T09:00:00Z,\uff11\uff12\uff13\uff14\uff15\uff16\n",
            "fob.csv:2:22: a code of this token has 6 digits, this has 6 signs",
        ),
        (
            "time,code\n2026-03-02T09:00:00Z,\n",
            "fob.csv:2:22: neither a code nor a temperature stands here",
        ),
        (
            "time,code,temperature\n2026-03-02T09:00:00Z,123456,warm\n",
            'fob.csv:2:29: "warm" is no number from -60 to 120',
        ),
        (
            "time,code,changed\n2026-03-02T09:00:00Z,123456,perhaps\n",
            'fob.csv:2:29: "perhaps" is neither yes nor no',
        ),
        (
            "time,code,changed\n2026-03-02T09:00:00Z,123456\n",
            "fob.csv:2:22: 2 fields stand under 3 column names",
        ),
        (
            "time,code,changed\n2026-03-02T09:00:00Z,1234",
            f"fob.csv:2:22: 2 fields stand under 3 column names; {CUT_OFF}",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_column(text, problem):
    assert problems(text) == [problem]


def test_all_mistakes_are_told_at_once_and_no_code_is_quoted():
    told = problems("time,code\nyesterday,123456\n2026-03-02T09:00:00Z,7777777\n")
    assert len(told) == 2
    assert "7777777" not in "".join(told)


def test_what_is_added_is_read_again(tmp_path):
    path = tmp_path / "fob.csv"
    readings = [
        CodeReading(NINE_NS, "004711", Timing(10 * NS_PER_S, 0)),
        CodeReading(NINE_NS + 10**9, "123456", Timing(250_000_000, 0), changed=True),
    ]
    with ReadingsFile(path) as file:
        file.add(readings[0], 21.5)
    with ReadingsFile(path) as file:  # another day
        file.add(readings[1])
        on_disk = path.read_text()  # before it is closed
    found, temperatures = read(on_disk)
    assert [(r.at_ns, r.code, r.timing, r.changed) for r in found] == [
        (r.at_ns, r.code, r.timing, r.changed) for r in readings
    ]
    assert temperatures == [Temperature(NINE_NS, 21.5)]


def test_a_file_of_codes_is_for_its_owner_only(tmp_path):
    path = tmp_path / "fob.csv"
    ReadingsFile(path).__exit__(None, None, None)
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_ends_without_a_line_end_goes_on_in_a_new_line(tmp_path):
    path = tmp_path / "fob.csv"
    path.write_text(f"{ReadingsFile.HEADER}\n2026-03-02T09:00:00.000Z,004711,,1.000,0.000,no")
    with ReadingsFile(path) as file:
        file.add(CodeReading(NINE_NS, "123456", SECOND))
    assert len(read(path.read_text())[0]) == 2


def test_lines_are_not_added_under_other_columns(tmp_path):
    path = tmp_path / "fob.csv"
    path.write_text("time,code\n")
    with pytest.raises(ProblemsFound, match="lines can be added only to a file whose columns are"):
        ReadingsFile(path)
