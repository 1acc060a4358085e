"""A run goes on when a test breaks, ends when the key does, and clears up."""

from dataclasses import replace

import pytest

from mfalab.devices.transports.wire import WireFaults
from mfalab.simulator.abilities import Ability
from mfalab.simulator.conformance.pins import Pin
from mfalab.simulator.conformance.run import KeyNotThere, PinWrong, run
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import ConformanceTest
from mfalab.simulator.conformance.verdicts import Failure, NotTested, Verdict
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.simulated import SimulatedFixture


def made(name, action=lambda subject: None, **traits):
    return ConformanceTest(
        name=name,
        chapter="Made up",
        section="CTAP 2.1 \u00a70",
        behaviour="It does.",
        requirement="It must.",
        run=action,
        **traits,
    )


def fails(subject):
    raise Failure("one thing", "another")


def breaks(subject):
    raise ZeroDivisionError("broken test")


def skips(subject):
    raise NotTested("it is not like that")


@pytest.fixture
def go(silent):
    def go(*tests, fixture=None, watcher=None, **options):
        return run(
            SimulatedFixture("ctap-2.1-pin") if fixture is None else fixture,
            tests,
            silent() if watcher is None else watcher,
            random_bytes=Entropy(1).random_bytes("client"),
            **options,
        )

    return go


def verdicts(found):
    return [result.verdict.value for result in found.results]


def test_one_broken_test_does_not_stop_the_others(go):
    found = go(made("one", breaks), made("two", fails), made("three", skips), made("four"))
    assert verdicts(found) == ["error", "failed", "skipped", "passed"]
    assert found.results[0].why == "ZeroDivisionError: broken test"
    assert (found.results[1].expected, found.results[1].got) == ("one thing", "another")
    assert found.results[2].why == "it is not like that"
    assert not found.passed


def test_all_passed_or_skipped_is_passed(go):
    found = go(made("one"), made("two", skips))
    assert found.passed
    assert found.counts == {Verdict.PASSED: 1, Verdict.SKIPPED: 1}


def test_a_key_that_went_silent_ends_the_run_with_one_reason(go):
    fixture = SimulatedFixture("ctap-2.1-pin")

    def stall(subject):
        fixture.key.wire = WireFaults(stalled=True)
        subject.hid.ping(subject.channel)

    found = go(made("one"), made("two", stall), made("three"), made("four"), fixture=fixture)
    assert verdicts(found) == ["passed", "failed", "skipped", "skipped"]
    assert {result.why for result in found.results[2:]} == {f"not run: {found.ended}"}
    assert "does not answer any more" in found.ended


def test_a_key_that_lost_its_power_is_brought_back_and_fails_one_test(go):
    fixture = SimulatedFixture("ctap-2.1-pin")

    def unplug(subject):
        fixture.key.unplug()

    found = go(made("one", unplug), made("two"), fixture=fixture)
    assert verdicts(found) == ["failed", "passed"]
    assert found.results[0].expected == "a key that answers"


