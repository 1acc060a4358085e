"""A desk: keys in wall time that a bench takes for real ones, under a simulated rig."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fido2.ctap import CtapDevice
from fido2.hid import CtapHidDevice

from mfalab.devices.ctap.user import absent
from mfalab.devices.rig import RigSpec, make_rig
from mfalab.devices.rig.board import SimulatedBoard
from mfalab.devices.rig.fittings import KeyPower, KeyTouch
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.schedule import WallTime
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.devices.transports.python_fido2 import descriptor
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks import WallClock
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.keys.fixture import Fixture, Reports
from mfalab.simulator.keys.hands import PromptWatch
from mfalab.simulator.keys.hid import ReportConnection, WatchedReports
from mfalab.simulator.keys.real import RealFixture
from mfalab.simulator.keys.simulated import KeyReports
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case, load_cases
from mfalab.simulator.workbench import bench as bench_module
from mfalab.simulator.workbench.address import Address
from mfalab.simulator.workbench.bench import Bench
from mfalab.simulator.workbench.lab_reading import read_lab_file

STORY = """\
scenario: A key is registered and signs in
people: {alice: {typing: instant}}
devices: {key: {kind: security_key, owner: alice%s}}
steps:
  - {do: sign_in, who: alice}
  - {do: enable, who: alice, device: key, using: console}
  - {do: sign_in, who: alice, with: key}
"""
LAB = """\
keys: {key: {at: "hid:ctap-2.1-pin", touch: "rig:1", power: "rig:1"%s}}
bind: {security_key: key}
"""


class DeskFixture(RealFixture):
    """A key of the desk, reached as one behind a hidraw node is."""

    def __init__(self, name: str, key: SecurityKey, time: WallTime, **hands: Any) -> None:
        super().__init__(name, frozenset({Ability.REPORTS}), **hands)
        self._key = key
        self._time = time

    def connect(self) -> CtapDevice:
        return CtapHidDevice(
            descriptor(self.name, HidDevice("desk", "", "")), ReportConnection(self.reports())
        )

    def reports(self) -> Reports:
        inner = KeyReports(self._key.connect(everything=True), self._time)
        return WatchedReports(inner, PromptWatch(self.asked, self.settled))

    def power(self, on: bool) -> None:
        assert self._power is not None
        self._power.rig.power(self._power.number, on)
        if on and not self._key.plugged:
            raise KeyUnplugged(self.name)


@dataclass
class Desk:
    """Keys by the names that addresses give them, and the board over them."""

    story: ClassVar[str] = STORY
    """A scenario with a key; `%s` says more of it."""
    own: ClassVar[str] = (
        'port: "1-1", aaguid: "6d66616c-6162-4000-8000-000000000021", destructive: true'
    )
    """What a lab file says of a key that may be changed for good."""
    folder: Path
    time: WallTime = field(default_factory=lambda: WallTime(WallClock()))
    keys: dict[str, SecurityKey] = field(default_factory=dict)
    board: SimulatedBoard | None = None
    doors: ExitStack = field(default_factory=ExitStack)

    def put(self, *models: str) -> None:
        """Lay keys on the desk, each under a finger of the board and in one of its ports."""
        for model in models:
            self.keys[model] = SecurityKey(
                model,
                random_bytes=Entropy(len(self.keys)).random_bytes("key"),
                scheduler=self.time,
                user=absent,
                name=model,
            )
            self.keys[model].plug()
        self.board = SimulatedBoard(
            self.time,
            touch=[KeyTouch(key) for key in self.keys.values()],
            power=[KeyPower(key) for key in self.keys.values()],
        )
        self.doors.enter_context(hosted(self.folder.name.replace("_", "-"), self.board))

    def opened(self, address: Address, **given: Any) -> Fixture:
        given.pop("seed")
        return DeskFixture(str(address), self.keys[address.rest], self.time, **given)

    def bench(self, lab: str) -> Bench:
        """The bench of a lab file's text; its rig is this desk's board."""
        url = f"simrig://{self.folder.name.replace('_', '-')}"
        path = self.folder / "lab.yaml"
        path.write_text(f"lab: Desk\nrigs: {{rig: {{port: '{url}'}}}}\n{lab}")
        read = read_lab_file(path)
        rig = make_rig(RigSpec("rig", "scpi", port=url), clock=WallClock())
        return Bench(read, {"rig": rig}, path=str(path))

    def case(self, text: str, number: int = 1) -> Case:
        path = self.folder / "desk" / f"story-{number}.scenario.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        (case,) = load_cases(path)
        return case


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An empty desk."""
    made = Desk(tmp_path)
    opened: Callable[..., Fixture] = made.opened
    monkeypatch.setattr(bench_module, "open_fixture", opened)
    with made.doors:
        yield made


@pytest.fixture
def bench(desk: Desk) -> Callable[[str], Bench]:
    """A bench with one key of CTAP 2.1; the text says more of the key."""

    def opened(more: str = "") -> Bench:
        if not desk.keys:
            desk.put("ctap-2.1-pin")
        made: Bench = desk.bench(LAB % (f", {more}" if more else ""))
        desk.doors.callback(made.close)
        return made

    return opened


@pytest.fixture
def play(desk: Desk) -> Callable[..., tuple[str, str]]:
    """Plays a scenario's text on a bench; the verdict, and why."""

    def run(text: str, bench: Bench, number: int = 1) -> tuple[str, str]:
        last = run_case(desk.case(text, number), 1, bench)[-1]
        return last["verdict"], last["why"]

    return run
