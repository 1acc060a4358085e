"""The lab from Python: the same steps as in a file."""

from pathlib import Path
from typing import Any

import pytest

from mfalab import ExpectationFailed, Lab, ScenarioError
from mfalab.simulator.language.units import LAST_INSTANT_NS
from mfalab.verifier import AWS_IMMEDIATE

DAY = 86_400 * 10**9


@pytest.fixture
def lab() -> Lab:
    return lab_of()


def lab_of(**changes: Any) -> Lab:
    setting: dict[str, Any] = {
        "people": {"alice": {}, "bob": {}, "ada": {"role": "administrator"}},
        "devices": {
            "fob": {"kind": "hardware_totp", "owner": "alice", "drift": "0 ppm"},
            "app": {"kind": "totp_app", "owner": "alice"},
        },
    }
    return Lab.of(**setting | changes)


def test_steps_are_methods_and_return_outcomes(lab: Lab) -> None:
    assert lab.enable(who="alice", device="fob").accepted
    outcome = lab.sign_in(
        who="alice", with_="fob", code="wrong", expect={"refused": "InvalidAuthenticationCode"}
    )
    assert outcome.refused == "InvalidAuthenticationCode"
    assert lab.try_again(who="alice", with_="fob").accepted
    assert lab.journal.step == 3


def test_reserved_words_have_an_underscore_behind(lab: Lab) -> None:
    """`lab.break_` once was no step, and ejected scenarios called it."""
    lab.break_(device="fob")
    assert not lab.device("fob").alive
    lab.wait(for_="1 d")


