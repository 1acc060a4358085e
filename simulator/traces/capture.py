"""Recordings as pcapng files: frames in, frames out.

What has been masked is written down in a comment of the packet, in words that are read back, so a
reader of the file, man or program, never takes zeros for what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from mfalab.devices.transports.hid_device import HidDevice
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.links import (
    LINKTYPE_ISO_14443,
    LINKTYPE_USB,
    CardLink,
    Link,
    UsbLink,
)
from mfalab.simulator.traces.pcap import MAGICS, PcapReader
from mfalab.simulator.traces.pcapng import Packet, Port, Reader, Writer

APPLICATION: Final = "mfalab"
_CTAPHID, _CARD = "CTAPHID of a security key", "security key as a card"
_MASKED: Final = "secrets masked with zeros: bytes {} of the {}"
_READ_MASKED: Final = re.compile(r"secrets masked with zeros: bytes ([0-9, -]+) of the")


class CaptureWriter:
    """Writes frames of one key.

    Args:
        file: where to; each packet is flushed.
        name: the key's address or name.
        about: what a USB key says of itself.
        comment: what the recording is about.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        name: str = "",
        about: HidDevice | None = None,
        comment: str = "",
    ) -> None:
        self._writer = Writer(file, application=APPLICATION, comment=comment)
        self._name = name
        self._usb, self._card = UsbLink(about), CardLink()
        self._ports: dict[int, int] = {}
        self._link: tuple[Link, int] | None = None
        self._waiting: list[tuple[Frame, tuple[str, ...]]] = []

    def write(self, frame: Frame, comments: Iterable[str] = ()) -> None:
        """Write a frame.

        Power that comes is written with the next frame, which tells whether it is that of a port or
        of a field, or by `flush`.

        Raises:
            OSError: the file cannot be written.
        """
        if frame.kind is FrameKind.REPORT:
            self._link = self._usb, LINKTYPE_USB
        elif frame.kind is FrameKind.APDU:
            self._link = self._card, LINKTYPE_ISO_14443
        elif self._link is None or frame.kind is FrameKind.POWER_ON:
            self._waiting.append((frame, tuple(comments)))
            return
        self.flush()
        self._put(frame, comments)

    def flush(self) -> None:
        """Write what waits for the next frame, if it is known by now where it belongs.

        Raises:
            OSError: the file cannot be written.
        """
        if self._link is not None:
            waiting, self._waiting = self._waiting, []
            for frame, comments in waiting:
                self._put(frame, comments)

    def _put(self, frame: Frame, comments: Iterable[str]) -> None:
        assert self._link is not None
        link, linktype = self._link
        if linktype not in self._ports:
            description = _CTAPHID if linktype == LINKTYPE_USB else _CARD
            port = Port(linktype, self._name, description)
            self._ports[linktype] = self._writer.add_port(port)
        said = list(comments)
        if frame.masked:
            spans = ", ".join(f"{start}-{end - 1}" for start, end in frame.masked)
            said.append(_MASKED.format(spans, frame.kind.value))
        for packet in link.encode(frame):
            self._writer.write(self._ports[linktype], frame.ts_ns, packet, said)
            said = []


class CaptureReader:
    """Reads frames of one key.

    Args:
        file: where from.
        name: what to call it in errors.

    Attributes:
        cut: whether the file was cut; known when all frames have been read.
        key: the name of the key, as the recording has it; known after the first frame.
        lost: what kept traffic of a key from being read, a sentence; empty when nothing did. Known
            when all frames have been read.

    Raises:
        NotACapture: it is none, when the frames are read.
    """

    def __init__(self, file: BinaryIO, name: str = "the file") -> None:
        magic = file.read(4)
        file.seek(0)
        self._reader = PcapReader(file) if magic in MAGICS else Reader(file, name)
        self._links: dict[Port, Link] = {}
        self.key = ""

    @property
    def lost(self) -> str:
        """What kept traffic of a key from being read."""
        return next((link.lost for link in self._links.values() if link.lost), "")

    @property
    def cut(self) -> bool:
        """Whether the file was cut."""
        return self._reader.cut

    def __iter__(self) -> Iterator[Frame]:
        for packet in self._reader:
            frame = self._link_of(packet.port).decode(packet)
            if frame is not None:
                self.key = self.key or packet.port.name
                yield frame.mask(_masked(packet)) if packet.comments else frame

    def _link_of(self, port: Port) -> Link:
        if port not in self._links:
            card = port.linktype == LINKTYPE_ISO_14443
            ours = port.description == _CTAPHID
            self._links[port] = CardLink() if card else UsbLink(ours=ours)
        return self._links[port]


def _masked(packet: Packet) -> tuple[tuple[int, int], ...]:
    spans = []
    for comment in packet.comments:
        if (found := _READ_MASKED.match(comment)) is not None:
            for span in found[1].split(", "):
                start, _, last = span.partition("-")
                spans.append((int(start), int(last) + 1))
    return tuple(spans)


def read_capture(path: Path) -> tuple[list[Frame], bool, str]:
    """All frames of a file, whether it was cut, and what kept others from being read.

    Raises:
        NotACapture: it is no recording.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        reader = CaptureReader(file, str(path))
        frames = list(reader)
    return frames, reader.cut, reader.lost
