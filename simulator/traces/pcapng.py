"""pcapng, the file format of Wireshark: a writer that flushes every block and a patient reader.

Only what traces need: one section, interfaces with nanoseconds, enhanced packets with comments. The
reader takes files of other programs too: both byte orders, other resolutions, several sections,
simple packets; blocks that it does not know are passed over. A file that was cut, by a crash or a
full disk, is read up to the last whole block.

Source: draft-ietf-opsawg-pcapng, PCAP Next Generation (pcapng) Capture File Format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from mfalab.simulator.clocks.durations import NS_PER_S

_SECTION, _INTERFACE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 3, 6
_MAGIC: Final = 0x1A2B3C4D
_VERSION: Final = (1, 0)
_UNKNOWN_LENGTH: Final = -1
_END, _COMMENT = 0, 1
_USER_APPLICATION: Final = 4
_IF_NAME, _IF_DESCRIPTION, _IF_TSRESOL, _IF_TSOFFSET = 2, 3, 9, 14
_NANOSECONDS: Final = 9
_LARGEST_BLOCK: Final = 1 << 24
_LARGEST_OPTION: Final = 65535
_HEAD: Final = 8


class NotACapture(ValueError):
    """A file is neither pcapng nor pcap. Args: its name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"{self.name} is no capture. Record one with: mfalab key record DEVICE "
            "FILE.pcapng, or save it from Wireshark as pcapng or pcap."
        )


