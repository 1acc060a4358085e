"""The bench of a lab file, opened for a command."""

from types import SimpleNamespace

import pytest

from mfalab.devices.rig.errors import RigError
from mfalab.simulator.cli.bench import opened_bench, rigs_of
from mfalab.simulator.workbench import bench, lab_reading


def lab_with(*places: str, **rigs: object) -> SimpleNamespace:
    return SimpleNamespace(
        places=lambda: [("at", SimpleNamespace(rig=name)) for name in places], rigs=rigs
    )


class Bench:
    """Stands for a bench that has something to say, and may not close well."""

    trouble: Exception | None = None
    closed = 0

    def __init__(self, *_: object, **__: object) -> None: ...

    def warnings(self) -> list[str]:
        return ["office-key will be reset"]

    def close(self) -> None:
        Bench.closed += 1
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture(autouse=True)
def played(monkeypatch):
    monkeypatch.setattr(bench, "Bench", Bench)
    monkeypatch.setattr(lab_reading, "read_lab_file", lambda _: lab_with())
    monkeypatch.setattr(Bench, "closed", 0)


def test_without_places_no_rig_is_made():
    assert rigs_of(lab_with()) == {}


def test_each_rig_is_made_once_and_the_person_is_one():
    board = SimpleNamespace(driver="scpi", port="/dev/ttyACM0", serial=None, options={})
    rigs = rigs_of(lab_with("manual", "board", "board", board=board))
    assert [(name, rig.name) for name, rig in rigs.items()] == [
        ("manual", "manual"),
        ("board", "board"),
    ]


def test_what_may_be_lost_is_said_before_the_bench_is_used(tmp_path, capsys):
    with opened_bench(tmp_path / "lab.yaml", 1):
        assert capsys.readouterr().err == "office-key will be reset\n"
        assert Bench.closed == 0
    assert Bench.closed == 1


def test_a_bench_that_does_not_close_well_is_said_to_be_changed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Bench, "trouble", RigError("it broke"))
    with opened_bench(tmp_path / "lab.yaml", 1):
        pass
    assert capsys.readouterr().err.endswith("a key may not be as it was found: it broke\n")


def test_the_bench_is_closed_when_its_user_fails(tmp_path):
    with pytest.raises(KeyError), opened_bench(tmp_path / "lab.yaml", 1):
        raise KeyError
    assert Bench.closed == 1
