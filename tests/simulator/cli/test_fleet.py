"""The command `fleet`."""

import json

import pytest

SMALL = ("--tokens", "200", "--fleets", "2", "--years", "0.5")


def test_a_study_by_options_is_a_table(in_process):
    done = in_process("fleet", *SMALL, "--policy", "rfc6238", "--climate", "car")
    assert done.code == 0
    assert "2 x 200 tokens, 0.5 years" in done.out
    assert "rfc6238" in done.out
    assert "aws-observed" not in done.out


def test_a_study_is_told_to_programs(in_process):
    done = in_process("fleet", *SMALL, "--format", "json")
    told = json.loads(done.out)
    assert (done.code, told["complete"], told["tokens"]) == (0, True, 400)


def test_a_file_and_its_mistakes(in_process, tmp_path):
    path = tmp_path / "a.fleet.yaml"
    path.write_text("study: Ours\ntokens: 100\nfleets: 1\nyears: 0.5\n")
    assert "Ours\n1 x 100 tokens" in in_process("fleet", path).out
    path.write_text("study: Ours\nhabit: weakly\n")
    done = in_process("fleet", path)
    assert done.code == 2
    assert f'{path}:2:8: there is no habit "weakly"' in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tokens", "many"), "--tokens: Input should be a valid integer"),
        (("--begins", "2026-01-07"), "write 2026-01-05"),
        (("nothing.fleet.yaml",), "cannot be read"),
    ],
)
def test_bad_input_is_one_clear_error(in_process, words, said):
    done = in_process("fleet", *words)
    assert done.code == 2
    assert said in done.err


def test_an_interrupted_study_is_marked(in_process, monkeypatch):
    """Ctrl-C between chunks: what there is is told, and that it is a part."""
    from mfalab.simulator.fleet import simulate

    whole = simulate.simulate

    def interrupted(*told, **how):
        for place, each in enumerate(whole(*told, **how, chunk=100)):
            if place == 1:
                raise KeyboardInterrupt
            yield each

    monkeypatch.setattr(simulate, "simulate", interrupted)
    done = in_process("fleet", *SMALL)
    assert done.code == 130
    assert "PARTIAL: interrupted after 100 of 400 tokens" in done.out


def test_without_the_extra_it_says_what_to_install(in_process, monkeypatch):
    from mfalab.simulator.fleet import compiled

    def missing():
        raise compiled.ExtraMissing("numba")

    monkeypatch.setattr(compiled, "require_extra", missing)
    done = in_process("fleet", *SMALL)
    assert done.code == 3
    assert "pip install 'mfalab[fleet]'" in done.err


def test_reports_are_written_and_what_is_partial_is_marked_in_them(
    in_process, tmp_path, monkeypatch
):
    from pyarrow import parquet

    from mfalab.simulator.fleet import simulate

    page, table = tmp_path / "a.html", tmp_path / "a.parquet"
    done = in_process("fleet", *SMALL, "--html", page, "--parquet", table)
    assert done.code == 0
    assert done.out.endswith(f"\nreport: {page}\naggregates: {table}\n")
    assert "Partial" not in page.read_text()
    whole = simulate.simulate

    def interrupted(*told, **how):
        yield next(whole(*told, **how, chunk=100))
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "simulate", interrupted)
    done = in_process("fleet", *SMALL, "--html", page, "--parquet", table)
    assert done.code == 130
    assert "Partial: interrupted after 100 of 400 tokens." in page.read_text()
    assert parquet.read_schema(table).metadata[b"complete"] == b"false"


def test_a_report_that_cannot_be_written_is_told_before_the_work(in_process, tmp_path):
    done = in_process("fleet", *SMALL, "--html", tmp_path / "no" / "a.html")
    assert done.code == 2
    assert "cannot write" in done.err
    assert "tokens" not in done.out