@dataclass(frozen=True, slots=True)
class Port:
    """What the format calls an interface: one place where packets were heard.

    Attributes:
        linktype: the form of its packets, a LINKTYPE number.
        name: what it is called.
        description: what it is.
        ticks_per_s: the resolution of its times.
        offset_s: what is to be added to its times.
    """

    linktype: int
    name: str = ""
    description: str = ""
    ticks_per_s: int = NS_PER_S
    offset_s: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet.

    Attributes:
        port: where it was heard.
        ts_ns: when, in nanoseconds since the Unix epoch.
        data: its bytes, link-layer pseudo-header first.
        comments: what is said about it.
    """

    port: Port
    ts_ns: int
    data: bytes
    comments: tuple[str, ...] = ()


class Writer:
    """Writes one section; whatever has been written can be read if nothing more comes.

    Args:
        file: where to.
        application: who writes.
        comment: what the file is about; empty for nothing.
    """

    def __init__(self, file: BinaryIO, *, application: str = "", comment: str = "") -> None:
        self._file = file
        self._ports = 0
        fixed = struct.pack("<IHHq", _MAGIC, *_VERSION, _UNKNOWN_LENGTH)
        options = [(_COMMENT, comment.encode()), (_USER_APPLICATION, application.encode())]
        self._block(_SECTION, fixed, options)

    def add_port(self, port: Port) -> int:
        """Add an interface with times in nanoseconds; returns its number."""
        options = [
            (_IF_NAME, port.name.encode()),
            (_IF_DESCRIPTION, port.description.encode()),
            (_IF_TSRESOL, bytes((_NANOSECONDS,))),
        ]
        self._block(_INTERFACE, struct.pack("<HHI", port.linktype, 0, 0), options)
        self._ports += 1
        return self._ports - 1

    def write(self, port: int, ts_ns: int, data: bytes, comments: Iterable[str] = ()) -> None:
        """Write a packet.

        Args:
            port: the number of its interface.
            ts_ns: nanoseconds since the Unix epoch.
            data: its bytes.
            comments: what to say about it.

        Raises:
            OSError: the file cannot be written.
        """
        size = len(data)
        fixed = struct.pack("<IIIII", port, ts_ns >> 32, ts_ns & 0xFFFFFFFF, size, size)
        options = [(_COMMENT, each.encode()) for each in comments]
        self._block(_ENHANCED, fixed + _padded(data), options)

    def _block(self, kind: int, fixed: bytes, options: list[tuple[int, bytes]]) -> None:
        body = fixed
        given = [(code, value[:_LARGEST_OPTION]) for code, value in options if value]
        for code, value in [*given, (_END, b"")] if given else []:
            body += struct.pack("<HH", code, len(value)) + _padded(value)
        size = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + size + body + size)
        self._file.flush()


class Reader:
    """Reads the packets of a file.

    Args:
        file: where from.
        name: what to call it in errors.

    Attributes:
        cut: whether the file ends in the middle of a block, or goes on as nonsense; known when
            all packets have been read.
        comments: what sections said about themselves.

    Raises:
        NotACapture: it begins otherwise, when the packets are read.
    """

    def __init__(self, file: BinaryIO, name: str = "the file") -> None:
        self._file = file
        self._name = name
        self._order = "<"
        self._ports: list[Port] = []
        self.cut = False
        self.comments: list[str] = []

    def __iter__(self) -> Iterator[Packet]:
        begun = False
        while True:
            head = self._file.read(_HEAD)
            magic = struct.pack("<I", _SECTION)
            if not begun and not magic.startswith(head[:4]):
                raise NotACapture(self._name)
            begun = True
            if len(head) < _HEAD:
                self.cut = self.cut or bool(head) or not self._ports
                return
            block = self._rest_of(head)
            if block is None:
                self.cut = True
                return
            kind, body = block
            try:
                packet = self._take(kind, body)
            except (struct.error, IndexError):
                self.cut = True
                return
            if packet is not None:
                yield packet

    def _rest_of(self, head: bytes) -> tuple[int, bytes] | None:
        """The kind and the body of a block; None when it is not all there."""
        first = b""
        if head[:4] == struct.pack("<I", _SECTION):
            first = self._file.read(4)
            if first not in {struct.pack("<I", _MAGIC), struct.pack(">I", _MAGIC)}:
                return None
            self._order = "<" if first == struct.pack("<I", _MAGIC) else ">"
        kind, size = struct.unpack(f"{self._order}II", head)
        if not 12 + len(first) <= size <= _LARGEST_BLOCK or size % 4:
            return None
        rest = self._file.read(size - _HEAD - len(first))
        if len(rest) < size - _HEAD - len(first):
            return None
        if rest[-4:] != head[4:8]:
            return None
        return kind, first + rest[:-4]

    def _take(self, kind: int, body: bytes) -> Packet | None:
        if kind == _SECTION:
            self._ports.clear()
            self.comments += self._comments(body[16:])
        elif kind == _INTERFACE:
            self._ports.append(self._port(body))
        elif kind == _ENHANCED:
            number, high, low, size = struct.unpack_from(f"{self._order}IIII", body)
            port = self._ports[number]
            options = body[20 + size + -size % 4 :]
            data = body[20 : 20 + size]
            ts_ns = (high << 32 | low) * NS_PER_S // port.ticks_per_s + port.offset_s * NS_PER_S
            return Packet(port, ts_ns, data, self._comments(options))
        elif kind == _SIMPLE:
            (size,) = struct.unpack_from(f"{self._order}I", body)
            return Packet(self._ports[0], 0, body[4 : 4 + size])
        return None

    def _port(self, body: bytes) -> Port:
        (linktype,) = struct.unpack_from(f"{self._order}H", body)
        known = dict(self._options(body[8:]))
        resolution = known.get(_IF_TSRESOL, b"\x06")[0]
        base = 2 if resolution & 0x80 else 10
        (offset,) = struct.unpack(f"{self._order}q", known.get(_IF_TSOFFSET, bytes(8)))
        return Port(
            linktype,
            known.get(_IF_NAME, b"").decode(errors="replace"),
            known.get(_IF_DESCRIPTION, b"").decode(errors="replace"),
            base ** (resolution & 0x7F),
            offset,
        )

    def _comments(self, options: bytes) -> tuple[str, ...]:
        return tuple(
            value.decode(errors="replace")
            for code, value in self._options(options)
            if code == _COMMENT
        )

    def _options(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 4 <= len(data):
            code, size = struct.unpack_from(f"{self._order}HH", data, at)
            if code == _END:
                return
            yield code, data[at + 4 : at + 4 + size]
            at += 4 + size + -size % 4


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
