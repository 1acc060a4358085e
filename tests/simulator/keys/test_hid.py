"""A key behind a hidraw node: how it is found, watched, and switched off and on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfalab.devices.ctap.ctaphid import HidCommand, packets
from mfalab.devices.transports.hidraw import HidNode
from mfalab.simulator.keys import hid
from mfalab.simulator.keys.fixture import CannotDo
from mfalab.simulator.keys.hands import Channel, PromptWatch
from mfalab.simulator.keys.hid import (
    HidFixture,
    KeyNotFound,
    NotPermitted,
    ReportConnection,
    WatchedReports,
    find_node,
)

Nodes = list[HidNode]
MakeNode = Callable[..., HidNode]


class Queue:
    """Reports that wait to be read."""

    def __init__(self, *reports: bytes) -> None:
        self.waiting = list(reports)
        self.written: list[bytes] = []
        self.closed = False

    def write(self, report: bytes) -> None:
        self.written.append(report)

    def read(self, within_ns: int) -> bytes | None:
        return self.waiting.pop(0) if self.waiting else None

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("wanted", ["/dev/hidraw1", "0042", "1-2"])
def test_key_is_found_by_its_node_serial_number_or_port(
    plugged: Nodes, make_node: MakeNode, wanted: str
) -> None:
    plugged += [make_node(0), make_node(1, serial="0042", port="1-2")]
    assert find_node(wanted).path == "/dev/hidraw1"


def test_only_key_needs_no_name_and_one_of_several_does(
    plugged: Nodes, make_node: MakeNode
) -> None:
    plugged.append(make_node(0))
    assert find_node("").path == "/dev/hidraw0"
    plugged.append(make_node(1, serial="0042", port="1-2"))
    with pytest.raises(KeyNotFound) as caught:
        find_node("")
    assert "/dev/hidraw0 (A key, port 1-1); /dev/hidraw1 (A key, port 1-2, serial number 0042)" in (
        str(caught.value)
    )


def test_key_that_is_not_there_is_told_with_what_is(plugged: Nodes) -> None:
    with pytest.raises(KeyNotFound, match=r"hid:0042 is not one key .* Plugged in: nothing"):
        find_node("0042")


def test_key_that_may_not_be_opened_is_told_with_the_rule_to_install(
    plugged: Nodes, make_node: MakeNode
) -> None:
    plugged.append(make_node(0, openable=False))
    with pytest.raises(NotPermitted, match="Install the udev rule"):
        find_node("")


def test_watch_sees_what_is_read_and_that_the_way_is_closed() -> None:
    seen: list[str] = []
    watch = PromptWatch(lambda: seen.append("asked"), lambda: seen.append("settled"))
    inner = Queue(packets(1, HidCommand.KEEPALIVE, b"\x02")[0])
    reports = WatchedReports(inner, watch)
    reports.write(b"request")
    assert reports.read(1) is not None
    assert reports.read(1) is None
    assert seen == ["asked"]
    reports.close()
    assert (seen, inner.written, inner.closed) == (["asked", "settled"], [b"request"], True)


def test_key_that_is_busy_for_another_program_is_given_up() -> None:
    (busy,) = packets(1, HidCommand.ERROR, b"\x06")
    connection = ReportConnection(Queue(*[busy] * 50))
    for _ in range(49):
        assert connection.read_packet() == busy
    with pytest.raises(OSError, match="another program uses the key: it is busy for 5 s"):
        connection.read_packet()


def test_silent_key_is_an_error_for_a_client() -> None:
    connection = ReportConnection(Queue(b"answer"))
    assert connection.read_packet() == b"answer"
    with pytest.raises(OSError, match="the key said nothing for 60 s"):
        connection.read_packet()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Waiting takes no time; each entry is a wait, and something may happen in it."""
    waits: list[int] = []
    now = [0]

    def wait(_fixture: HidFixture, duration_ns: int) -> None:
        waits.append(duration_ns)
        now[0] += 10 * 10**9

    monkeypatch.setattr(HidFixture, "wait", wait)
    monkeypatch.setattr(HidFixture, "now_ns", lambda _fixture: now[0])
    return waits


def opened(make_node: MakeNode, plugged: Nodes, tmp_path: Path, rig: Any) -> HidFixture:
    plugged[:] = [make_node(0, serial=str(tmp_path))]
    return HidFixture("", power=Channel(rig, 1))


def test_key_is_the_same_behind_another_node_when_it_is_switched_on_again(
    plugged: Nodes, make_node: MakeNode, tmp_path: Path, rig: Any, patient: list[int]
) -> None:
    with opened(make_node, plugged, tmp_path, rig) as fixture:
        plugged.clear()
        fixture.power(False)
        plugged[:] = [make_node(7, serial=str(tmp_path))]
        fixture.power(True)
        assert fixture.node.path == "/dev/hidraw7"
    assert rig.did == [("power", 1, False), ("power", 1, True)]
    assert patient == []


@pytest.mark.parametrize(
    ("on", "there", "said"), [(True, False, "has not come back"), (False, True, "is still there")]
)
def test_key_that_does_not_follow_its_power_is_an_error(
    plugged: Nodes,
    make_node: MakeNode,
    tmp_path: Path,
    rig: Any,
    patient: list[int],
    on: bool,
    there: bool,
    said: str,
) -> None:
    with opened(make_node, plugged, tmp_path, rig) as fixture:
        if not there:
            plugged.clear()
        with pytest.raises(OSError, match=f"{said} 30 s after its power was switched .* at rig:1"):
            fixture.power(on)
    assert len(patient) == 4


def test_key_without_a_channel_for_its_power_cannot_be_switched(
    plugged: Nodes, make_node: MakeNode, tmp_path: Path
) -> None:
    plugged.append(make_node(0, serial=str(tmp_path)))
    with HidFixture("") as fixture, pytest.raises(CannotDo, match="Give it a `power` channel"):
        fixture.power(False)


def test_way_is_closed_when_no_client_can_use_it(
    plugged: Nodes, make_node: MakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged.append(make_node(0, serial=str(tmp_path)))
    silent = Queue()
    monkeypatch.setattr(hid, "HidrawReports", lambda _path: silent)
    with HidFixture("") as fixture, pytest.raises(OSError, match="the key said nothing"):
        fixture.connect()
    assert silent.closed
