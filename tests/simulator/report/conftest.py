"""A small log writer, and logs that look like those of real runs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from mfalab.simulator.report import HtmlReport, JUnitReport, Report
from mfalab.simulator.report.pack import Packer

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
START = 1_772_442_000 * SECOND  # 2026-03-02T09:00:00Z
WALL = 1_795_000_000 * SECOND
HOSTILE = (
    '<script>alert("x")</script></script><!-- \x1b[31mred\x07 \u202eright-to-left ]]> & \ud83d'
)

Offset = Callable[[int], float]
"""Seconds wrong at so many nanoseconds of true time since the start."""


@dataclass
class Story:
    """Writes the lines of one case; true time moves only when the story says so."""

    lines: list[dict[str, object]]
    case: str
    offsets: dict[str, Offset] = field(default_factory=dict)
    ns: int = 0
    step_number: int = 0
    seed: str = "7"

    def write(self, kind: str, **fields: object) -> None:
        line = {"v": 1, "kind": kind, "case": self.case, "ts_ns": START + self.ns, **fields}
        self.lines.append(line)

    def start(self, title: str, topic: str, lanes: list[tuple[str, str, str]], **changes: object):
        name, _, params = self.case.partition("[")
        self.case = f"{topic}/{self.case}"
        self.write(
            "case_started",
            **{
                "file": f"scenarios/{topic}/{name}.scenario.yaml",
                "name": name,
                "params": params.removesuffix("]"),
                "line": 1,
                "scenario": title,
                "topic": topic,
                "source": "IAM User Guide, resynchronizing devices",
                "tags": ["totp"],
                "profile": "aws-immediate",
                "seed": self.seed,
                "lanes": [{"id": i, "kind": k, "label": label} for i, k, label in lanes],
                **changes,
            },
        )

    def sample(self) -> None:
        for lane, offset in self.offsets.items():
            self.write("clock", lane=lane, offset_s=offset(self.ns), alive=True)

    def wait(self, duration_ns: int, samples: int = 1) -> None:
        begin = self.ns
        for index in range(1, samples + 1):
            self.ns = begin + duration_ns * index // samples
            self.sample()

    def note(self, lane: str, what: str, **detail: object) -> None:
        self.write("note", lane=lane, what=what, detail=detail)

    def decide(self, device: str, operation: str, outcome: str, **detail: object) -> None:
        self.write(
            "decision",
            lane="verifier",
            device=device,
            operation=operation,
            outcome=outcome,
            detail=detail,
        )

    def window(self, lane: str, centre: float | None, cause: str) -> None:
        low, high = (None, None) if centre is None else (centre - 75.0, centre + 75.0)
        self.write("window", lane=lane, low_s=low, high_s=high, cause=cause)

    def measure(self, name: str, value: object, unit: str, limit: str, verdict="passed") -> None:
        self.write(
            "measurement",
            name=name,
            value=value,
            unit=unit,
            limit=limit,
            verdict=verdict,
            step=self.step_number,
        )

    @contextmanager
    def step(
        self, do: str, rest: str = "", outcome="accepted", expected="accepted", **more: object
    ) -> Iterator[None]:
        self.step_number += 1
        text = f"- {{do: {do}{', ' + rest if rest else ''}}}"
        line = 11 + self.step_number
        self.write("step_started", step=self.step_number, do=do, line=line, text=text)
        self.sample()
        yield
        self.write(
            "step_finished",
            **{
                "step": self.step_number,
                "verdict": "passed",
                "outcome": outcome,
                "message": "",
                "expected": expected,
                **more,
            },
        )

    def finish(
        self, verdict: str = "passed", why: str = "", believed: object = (), wall=30_000_000
    ):
        quoted = self.case.replace("'", "")
        self.write(
            "case_finished",
            verdict=verdict,
            why=why,
            believed=believed,
            reproduce=f"mfalab run scenarios --case '{quoted}' --seed {self.seed}",
            wall_duration_ns=wall,
        )

    def type_code(self, person: str, device: str) -> None:
        """A person reads a code off a device and types it."""
        self.note(person, "presses the button", device=device)
        self.ns += 400_000_000
        self.note(device, "shows a code", code="******", believed_step=59_081_400)
        self.ns += 4 * SECOND
        self.note(person, "types the code", code="******")
        self.ns += SECOND // 2


REFUSAL = "MultiFactorAuthentication failed with invalid MFA one time pass code."
FOB_LANES = [
    ("alice", "person", "alice"),
    ("fob", "device", "fob"),
    ("verifier", "verifier", "verifier"),
]


def drift_story(lines: list[dict[str, object]], ppm: float = 45.0, *, broken: bool = False) -> None:
    """A fob drifts out of the window, is refused, is resynchronised, and serves again."""
    story = Story(lines, f"fob_drift[{ppm:g} ppm]")
    story.offsets["fob"] = lambda ns: -2.0 + ns / SECOND * ppm * 1e-6
    story.start(
        "A fob that drifted out of the window is resynchronised",
        "drift",
        FOB_LANES,
        tags=["drift", "resync", "hardware-token"],
    )
    with story.step("enable", "who: alice, device: fob"):
        story.type_code("alice", "fob")
        story.ns += 27 * SECOND
        story.type_code("alice", "fob")
        story.decide("fob", "EnableMFADevice", "accepted", server_step=59_081_401, offset_steps=0)
        story.window("fob", 0.0, "enable")
    with story.step("sign_in", "who: alice, with: fob"):
        story.ns += 60 * SECOND
        story.type_code("alice", "fob")
        story.decide("fob", "ConsoleLogin", "accepted", server_step=59_081_403, offset_steps=0)
    with story.step("wait", "for: 400 d"):
        story.wait(400 * DAY, 60)
    story.measure("offset", round(story.offsets["fob"](story.ns) / 30, 1), "steps", "")
    expected = "refused: InvalidAuthenticationCode"
    outcome = "InvalidAuthenticationCode"
    with story.step(
        "sign_in",
        "who: alice, with: fob, expect: {refused: InvalidAuthenticationCode}",
        outcome,
        expected,
        message=REFUSAL,
    ):
        story.type_code("alice", "fob")
        story.decide("fob", "ConsoleLogin", "wrong", server_step=60_233_403, offset_steps=51)
    offset = story.offsets["fob"](story.ns)
    with story.step("resync", "who: alice, device: fob"):
        story.type_code("alice", "fob")
        story.ns += 27 * SECOND
        story.type_code("alice", "fob")
        story.decide("fob", "ResyncMFADevice", "accepted", server_step=60_233_405, offset_steps=51)
        story.window("fob", -offset if broken else offset, "resync")
    story.measure("searched", 51, "steps", "<= 1000 steps")
    failure: dict[str, object] = {}
    if broken:
        failure = {
            "verdict": "failed",
            "message": REFUSAL,
            "why": "the verifier refused a code that the scenario expects it to accept",
        }
    with story.step(
        "sign_in",
        "who: alice, with: fob",
        "InvalidAuthenticationCode" if broken else "accepted",
        **failure,
    ):
        story.ns += 30 * SECOND
        story.type_code("alice", "fob")
        story.decide("fob", "ConsoleLogin", "wrong" if broken else "accepted", offset_steps=51)
    if not broken:
        with story.step("wait", "for: 20 d"):
            story.wait(20 * DAY, 12)
        with story.step("sign_in", "who: alice, with: fob"):
            story.type_code("alice", "fob")
            story.decide("fob", "ConsoleLogin", "accepted", offset_steps=53)
        story.finish(wall=41_000_000)
        return
    with story.step("sign_in", "who: alice, with: fob", "", "", verdict="skipped"):
        pass
    believed = [
        {
            "lane": "fob",
            "offset_s": round(story.offsets["fob"](story.ns), 3),
            "text": "2027-04-06T09:29:13Z, step 60233457",
        },
        {"lane": "verifier", "offset_s": 0.0, "text": "2027-04-06T09:03:20Z, step 60233406"},
    ]
    file = "scenarios/drift/fob_drift.scenario.yaml"
    story.finish("failed", f"{file}:17: step 6 (sign_in): {failure['why']}", believed)


def sms_story(lines: list[dict[str, object]]) -> None:
    """A message is delayed beyond its code's life; the second one arrives twice."""
    story = Story(lines, "sms_late")
    story.offsets["phone"] = lambda ns: 0.08
    story.start(
        "A code that the carrier delays is refused, and the next one is accepted",
        "sms",
        [
            ("bob", "person", "bob"),
            ("phone", "device", "bob's phone"),
            ("verifier", "verifier", "verifier"),
            ("carrier", "world", "carrier"),
        ],
        tags=["sms", "legacy"],
    )
    with story.step("enable", "who: bob, device: phone"):
        story.note("verifier", "sends a code", to="phone")
        story.note("carrier", "takes a message", delay="3.1 s")
        story.ns += 3_100_000_000
        story.note("phone", "receives a message", code="******")
        story.ns += 6 * SECOND
        story.note("bob", "types the code")
        story.decide("phone", "EnableMFADevice", "accepted")
    with story.step(
        "sign_in", "who: bob, with: phone", "InvalidAuthenticationCode", "refused", message=REFUSAL
    ):
        story.note("verifier", "sends a code", to="phone")
        story.note("carrier", "takes a message", delay="17 min")
        story.wait(17 * 60 * SECOND, 4)
        story.note("phone", "receives a message", code="******")
        story.ns += 5 * SECOND
        story.note("bob", "types the code")
        story.decide("phone", "ConsoleLogin", "expired", age_s=1025)
    with story.step("sign_in", "who: bob, with: phone"):
        story.note("verifier", "sends a code", to="phone")
        story.note("carrier", "takes a message", delay="2.0 s")
        story.ns += 2 * SECOND
        story.note("phone", "receives a message")
        story.ns += SECOND
        story.note("carrier", "delivers a duplicate")
        story.note("phone", "receives a message")
        story.ns += 8 * SECOND
        story.note("bob", "types the code")
        story.decide("phone", "ConsoleLogin", "accepted")
    story.measure("delivery, slowest", 1020.0, "s", "<= 1200 s", "marginal")
    story.measure("delivery, median", 3.1, "s", "<= 10 s")
    story.finish(wall=12_000_000)


