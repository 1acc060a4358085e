"""A key in another process, over UDP: as a fixture, and in a lab file."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from fido2.ctap2.base import Ctap2

from mfalab.devices.ctap.user import touching
from mfalab.devices.rig import RigSpec, open_rig
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_MS, NS_PER_S
from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.keys.fixture import CannotDo
from mfalab.simulator.keys.hands import Channel
from mfalab.simulator.keys.lock import InUse
from mfalab.simulator.keys.udp import DatagramReports, UdpFixture

SCENARIO = """\
scenario: A key is registered and signs in
people: {alice: {}}
devices: {key: {kind: security_key, owner: alice}}
steps:
  - {do: sign_in, who: alice}
  - {do: enable, who: alice, device: key}
  - {do: sign_in, who: alice, with: key}
"""


@dataclass(frozen=True)
class Plugged:
    """A key in another process."""

    port: int
    rig: Path


def mfalab(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mfalab", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugged]:
    folder = tmp_path_factory.mktemp("key")
    assert mfalab("key", "new", "my.key", cwd=folder).returncode == 0
    command = [sys.executable, "-m", "mfalab", "key", "plug", "my.key", "--udp", "0"]
    with subprocess.Popen(
        [*command, "--rig", "link"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        door = process.stdout.readline().decode()
        while process.stdout.readline() not in {b"plugged in\n", b""}:
            pass
        yield Plugged(int(door.rpartition(":")[2]), folder / "link")
        process.stdin.write(b"quit\n")
        process.stdin.close()


def test_a_rig_touches_it_and_cuts_its_power(plugged: Plugged) -> None:
    spec = RigSpec("hand", "scpi", str(plugged.rig))
    with open_rig(spec, clock=WALL) as rig:
        channel = Channel(rig, 1)
        with UdpFixture(str(plugged.port), touch=channel, power=channel) as fixture:
            assert fixture.can == {Ability.REPORTS, Ability.TOUCH, Ability.POWER}
            fixture.user = touching()
            with fixture.connect() as device:
                Ctap2(device).selection()
            fixture.power(False)
            with closing(fixture.reports()) as reports:
                reports.write(bytes(64))
                assert reports.read(50 * NS_PER_MS) is None
            fixture.power(True)
            with fixture.connect() as device:
                assert "FIDO_2_1" in Ctap2(device).info.versions


def test_its_rig_is_suggested_for_a_lab_file(plugged: Plugged) -> None:
    """What is printed is a lab file's, and opens."""
    said = mfalab("rig", "suggest", "--port", plugged.rig.name, cwd=plugged.rig.parent)
    assert said.returncode == 0, said.stderr
    key = f'{{at: "udp:{plugged.port}", touch: "rig1:1"}}'
    lab = f"lab: x\nkeys: {{a: {key}}}\nbind: {{security_key: a}}\n"
    (plugged.rig.parent / "lab.yaml").write_text(said.stdout + lab)
    checked = mfalab("lab", "check", plugged.rig.parent / "lab.yaml", cwd=Path.cwd())
    assert checked.returncode == 0, checked.stderr


def test_one_run_at_a_time_has_it_and_hands_must_be_named(plugged: Plugged) -> None:
    with UdpFixture(f"127.0.0.1:{plugged.port}") as fixture:
        with pytest.raises(InUse):
            UdpFixture(str(plugged.port))
        with pytest.raises(CannotDo, match="Give it a `power` channel"):
            fixture.power(False)


def test_a_lab_file_names_it(plugged: Plugged, tmp_path: Path) -> None:
    """All that a bench does with a key, over UDP: looked at, reset, used, reset again."""
    (tmp_path / "lab.yaml").write_text(f"""\
lab: Other process
rigs: {{hand: {{port: {plugged.rig}}}}}
keys:
  remote:
    at: "udp:{plugged.port}"
    touch: hand:1
    power: hand:1
    aaguid: 6d66616c616240008000000000000021
    destructive: true
bind: {{security_key: remote}}
""")
    checked = mfalab("lab", "check", "lab.yaml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert f"remote: udp:{plugged.port}, FIDO_2_1, can power, reports, touch" in checked.stdout
    (tmp_path / "a.scenario.yaml").write_text(SCENARIO)
    run = mfalab("run", "a.scenario.yaml", "--lab", "lab.yaml", "--log", "log", cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
    assert f"udp:{plugged.port}" in (tmp_path / "log").read_text()
    asked = mfalab("key", "test", "remote", "--lab", "lab.yaml", "-k", "getinfo", cwd=tmp_path)
    assert asked.returncode == 0, asked.stdout + asked.stderr


def test_nothing_listens_there(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with UdpFixture(str(port)) as fixture, pytest.raises(OSError, match="refused"):
        fixture.connect()
    (tmp_path / "lab.yaml").write_text(
        f'lab: x\nkeys: {{a: {{at: "udp:{port}"}}}}\nbind: {{security_key: a}}\n'
    )
    checked = mfalab("lab", "check", "lab.yaml", cwd=tmp_path)
    assert checked.returncode == 3
    assert "a: it does not answer: Connection refused" in checked.stderr
    assert len(checked.stderr.splitlines()) == 1


@pytest.mark.parametrize("size", [0, 1, 63, 65, 1500])
def test_datagram_of_another_size_is_no_report(size: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as key:
        key.bind(("127.0.0.1", 0))
        reports = DatagramReports(*key.getsockname())
        reports.write(b"r" * 64)
        report, client = key.recvfrom(100)
        assert report == b"r" * 64
        key.sendto(bytes(size), client)
        key.sendto(b"a" * 64, client)
        assert reports.read(NS_PER_S) == b"a" * 64
        key.sendto(bytes(size), client)
        assert reports.read(NS_PER_MS) is None
        reports.close()
        reports.close()
        with pytest.raises(OSError, match="closed"):
            reports.read(0)
