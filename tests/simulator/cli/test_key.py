"""`mfalab key`: keys in files."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from mfalab.simulator.cli import command
from mfalab.simulator.cli.key import key

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.key"


@pytest.fixture
def run(file: Path) -> Run:
    return lambda *words: CliRunner().invoke(key, [str(word) for word in words])


class TestFiles:
    def test_the_group_is_part_of_the_command_line(self) -> None:
        assert command.get_command(click.Context(command), "key") is key

    def test_new_makes_a_key_that_info_describes(self, run: Run, file: Path) -> None:
        assert run("new", file).exit_code == 0
        shown = run("info", file)
        assert shown.exit_code == 0
        assert "CTAP 2.1 with PIN" in shown.output
        summary = json.loads(run("info", file, "--format", "json").output)
        assert summary["versions"] == ["U2F_V2", "FIDO_2_0", "FIDO_2_1_PRE", "FIDO_2_1"]
        assert (summary["pin_set"], summary["pin_retries"], summary["credentials"]) == (
            False,
            8,
            [],
        )

    def test_info_changes_nothing(self, run: Run, file: Path) -> None:
        run("new", file)
        before = file.read_bytes()
        run("info", file)
        assert file.read_bytes() == before

    def test_the_same_seed_makes_the_same_key(self, run: Run, tmp_path: Path) -> None:
        for name in ("a", "b"):
            run("new", tmp_path / name, "--seed", 7)
        run("new", tmp_path / "c", "--seed", 8)
        run("new", tmp_path / "d")
        run("new", tmp_path / "e")
        a, b, c, d, e = ((tmp_path / name).read_bytes() for name in "abcde")
        assert a == b
        assert len({a, c, d, e}) == 4

    def test_reset_makes_other_secrets_even_of_a_seeded_key(self, run: Run, file: Path) -> None:
        run("new", file, "--seed", 7, "--model", "ctap-2.1-bio")

        def secrets() -> str:
            return str(json.loads(file.read_text())["records"]["secrets"])

        seen = {secrets()}
        for _ in range(3):
            assert run("reset", file).exit_code == 0
            seen.add(secrets())
        assert len(seen) == 4
        assert "CTAP 2.1 biometric" in run("info", file).output

    def test_models_lists_what_new_takes(self, run: Run, tmp_path: Path) -> None:
        names = json.loads(run("models", "--format", "json").output)
        assert {"u2f-2016", "ctap-2.1-pin"} <= set(names)
        for name in names:
            assert name in run("models").output
            assert run("new", tmp_path / name, "--model", name).exit_code == 0

    def test_a_model_of_ones_own_is_found_from_anywhere(
        self, run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "own.toml").write_text('name = "Our own"\nversions = ["U2F_V2"]\n')
        monkeypatch.chdir(tmp_path)
        run("new", file, "--model", "own.toml")
        monkeypatch.chdir("/")
        assert "Our own" in run("info", file).output

    def test_an_existing_file_is_left_as_it_is(self, run: Run, file: Path) -> None:
        file.write_text("mine")
        result = run("new", file)
        assert result.exit_code == 2
        assert "exists already" in result.output
        assert file.read_text() == "mine"

    @pytest.mark.parametrize("verb", ["info", "reset", "plug"])
    @pytest.mark.parametrize("content", [None, "", "{}", "hello", '{"format": "other"}'])
    def test_a_file_that_is_no_key_is_wrong_usage(
        self, run: Run, file: Path, verb: str, content: str | None
    ) -> None:
        if content is not None:
            file.write_text(content)
        result = run(verb, file, *(["--udp", 0] if verb == "plug" else []))
        assert result.exit_code == 2
        assert "my.key" in result.output

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["new", "FILE", "--model", "nothing"], "ctap-2.1-pin"),
            (["new", "FILE", "--seed", "x"], "not a valid integer"),
            (["new", "/no/such/folder/my.key"], "cannot use"),
            (["plug", "FILE"], "--udp PORT or --tcp PORT"),
            (["plug", "FILE", "--udp", "70000"], "70000"),
            (["plug", "FILE", "--udp", "0", "--touch", "maybe"], "maybe"),
        ],
    )
    def test_wrong_usage_says_what_is_right(
        self, run: Run, file: Path, words: list[str], says: str
    ) -> None:
        result = run(*(str(file) if word == "FILE" else word for word in words))
        assert result.exit_code == 2
        assert says in result.output
        assert not file.exists()

    def test_a_port_in_use_is_exit_code_three(self, run: Run, file: Path) -> None:
        run("new", file)
        for kind, way in ((socket.SOCK_DGRAM, "--udp"), (socket.SOCK_STREAM, "--tcp")):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                result = run("plug", file, way, taken.getsockname()[1])
            assert result.exit_code == 3
            assert "cannot open" in result.output
        assert run("reset", file).exit_code == 0  # it was let go
