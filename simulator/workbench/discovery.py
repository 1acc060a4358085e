"""What is plugged into this machine, and a lab file that uses it.

Looking changes nothing: a key is asked for its getInfo and nothing else, a reader whether a card
answers, and serial ports are listed without being opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mfalab.devices.errors import DeviceError
from mfalab.devices.transports.hidraw import HidNode, fido_nodes
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.keys.asking import Announced, ask_key
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.keys.hid import HidFixture
from mfalab.simulator.keys.nfc import NfcFixture, ReaderSilent, readers

_SILENCE_NS = 3 * NS_PER_S
"""A key that works answers getInfo in a tenth of that."""

UDEV_RULE = """\
# FIDO keys for the user at the machine. Save as /etc/udev/rules.d/70-mfalab.rules, then run
#   sudo udevadm control --reload && sudo udevadm trigger
# and plug the key in again. Machines with systemd 244 or later know FIDO keys by themselves.
KERNEL=="hidraw*", SUBSYSTEM=="hidraw", ENV{ID_FIDO_TOKEN}=="1", TAG+="uaccess"
# Simulated keys: mfalab key plug KEY --uhid
KERNEL=="uhid", SUBSYSTEM=="misc", TAG+="uaccess", OPTIONS+="static_node=uhid"
"""
"""What lets ordinary users reach keys and make simulated ones."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key tells of itself.

    Attributes:
        versions: of CTAP and U2F.
        aaguid: 32 hexadecimal digits; empty for a key of U2F.
        pin_is_set: None for a key that knows no PIN.
        not_canonical: why its getInfo is not canonical CBOR; empty when it is.
    """

    versions: tuple[str, ...]
    aaguid: str
    pin_is_set: bool | None
    not_canonical: str = ""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key behind a hidraw node.

    Attributes:
        node: where and what it is.
        info: what it tells; None when it could not be asked.
        trouble: why it could not be asked; empty when it was.
    """

    node: HidNode
    info: KeyInfo | None
    trouble: str


@dataclass(frozen=True, slots=True)
class FoundReader:
    """A card reader.

    Attributes:
        name: its name.
        info: what the key in its field tells; None when there is none.
        trouble: why no key answered; empty when one did.
    """

    name: str
    info: KeyInfo | None
    trouble: str


def find_keys() -> list[FoundKey]:
    """Every FIDO key behind a hidraw node."""
    found = []
    for node in fido_nodes():
        info, trouble = _ask(partial(HidFixture, node.path, silence_ns=_SILENCE_NS))
        found.append(FoundKey(node, info, trouble))
    return found


def find_readers() -> tuple[list[FoundReader], str]:
    """Every card reader; and why none can be reached, or nothing."""
    try:
        names = readers()
    except ReaderSilent as error:
        return [], str(error)
    found = []
    for name in names:
        info, trouble = _ask(partial(NfcFixture, name))
        found.append(FoundReader(name, info, trouble))
    return found, ""


def _ask(opened: Callable[[], Fixture]) -> tuple[KeyInfo | None, str]:
    """What one thing tells, or why it tells nothing; whatever it is, the others are asked, too."""
    try:
        with opened() as fixture, fixture.connect() as device:
            return _describe(ask_key(device)), ""
    except DeviceError as error:
        return None, str(error)
    except OSError as error:
        return None, error.strerror or str(error)


def _describe(told: Announced) -> KeyInfo:
    if told.info is None:
        return KeyInfo(told.versions, "", None)
    aaguid, pin = bytes(told.info.aaguid).hex(), told.info.options.get("clientPin")
    return KeyInfo(told.versions, aaguid, pin, "; ".join(told.problems[:1]))


def as_lab_file(keys: list[FoundKey], cards: list[FoundReader], rigs: list[str]) -> str:
    """A lab file with everything that was found, for people to cut down.

    Args:
        keys: keys behind hidraw nodes.
        cards: readers.
        rigs: the entries that `mfalab rig suggest` prints, one line each.
    """
    lines = ["lab: My bench"]
    if rigs:
        lines += ["rigs:", *(f"  {entry}" for entry in rigs)]
    lines.append("keys:")
    names: list[str] = []
    for found in keys:
        names.append(f"key{len(names) + 1}")
        lines.append(f"  {names[-1]}:")
        lines += [f"    {line}" for line in _key_entry(found)]
    for card in cards:
        if card.info is None:
            continue
        names.append(f"key{len(names) + 1}")
        lines += [f"  {names[-1]}:", f'    at: "nfc:{card.name}"']
        lines.append(f'    aaguid: "{card.info.aaguid}"')
    if not names:
        names, lines = ["key1"], [*lines, '  key1: {at: "sim:ctap-2.1-pin"}']
    lines += ["bind:", f"  security_key: [{', '.join(names)}]"]
    return "\n".join(lines) + "\n"


def _key_entry(found: FoundKey) -> list[str]:
    node = found.node
    lines = [f'at: "hid:{node.serial or node.port}"', f'port: "{node.port}"']
    if node.serial:
        lines.append(f'serial: "{node.serial}"')
    if found.info is not None and found.info.aaguid:
        lines.append(f'aaguid: "{found.info.aaguid}"')
    lines.append("touch: manual             # or a rig's channel, such as rig:1; or none")
    lines.append("power: none               # or a rig's channel, or manual")
    if found.info is not None and found.info.pin_is_set:
        lines.append('pin: "..."                # it has one')
    lines.append("destructive: false        # true lets runs reset it: all on it is lost")
    return lines
