"""`mfalab key diff`: exit codes, the table and the JSON."""

import json

import pytest
from click.testing import CliRunner, Result

from mfalab.simulator.cli.key import key


def run(*words: object) -> Result:
    return CliRunner().invoke(key, ["diff", *map(str, words)])


def test_a_model_is_like_itself():
    done = run("sim:ctap-2.1-pin", "sim:ctap-2.1-pin")
    assert done.exit_code == 0
    assert "sim:ctap-2.1-pin and sim:ctap-2.1-pin are alike in " in done.output


def test_differences_are_counted_and_shown_in_a_table():
    done = run("sim:ctap-2.1-pin", "sim:ctap-2.3")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert {"request", "differs", "where"} <= set(" ".join(lines[:3]).split())
    assert "difference" in lines[-1]


def test_json_has_every_difference():
    done = run("sim:ctap-2.1-pin", "sim:ctap-2.3", "--json")
    told = json.loads(done.output)
    assert (told["first"], told["second"], told["alike"]) == (
        "sim:ctap-2.1-pin",
        "sim:ctap-2.3",
        False,
    )
    assert {"request", "part", "what", "first", "second"} <= set(told["differences"][0])


@pytest.mark.parametrize("words", [("sim:a",), ("sim:no-such", "sim:ctap-2.3"), ("x", "y")])
def test_wrong_keys_are_wrong_usage(words):
    assert run(*words).exit_code == 2