def test_a_key_that_cannot_be_brought_back_ends_the_run(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    fixture.can -= {Ability.POWER}

    def unplug(subject):
        fixture.key.unplug()
        subject.hid.ping(subject.channel)

    found = go(made("one", unplug), made("two"), fixture=fixture)
    assert verdicts(found) == ["failed", "skipped"]
    assert found.ended.startswith("the key has gone")
    assert not found.ended.endswith(".")


def test_a_key_that_keeps_going_is_given_up(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    tests = [made(f"t{number}", lambda subject: fixture.key.unplug()) for number in range(6)]
    assert verdicts(go(*tests, fixture=fixture)) == ["failed"] * 4 + ["skipped"] * 2


def test_a_key_that_is_not_there_is_said_at_once(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    fixture.key.unplug()
    with pytest.raises(KeyNotThere, match="is not plugged in"):
        go(made("one"), fixture=fixture)


def test_a_key_that_says_nothing_from_the_start_is_not_there(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    fixture.key.wire = WireFaults(stalled=True)
    with pytest.raises(KeyNotThere, match="nothing for 3000 ms"):
        go(made("one"), fixture=fixture)


def test_reports_that_answer_nothing_fail_the_test_that_let_them_come(go):
    def careless(subject):
        subject.hid.send(subject.channel, 0x01, b"ping")

    found = go(made("one", careless), made("two"))
    assert verdicts(found) == ["failed", "passed"]
    assert found.results[0].expected == "no report that answers nothing"


@pytest.mark.parametrize(
    ("traits", "why"),
    [
        ({"destructive": True}, "it changes the key for good; run it with --destructive"),
        ({"needs": frozenset({Ability.POWER})}, "sim:ctap-2.1-pin cannot have its power cut"),
        ({"touches": 1}, "sim:ctap-2.1-pin cannot be touched"),
        ({"lasts_s": 601}, "it takes 601 s of real time"),
        ({"when": (lambda facts: "it is green",)}, "it is green"),
        ({"pin": Pin.SET}, "the key has no PIN, and setting one takes --destructive"),
    ],
)
def test_what_cannot_be_done_is_skipped_with_its_reason(go, traits, why):
    fixture = SimulatedFixture("ctap-2.1-pin")
    fixture.can = frozenset({Ability.REPORTS})
    found = go(made("one", breaks, **traits), fixture=fixture)
    assert (verdicts(found), found.results[0].why) == (["skipped"], why)


def test_the_key_is_not_touched_when_told_so(go):
    found = go(made("one", breaks, touches=1), touched=False)
    assert found.results[0].why == "sim:ctap-2.1-pin cannot be touched"


def test_destructive_is_refused_where_the_bench_does_not_allow_it(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    fixture.destructive = False
    found = go(made("one", breaks, destructive=True), fixture=fixture, destructive=True)
    assert "the bench does not allow that for sim:ctap-2.1-pin" in found.results[0].why
    assert not found.destructive


def test_a_pin_that_is_needed_is_set_and_removed_in_the_end(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    seen = []

    def look(subject):
        seen.append(fixture.key.state.pin_is_set)

    found = go(
        made("with", look, pin=Pin.SET),
        made("without", look, pin=Pin.ABSENT),
        fixture=fixture,
        destructive=True,
    )
    assert verdicts(found) == ["passed", "passed"]
    assert seen == [False, True]  # what is content without a PIN comes first
    assert [result.test.name for result in found.results] == ["with", "without"]
    assert not fixture.key.state.pin_is_set


def test_a_pin_that_could_not_be_removed_is_told(go):
    fixture = SimulatedFixture("ctap-2.1-pin")

    def worn(subject):
        from mfalab.devices.ctap.faults import Faults

        fixture.key.faults = Faults(worn_out_store=True)

    found = go(made("one", worn, pin=Pin.SET), fixture=fixture, destructive=True)
    assert fixture.key.state.pin_is_set
    (note,) = found.notes
    assert note.startswith("the PIN could not be removed from the key")
    assert note.endswith("The PIN is Kq7-vz2-.")


def test_a_pin_that_the_bench_knows_is_used_and_one_it_does_not_know_is_left_alone(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    setting = made(
        "one", lambda subject: setattr(fixture, "known", subject.pins.known), pin=Pin.SET
    )
    go(setting, fixture=fixture, destructive=True)
    assert fixture.known == "Kq7-vz2-"

    def keep(subject):
        subject.pins.set("Other-9-pin").must(0)
        subject.refresh()

    def use(subject):
        subject.pins.prove()

    go(made("set", keep), fixture=fixture)
    unknown = go(made("use", use, pin=Pin.SET), fixture=fixture)
    assert "say it with --pin" in unknown.results[0].why
    fixture.pin = "Other-9-pin"
    assert go(made("use", use, pin=Pin.SET), fixture=fixture).passed
    assert fixture.key.state.pin_is_set


def test_a_wrong_pin_is_tried_once_and_never_again(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    go(made("set", lambda subject: subject.pins.set("Other-9-pin").must(0)), fixture=fixture)
    fixture.pin = "another one"
    with pytest.raises(PinWrong, match="0x31 PIN_INVALID, and 7 tries are left"):
        go(*(made(f"t{number}", pin=Pin.SET) for number in range(9)), fixture=fixture)
    assert fixture.key.state.pin_retries == 7
    assert go(made("no PIN needed"), fixture=fixture).passed
    assert fixture.key.state.pin_retries == 7


def test_credentials_that_are_made_are_deleted_even_when_the_test_fails(go):
    fixture = SimulatedFixture("ctap-2.1-pin")
    stored = []

    def store(subject):
        subject.ceremonies.make(rk=True)
        stored.append(len(fixture.key.state.credentials))
        fails(subject)

    def look(subject):
        stored.append(len(fixture.key.state.credentials))

    found = go(
        made("one", store, pin=Pin.SET, touches=1),
        made("two", look, pin=Pin.SET),
        fixture=fixture,
        destructive=True,
    )
    assert verdicts(found) == ["failed", "passed"]
    assert stored == [1, 0]


def test_a_discoverable_credential_that_could_not_be_deleted_is_not_made(go):
    def store(subject):
        subject.ceremonies.make(rk=True)

    found = go(made("one", store, touches=1))
    assert "could not be deleted again" in found.results[0].why


def test_interruption_ends_the_run_and_still_clears_up(go):
    fixture = SimulatedFixture("ctap-2.1-pin")

    def interrupt(subject):
        raise KeyboardInterrupt

    found = go(
        made("one", pin=Pin.SET),
        made("two", interrupt, pin=Pin.SET),
        made("three", pin=Pin.SET),
        fixture=fixture,
        destructive=True,
    )
    assert verdicts(found) == ["passed", "interrupted", "skipped"]
    assert not found.passed
    assert "is Kq7" in found.notes[0] or not fixture.key.state.pin_is_set


def test_a_person_is_told_what_to_do_and_what_not(go, silent):
    def alone(subject):
        subject.user.stay_away()
        subject.user.present("thumb")

    watcher = silent()
    go(made("one", alone), watcher=watcher, by_hand=True)
    assert watcher.said == ["Do not touch the key now.", "Use this finger: thumb."]


def test_watcher_hears_of_tests_that_run_and_of_all_that_end(go, silent):
    watcher = silent()
    go(made("one"), made("two", destructive=True), watcher=watcher)
    assert watcher.begun == ["made-up/one"]
    assert watcher.ended == ["made-up/one", "made-up/two"]


def test_only_what_did_not_pass_keeps_what_passed(go):
    def ping(subject):
        subject.hid.ping(subject.channel)

    def ping_and_fail(subject):
        ping(subject)
        fails(subject)

    found = go(made("one", ping), made("two", ping_and_fail))
    assert [len(result.frames) for result in found.results] == [0, 2]


def test_same_chance_and_key_pass_the_same_bytes(chosen, silent):
    tests = [
        replace(test, run=lambda subject, run=test.run: (run(subject), fails(subject)))
        for test in chosen("getassertion/assertion-verifies", "clientpin/token-for-credmgmt")
    ]

    def frames():
        found = run(
            SimulatedFixture("ctap-2.1-pin"),
            tests,
            silent(),
            random_bytes=Entropy(1).random_bytes("client"),
            destructive=True,
        )
        return [result.frames for result in found.results]

    assert frames() == frames()


def breaks_at(call, monkeypatch, *, after=0):
    """Lets a call of the subject break as a defect of a simulated key does."""
    original, calls = getattr(Subject, call), []

    def broken(*arguments, **options):
        calls.append(call)
        if len(calls) > after:
            raise AssertionError("the key's own state")
        return original(*arguments, **options)

    monkeypatch.setattr(Subject, call, broken)


@pytest.mark.parametrize(("call", "first"), [("tidy", "failed"), ("answers", "error")])
def test_a_defect_of_a_simulated_key_between_tests_ends_the_run_with_its_words(
    go, monkeypatch, call, first
):
    breaks_at(call, monkeypatch)
    found = go(made("one", fails), made("two"))
    assert verdicts(found) == [first, "skipped"]
    assert found.ended == "clearing up broke: AssertionError: the key's own state"


@pytest.mark.parametrize("call", ["begin", "settle", "prepare"])
def test_a_defect_of_a_simulated_key_in_a_test_is_an_error_of_that_test(go, monkeypatch, call):
    breaks_at(call, monkeypatch)
    found = go(made("one"), made("two"))
    assert verdicts(found) == ["error", "error"]
    assert found.results[0].why == "AssertionError: the key's own state"


def test_a_defect_at_the_very_first_is_told_like_no_answer(go, monkeypatch):
    breaks_at("refresh", monkeypatch)
    with pytest.raises(KeyNotThere, match="AssertionError: the key's own state"):
        go(made("one"))


def test_a_defect_when_the_key_is_let_go_of_costs_no_result(go, monkeypatch):
    breaks_at("let_go", monkeypatch)
    assert verdicts(go(made("one"))) == ["passed"]


def test_a_defect_when_a_key_is_revived_ends_the_run(go, monkeypatch):
    breaks_at("power_cycle", monkeypatch)
    fixture = SimulatedFixture("ctap-2.1-pin")

    def unplug(subject):
        fixture.key.unplug()

    found = go(made("one", unplug), made("two"), fixture=fixture)
    assert verdicts(found) == ["failed", "skipped"]
    assert found.ended == "the key has gone: AssertionError: the key's own state"