@pytest.mark.parametrize(
    ("verb", "hint"),
    [("enabel", '; did you mean "enable"?'), ("sign_on", '; did you mean "sign_in"?'), ("xy", "")],
)
def test_unknown_step_names_the_nearest(lab: Lab, verb: str, hint: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(lab, verb)
    assert str(caught.value) == f'a lab has no step "{verb}"{hint}'


def test_wrong_words_are_refused_before_anything_happens(lab: Lab) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'whom'"):
        lab.sign_in(whom="alice")
    with pytest.raises(ScenarioError, match="for: a duration has no unit 'dya'"):
        lab.wait(for_="1 dya")
    assert lab.journal.step == 0


@pytest.mark.parametrize(
    ("verb", "words", "sentence"),
    [
        ("sign_in", {"who": "alcie"}, 'there is no person "alcie"; did you mean "alice"?'),
        ("sign_in", {"who": "zzz"}, 'there is no person "zzz" (there is alice, bob, ada)'),
        (
            "enable",
            {"who": "alice", "device": "fbo"},
            'there is no device "fbo"; did you mean "fob"?',
        ),
        ("who_am_i", {"who": "alice", "using": "mfa"}, 'there is no session "mfa" (there is none)'),
        ("who_am_i", {"who": "alice", "using": "console"}, "alice is not signed in; add a sign_in"),
        ("try_again", {"who": "alice", "with_": "fob"}, "alice has no sign-in page open"),
        (
            "deactivate",
            {"who": "alice", "device": "app"},
            "app has no serial number yet; create it",
        ),
        ("create", {"who": "alice", "device": "fob"}, "fob is no authenticator app"),
        ("wait", {"until": "2020-01-01T00:00:00Z"}, "2020-01-01T00:00:00.000Z has passed"),
        ("travel", {"device": "app", "climate": "car"}, "app has no quartz clock"),
        (
            "replay",
            {"who": "bob", "as_": "alice", "device": "fob"},
            "no code of fob was typed yet",
        ),
    ],
)
def test_story_that_makes_no_sense_is_told_in_a_sentence(
    lab: Lab, verb: str, words: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        getattr(lab, verb)(**words)
    assert sentence in str(caught.value)


def test_failed_expectation_tells_what_was_expected_got_and_believed() -> None:
    lab = lab_of(verifier={"clock": {"offset": "3 s"}})
    lab.enable(who="alice", device="fob")
    with pytest.raises(ExpectationFailed) as caught:
        lab.sign_in(who="alice", with_="fob", code="wrong")
    failure = caught.value
    assert failure.expected == "accepted"
    assert failure.got.startswith("refused: InvalidAuthenticationCode")
    notes = "\n".join(failure.__notes__)
    assert "fob: 2026-03-02T09:0" in notes
    assert ", window from -2 to +2 time steps, " in notes
    assert "None" not in notes
    assert "verifier: 2026-03-02T09:0" in notes
    assert notes.endswith("3.0 s off")


@pytest.mark.parametrize(
    ("expect", "met"),
    [
        ({"refused": "InvalidAuthenticationCode"}, True),
        ({"refused": "any"}, True),
        ({"refused": "InvalidAuthenticationCode", "status": 403}, True),
        ({"refused": "AccessDenied"}, False),
        ({"refused": "any", "status": 400}, False),
        ({"refused": "any", "message": "No."}, False),
        ("accepted", False),
    ],
)
def test_expectation_holds_code_status_and_text(lab: Lab, expect: Any, met: bool) -> None:
    words = {"who": "alice", "device": "fob", "codes": "wrong", "expect": expect}
    if met:
        lab.enable(**words)
    else:
        with pytest.raises(ExpectationFailed):
            lab.enable(**words)


def test_accepted_is_not_refused_by_any(lab: Lab) -> None:
    with pytest.raises(ExpectationFailed, match="expected refused: any, got accepted"):
        lab.wait(for_="1 s", expect={"refused": "any"})


def test_failed_list_is_not_told_with_the_outcome_of_the_step_before(lab: Lab) -> None:
    lab.enable(who="alice", device="fob", codes="wrong", expect={"refused": "any"})
    with pytest.raises(ExpectationFailed, match="expected devices fob, got none"):
        lab.list_devices(who="alice", devices=["fob"])
    assert lab.last_outcome.accepted


def test_what_stops_a_person_is_a_refusal_of_ours(lab: Lab) -> None:
    lab.lose(who="alice", device="fob")
    assert lab.enable(who="alice", device="fob", expect={"refused": "NotHeld"}).message == (
        "alice does not have fob: it is lost"
    )
    lab.break_(device="app")
    lab.create(who="alice", device="app", expect={"refused": "DeviceUnusable"})


def test_time_passes_in_the_lab_only_when_somebody_takes_it() -> None:
    lab = lab_of(people={"alice": {"typing": "instant"}})
    start_ns = lab.timeline.now_ns()
    lab.sign_in(who="alice")
    assert lab.timeline.now_ns() == start_ns
    lab.wait(for_="400 d")
    assert lab.timeline.now_ns() == start_ns + 400 * DAY


def test_same_seed_makes_the_same_lab_and_another_does_not() -> None:
    def codes(seed: int) -> list[str]:
        lab = lab_of(seed=seed)
        return [
            lab.device("fob").code(),
            lab.device("fob").known_serial(),
            lab.person("ada").password,
        ]

    assert codes(7) == codes(7)
    assert not set(codes(7)) & set(codes(8))


def test_verifier_of_the_lab_has_the_profile_with_its_changes() -> None:
    lab = lab_of(
        verifier={"profile": "rfc6238", "window_back": "3 steps", "throttle_window": "60 s"}
    )
    profile = lab.verifier.profile
    assert (profile.name, profile.window_back, profile.throttle_window_s) == ("rfc6238", 3, 60)
    assert lab_of().verifier.profile == AWS_IMMEDIATE


def test_person_of_an_account_that_is_not_there_is_told() -> None:
    with pytest.raises(ScenarioError, match='no account "man"; did you mean "main"'):
        Lab.of(people={"alice": {"account": "man"}})


def test_measurement_is_logged_with_its_verdict(lab: Lab) -> None:
    lab.set_clock(device="fob", by="-95 s")
    lab.measure(device="fob", offset="<= 100 s")
    with pytest.raises(ExpectationFailed, match=r"expected <= 2 steps, got 3.167 steps"):
        lab.measure(device="fob", offset="<= 2 steps")
    measured = [event for event in lab.journal.log.events if event["kind"] == "measurement"]
    assert [(event["value"], event["unit"], event["verdict"]) for event in measured] == [
        (95.0, "s", "marginal"),
        (3.167, "steps", "failed"),
    ]


def test_lab_names_its_lanes_in_reading_order(lab: Lab) -> None:
    assert [(lane["id"], lane["kind"]) for lane in lab.lanes()] == [
        ("alice", "person"),
        ("bob", "person"),
        ("ada", "person"),
        ("fob", "device"),
        ("app", "device"),
        ("verifier", "verifier"),
        ("world", "world"),
    ]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read whole, in their order."""
    read, whole = [], Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    return read


@pytest.mark.parametrize("tokens", [5, 50, 500])
def test_seed_file_is_read_once_for_all_tokens_of_a_lab(
    tmp_path: Path, reads: list[Path], tokens: int
) -> None:
    """Each token read it twice: n tokens read n files of n lines."""
    path = tmp_path / "fobs.csv"
    serials = [f"GAHT{number:05d}" for number in range(tokens)]
    path.write_text("serial,seed\n" + "".join(f"{each},{'31' * 20}\n" for each in serials))
    lab = Lab.of(
        people={"alice": {}},
        devices={
            each: {"kind": "hardware_totp", "owner": "alice", "serial": each, "seeds": str(path)}
            for each in serials
        },
    )
    assert len(lab.devices) == tokens
    assert reads == [path]


@pytest.mark.parametrize(
    ("kind", "serial", "seeds", "why"),
    [
        ("hardware_totp", "A1", "none.csv", "fob: seeds: the seed file cannot be read: No such"),
        ("hardware_totp", "A2", "fobs.csv", 'fob: serial: the seed file has no token "A2"; did'),
        ("hardware_totp", "A1", "empty.csv", "fob: seeds: the seed file is wrong: empty.csv:1:1"),
        ("hardware_hotp", "A1", "fobs.csv", "fob: serial: A1 is time-based .* in the seed file"),
    ],
)
def test_token_that_its_seed_file_does_not_make_is_a_mistake_of_the_setting(
    tmp_path: Path, kind: str, serial: str, seeds: str, why: str
) -> None:
    """It was an OSError or a KeyError; one of the other kind was made without a word."""
    (tmp_path / "fobs.csv").write_text(f"serial,seed\nA1,{'31' * 20}\n")
    (tmp_path / "empty.csv").write_text("")
    words = {"kind": kind, "owner": "alice", "serial": serial, "seeds": str(tmp_path / seeds)}
    with pytest.raises(ScenarioError, match=why):
        Lab.of(people={"alice": {}}, devices={"fob": words})


# Routine: a step many times


def notes(lab: Lab, what: str) -> list[int]:
    """When something was noted, in time since the story began."""
    start_ns = lab.timeline.start_ns
    return [
        event["ts_ns"] - start_ns for event in lab.journal.log.events if event.get("what") == what
    ]


def test_occurrences_are_due_from_the_beginning_of_the_step_whatever_each_takes() -> None:
    lab = lab_of(people={"alice": {"typing": "20 s"}, "ada": {"role": "administrator"}})
    lab.enable(who="alice", device="app")
    began_ns = lab.timeline.now_ns() - lab.timeline.start_ns
    assert lab.sign_in(who="alice", with_="app", times=5, every="7 d").accepted
    due = [began_ns + number * 7 * DAY for number in range(5)]
    assert notes(lab, "types name and password") == due
    assert lab.journal.step == 2


def test_occurrences_without_every_follow_each_other(lab: Lab) -> None:
    lab.wait(for_="10 s", times=6)
    assert lab.timeline.now_ns() - lab.timeline.start_ns == 60 * 10**9


def test_occurrence_that_takes_longer_than_every_delays_the_next(lab: Lab) -> None:
    lab.wait(for_="10 s", times=3, every="4 s")
    assert lab.timeline.now_ns() - lab.timeline.start_ns == 30 * 10**9


def test_jitter_is_seeded_and_late_by_less_than_it_says() -> None:
    def late(seed: int) -> list[int]:
        lab = Lab.of(people={"alice": {}}, seed=seed)
        lab.sign_in(who="alice", times=40, every="1 d", jitter="3 h")
        at = notes(lab, "types name and password")
        return [moment - number * DAY for number, moment in enumerate(at)]

    assert late(1) == late(1)
    assert late(1) != late(2)
    assert all(0 <= each <= DAY // 8 for each in late(1))
    assert len(set(late(1))) == 40
    assert max(late(1)) > DAY // 10  # drawn from all of it


def test_failing_occurrence_is_named_and_is_the_last() -> None:
    slow = {"kind": "hardware_totp", "owner": "alice", "drift": "-12 ppm", "climate": "25 C"}
    lab = lab_of(devices={"fob": slow})
    lab.enable(who="alice", device="fob")
    with pytest.raises(ExpectationFailed) as caught:
        lab.sign_in(who="alice", with_="fob", times=40, every="30 d")
    number = len(notes(lab, "types name and password"))
    assert 2 < number < 40
    named = [note for note in caught.value.__notes__ if note.startswith("occurrence")]
    assert len(named) == 1
    assert named[0].startswith(f"occurrence {number} of 40, at 2026-")
    with pytest.raises(ExpectationFailed) as caught:
        lab.sign_in(who="alice", with_="fob", password="wrong")
    assert not [note for note in caught.value.__notes__ if note.startswith("occurrence")]


def test_work_of_a_routine_grows_with_its_occurrences() -> None:
    def events(times: int) -> int:
        lab = lab_of()
        lab.enable(who="alice", device="app")
        before = len(lab.journal.log.events)
        lab.sign_in(who="alice", with_="app", times=times, every="1 wk")
        return len(lab.journal.log.events) - before

    one = events(2) / 2
    assert [events(times) / times for times in (20, 200)] == pytest.approx([one, one], rel=0.1)


@pytest.mark.parametrize(
    "words",
    [
        {"for_": "9000 y"},
        {"for_": "1000 y", "times": 9},
        {"for_": "1 s", "times": 100, "every": "100 y"},
    ],
)
def test_time_does_not_pass_the_year_9999(lab: Lab, words: dict[str, Any]) -> None:
    """A wait of 9000 years a hundred thousand times over ran on and on."""
    with pytest.raises(ScenarioError, match="time ends with the year 9999"):
        lab.wait(**words)
    assert lab.timeline.now_ns() <= LAST_INSTANT_NS
