"""Boxes and programs that speak as their makers say, and rigs that drive them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mfalab.devices.rig import Rig, RigSpec, make_rig
from mfalab.devices.rig.protocol_simrig import hosted
from mfalab.devices.rig.timing import SchedulerTiming
from mfalab.devices.schedule import OwnTime

NS_PER_MS = 10**6


class Box:
    """Relays behind a line; what happened to them is in `log`, with the time in ms."""

    def __init__(self, time: OwnTime, relays: int) -> None:
        self.scheduler = time
        self.plugged = True
        self.relays = [False] * relays
        self.log: list[tuple[int, int, bool]] = []

    def switch(self, relay: int, on: bool) -> None:
        if self.relays[relay - 1] != on:
            self.relays[relay - 1] = on
            self.log.append((self.scheduler.now_ns() // NS_PER_MS, relay, on))

    def feed(self, data: bytes) -> bytes:
        raise NotImplementedError


class NumatoBox(Box):
    """Echo, answer, LF CR, prompt."""

    half = b""

    def feed(self, data: bytes) -> bytes:
        said = data
        *commands, self.half = (self.half + data).split(b"\r")
        for command in commands:
            answer = self.do(command.decode().split())
            said += b"\n\r" + (answer + b"\n\r" if answer else b"") + b">"
        return said.replace(b"\r\n", b"\n").replace(b"\r\n\r", b"\n\r")

    def do(self, words: list[str]) -> bytes:
        match words:
            case ["relay", "on" | "off" as state, index]:
                self.switch(self.number(index), state == "on")
            case ["relay", "read", index]:
                return b"on" if self.relays[self.number(index) - 1] else b"off"
            case ["ver"]:
                return b"00000008"
            case ["id", "get"]:
                return b"lab00001"
        return b""

    def number(self, index: str) -> int:
        return 1 + "0123456789ABCDEFGHIJKLMNOPQRSTUV".index(index)


class LcusBox(Box):
    """Four bytes, no answer."""

    def feed(self, data: bytes) -> bytes:
        for start in range(0, len(data), 4):
            head, relay, on, total = data[start : start + 4]
            assert (head, total) == (0xA0, (head + relay + on) & 0xFF)
            self.switch(relay, bool(on))
        return b""


class DevantechBox(Box):
    """Single bytes."""

    module, stuck = 10, False

    def feed(self, data: bytes) -> bytes:
        said = b""
        for byte in data:
            if byte == 0x5A:
                said += bytes([self.module, 3])
            elif byte == 0x5B:
                said += bytes([sum(on << bit for bit, on in enumerate(self.relays))])
            elif 0x65 <= byte <= 0x6C and not self.stuck:
                self.switch(byte - 0x64, True)
            elif 0x6F <= byte <= 0x76 and not self.stuck:
                self.switch(byte - 0x6E, False)
        return said


BOXES: dict[str, tuple[type[Box], int]] = {
    "numato": (NumatoBox, 32),
    "lcus": (LcusBox, 8),
    "devantech": (DevantechBox, 2),
}


Open = Callable[..., Any]


@pytest.fixture
def bench(time: OwnTime, timing: SchedulerTiming) -> Open:
    """Makes a box and a rig with given options that drives it, not yet open."""

    @contextmanager
    def opened(driver: str, **options: str) -> Iterator[tuple[Rig, Any]]:
        kind, relays = BOXES[driver]
        if driver == "lcus":
            options.setdefault("relays", str(relays))
        box = kind(time, relays)
        with hosted(driver, box) as url:  # type: ignore[arg-type]
            spec = RigSpec("box", driver, url, options=options)
            yield make_rig(spec, clock=time, timing=timing), box

    return opened


YKUSHCMD = r"""
case "$*" in
  *-l*) printf '\n\nAttached YKUSH Boards:\n%s\n' "$(cat $0.boards)";;
  *-u*) [ -e $0.stuck ] || rm -f $0.off;;
  *-d*) [ -e $0.stuck ] || touch $0.off;;
  *-g*) if [ -e $0.off ]; then s=OFF; else s=ON; fi
        printf '\n\nDownstream port 1 is %s\n\n' $s;;
esac
echo "$*" >> $0.log
"""


Make = Callable[..., Rig]


@pytest.fixture
def make(time: OwnTime, timing: SchedulerTiming) -> Make:
    def made(driver: str, tool: Path, **fields: str) -> Rig:
        options = {"tool": str(tool), **{k: fields.pop(k) for k in ("board",) if k in fields}}
        spec = RigSpec("hub", driver, **fields, options=options)  # type: ignore[arg-type]
        return make_rig(spec, clock=time, timing=timing)

    return made


def script(path: Path, text: str) -> Path:
    path.write_text("#!/bin/sh" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def ykushcmd(tmp_path: Path) -> Path:
    made = script(tmp_path / "ykushcmd", YKUSHCMD)
    Path(f"{made}.boards").write_text("1. Board found with serial number: YK12345\n")
    return made


UHUBCTL = r"""
[ -e $0.fails ] && { echo 'No compatible devices detected!' >&2; exit 1; }
case "$*" in
  *'-a on'*) rm -f $0.off;;
  *'-a off'*) touch $0.off;;
esac
if [ -e $0.off ]; then p='0000 off'; else p='0103 power enable connect [1050:0407 Yubico Key]'; fi
echo 'Current status for hub 1-1.4 [2109:2817 VIA Labs Hub, USB 2.10, 4 ports, ppps]'
echo "  Port 2: $p"
[ -e $0.two ] && echo 'Current status for hub 2-1 [05e3:0610 GenesysLogic, USB 2.00, 2 ports, ppps]'
echo "$*" >> $0.log
"""


@pytest.fixture
def uhubctl(tmp_path: Path) -> Path:
    return script(tmp_path / "uhubctl", UHUBCTL)