def limit_story(lines: list[dict[str, object]]) -> None:
    """Several devices of several kinds, one frozen, one that dies."""
    story = Story(lines, "many_devices")
    lanes = [
        ("carol", "person", "carol"),
        ("ada", "person", "ada (administrator)"),
        ("old_fob", "device", "old fob"),
        ("new_fob", "device", "new fob"),
        ("tablet", "device", "tablet, set by hand"),
        ("phone", "device", "phone"),
        ("verifier", "verifier", "verifier"),
        ("mail", "world", "mail"),
    ]
    story.offsets = {
        "old_fob": lambda ns: 12.0 - ns / SECOND * 20e-6,
        "new_fob": lambda ns: 1.0 + ns / SECOND * 8e-6 + 3.0 * ((ns // DAY) % 365 > 180),
        "tablet": lambda ns: -7200.0,
        "phone": lambda ns: 0.05 * ((ns // DAY) % 3),
        "verifier": lambda ns: 0.0,
    }
    story.start("Any one of several devices suffices for ten years", "devices", lanes)
    for device in ("old_fob", "new_fob", "phone"):
        with story.step("enable", f"who: carol, device: {device}"):
            story.type_code("carol", device)
            story.decide(device, "EnableMFADevice", "accepted")
            story.window(device, story.offsets[device](story.ns), "enable")
    for year in range(1, 4):
        with story.step("wait", "for: 1217 d"):
            story.wait(1217 * DAY, 40)
        with story.step("sign_in", f"who: carol, with: {('phone', 'new_fob')[year % 2]}"):
            story.type_code("carol", ("phone", "new_fob")[year % 2])
            story.decide(("phone", "new_fob")[year % 2], "ConsoleLogin", "accepted")
    with story.step("deactivate", "who: ada, device: old_fob"):
        story.note("ada", "signs the request")
        story.decide("old_fob", "DeactivateMFADevice", "accepted")
        story.window("old_fob", None, "deactivate")
        story.note("mail", "tells carol")
    for _ in range(3):
        story.write("clock", lane="old_fob", offset_s=-900.0, alive=False)
        story.ns += 3600 * SECOND
    story.finish(wall=160_000_000)


def hostile_story(lines: list[dict[str, object]]) -> None:
    """Every text is hostile; the case errs before its second step."""
    story = Story(lines, f"hostile[{HOSTILE}]")
    story.offsets["fob"] = lambda ns: float("nan") if ns else 0.0
    story.start(
        HOSTILE,
        "enrolment",
        [("alice", "person", HOSTILE), ("fob", "device", HOSTILE), FOB_LANES[2]],
        file="scenarios/enrolment/hostile.scenario.yaml",
        tags=[HOSTILE, "totp"],
        source=HOSTILE,
        profile=HOSTILE,
    )
    with story.step("enable", f"who: {HOSTILE}", HOSTILE, HOSTILE, message=HOSTILE):
        story.note("alice", HOSTILE, **{HOSTILE: HOSTILE})
        story.ns += SECOND
        story.decide("fob", HOSTILE, HOSTILE, detail=HOSTILE)
        story.window("undeclared", 0.0, "enable")
    story.measure(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "failed")
    story.finish("error", HOSTILE, [{"lane": "fob", "offset_s": 1.5, "text": HOSTILE}])


def dull_story(lines: list[dict[str, object]], name: str, topic: str, title: str) -> None:
    """A plain enrolment that passes."""
    story = Story(lines, name)
    story.offsets["fob"] = lambda ns: 0.5
    story.start(title, topic, FOB_LANES, tags=["totp", "smoke"])
    with story.step("enable", "who: alice, device: fob"):
        story.type_code("alice", "fob")
        story.decide("fob", "EnableMFADevice", "accepted", offset_steps=0)
        story.window("fob", 0.0, "enable")
    story.finish(wall=4_000_000)


def run_of(
    cases: list[dict[str, object]], seed: str = "7", *, killed=False, wall=WALL
) -> list[str]:
    """The lines of a whole run around those of its cases."""
    verdicts = [line["verdict"] for line in cases if line["kind"] == "case_finished"]
    number = sum(line["kind"] == "case_started" for line in cases)
    first = {
        "v": 1,
        "kind": "run_started",
        "seed": seed,
        "mfalab": "0.1.0",
        "cases": number + (8 if killed else 0),
        "wall_ns": wall,
    }
    last = {
        "v": 1,
        "kind": "run_finished",
        "passed": verdicts.count("passed"),
        "failed": verdicts.count("failed"),
        "errors": verdicts.count("error"),
        "skipped": verdicts.count("skipped"),
        "wall_duration_ns": 4_100_000_000,
    }
    return [json.dumps(line) + "\n" for line in [first, *cases, *([] if killed else [last])]]


DULL = [
    ("enable_ok", "enrolment", "Two consecutive codes enable a virtual device"),
    ("enable_equal", "enrolment", "The same code twice is refused at enrolment"),
    ("enable_reversed", "enrolment", "Codes in the wrong order are refused"),
    ("replay", "replay", "A code is accepted once"),
    ("race", "replay", "One code presented by two requests at once is accepted exactly once"),
    ("guess", "throttle", "A guesser is throttled after nine wrong codes in three minutes"),
    ("root_sms", "root", "A text message does not recover the root user"),
    ("y2038", "clocks", "A verifier passes 19 January 2038 without refusing anybody"),
]


def story_lines(*, broken: bool = True) -> list[dict[str, object]]:
    """The cases of the sample run."""
    lines: list[dict[str, object]] = []
    for name, topic, title in DULL:
        dull_story(lines, name, topic, title)
    drift_story(lines, 20.0)
    drift_story(lines, 45.0, broken=broken)
    drift_story(lines, 90.0)
    sms_story(lines)
    limit_story(lines)
    story = Story(lines, "needs_bench")
    story.start("A security key answers over the kernel", "devices", FOB_LANES)
    story.finish("skipped", "no bench is configured")
    return lines


@pytest.fixture
def drift_events() -> list[dict[str, object]]:
    """The events of the drift story, which passes."""
    lines: list[dict[str, object]] = []
    drift_story(lines)
    return lines


@pytest.fixture
def failing_events() -> list[dict[str, object]]:
    """The events of the drift story with a verifier that resynchronises the wrong way."""
    lines: list[dict[str, object]] = []
    drift_story(lines, broken=True)
    return lines


@pytest.fixture
def hostile_events() -> list[dict[str, object]]:
    """The events of a case in which every text is hostile."""
    lines: list[dict[str, object]] = []
    hostile_story(lines)
    return lines


@pytest.fixture
def sample_log(hostile_events: list[dict[str, object]]) -> list[str]:
    """The log of a run with drift, SMS, many devices, a failure, an error and hostile text."""
    return run_of(story_lines() + hostile_events)


@pytest.fixture
def two_runs_log() -> list[str]:
    """A run that fails, a run of the same cases that passes, and one that was killed."""
    killed = story_lines(broken=False)[:-9]
    return [
        *run_of(story_lines()),
        *run_of(story_lines(broken=False), wall=WALL + DAY),
        *run_of(killed, killed=True, wall=WALL + 2 * DAY),
    ]


@pytest.fixture
def as_run() -> Callable[..., list[str]]:
    """Wraps the events of cases in a run."""
    return run_of


@pytest.fixture
def big_log() -> Callable[[int], list[str]]:
    """Makes the log of a run with so many scenarios of 8 steps, 6 lanes and noisy clocks."""
    return _big_log


def _big_log(cases: int) -> list[str]:
    lines: list[dict[str, object]] = []
    state = 1

    def chance() -> float:
        nonlocal state
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        return (state >> 33) / (1 << 31)

    devices = ("fob", "tablet", "phone")
    lanes = [
        ("alice", "person", "alice"),
        *((device, "device", device) for device in devices),
        ("verifier", "verifier", "verifier"),
        ("carrier", "world", "carrier"),
    ]
    for number in range(cases):
        story = Story(lines, f"story_{number // 4}[{chance() * 100:.1f} ppm]")
        for device in devices:
            ppm, noise = chance() * 90 - 45, chance() * 0.2
            story.offsets[device] = lambda ns, ppm=ppm, noise=noise: (
                ns / SECOND * ppm * 1e-6 + chance() * noise
            )
        topic = ("drift", "sms", "replay", "clocks", "root")[number % 5]
        story.start(f"Scenario number {number} about {topic}", topic, lanes, seed=str(chance()))
        bad = number % 50 == 0
        for step in range(8):
            device = devices[int(chance() * 3)]
            fails = bad and step == 7
            more = {"verdict": "failed", "why": "refused", "message": REFUSAL} if fails else {}
            if step % 4 == 2:
                with story.step("wait", f"for: {int(chance() * 400)} d"):
                    story.wait(int(chance() * 400) * DAY, 26)
                continue
            with story.step("sign_in", f"who: alice, with: {device}", **more):
                story.ns += int(chance() * 60 * SECOND)
                story.type_code("alice", device)
                server_step = (START + story.ns) // (30 * SECOND)
                story.decide(device, "ConsoleLogin", "accepted", server_step=server_step)
                if step == 0:
                    story.window(device, chance(), "enable")
        story.measure("offset", round(chance() * 4, 2), "steps", "<= 4 steps")
        story.finish("failed" if bad else "passed", wall=int(chance() * 50_000_000))
    return run_of(lines)


@pytest.fixture
def three_benches() -> list[tuple[str, list[str]]]:
    """The same four cases simulated, behind a hidraw node, and in a reader's field."""

    def log(bench: str | None, *verdicts: str) -> list[str]:
        lines: list[dict[str, object]] = []
        for number, verdict in enumerate(verdicts):
            story = Story(lines, f"case_{number}")
            on = {} if bench is None else {"bench": bench}
            story.start(f"Case number {number}", "keys", FOB_LANES, **on)
            if verdict != "skipped":
                with story.step("sign_in"):
                    story.ns += SECOND
            why = {"skipped": f"{bench} cannot do it", "failed": "expected accepted, got refused"}
            story.finish(verdict, why=why.get(verdict, ""))
        made = run_of(lines)
        if bench is not None:
            head = json.loads(made[0]) | {"bench": bench}
            made[0] = json.dumps(head)
        return made

    return [
        ("logs/sim.jsonl", log(None, "passed", "passed", "passed", "skipped")),
        ("logs/hid.jsonl", log("hid:/dev/hidraw0", "passed", "failed", "skipped", "skipped")),
        ("logs/nfc.jsonl", log("nfc:Virtual PCD", "passed", "passed", "skipped")),
    ]


def _taken(taker: HtmlReport | JUnitReport | Packer, report: Report) -> None:
    for number, run in enumerate(report.runs):
        for case in run.cases:
            taker.add(number, case)


@pytest.fixture
def html() -> Callable[[Report], str]:
    """The page of a report."""

    def render(report: Report) -> str:
        page = HtmlReport()
        _taken(page, report)
        return page.render(report)

    return render


@pytest.fixture
def junit() -> Callable[[Report], str]:
    """The JUnit XML of a report."""

    def render(report: Report) -> str:
        xml = JUnitReport()
        _taken(xml, report)
        return xml.render(report)

    return render


@pytest.fixture
def pack() -> Callable[[Report], Any]:
    """The data of a report's page."""

    def data(report: Report) -> Any:
        parts: list[bytes] = []
        packer = Packer(parts.append)
        _taken(packer, report)
        packer.close(report)
        return json.loads(b"".join(parts))

    return data
