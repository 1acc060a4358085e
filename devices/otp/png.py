"""Greyscale pixels out of a PNG file, enough for pictures of QR codes.

Every colour type and bit depth of the PNG specification is read; interlaced
images and photographs in other formats are not. Chunk checksums are not
compared: the QR code has its own error correction.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_PIXELS = 16_000_000
"""Chosen against screenshots of 4K displays (8.3 million) and against zip bombs."""


class _Colour(IntEnum):
    GREY = 0
    RGB = 2
    PALETTE = 3
    GREY_ALPHA = 4
    RGBA = 6


_SAMPLES = {
    _Colour.GREY: 1,
    _Colour.RGB: 3,
    _Colour.PALETTE: 1,
    _Colour.GREY_ALPHA: 2,
    _Colour.RGBA: 4,
}
_DEPTHS = {
    _Colour.GREY: (1, 2, 4, 8, 16),
    _Colour.RGB: (8, 16),
    _Colour.PALETTE: (1, 2, 4, 8),
    _Colour.GREY_ALPHA: (8, 16),
    _Colour.RGBA: (8, 16),
}


@dataclass(frozen=True, slots=True)
class GreyImage:
    """Rows of pixels from the top, one byte each: 0 black, 255 white."""

    width: int
    height: int
    pixels: bytes


def decode_png(data: bytes) -> GreyImage:
    """Decode a PNG file; what is transparent is shown on white.

    Raises:
        ValueError: it is no PNG, damaged, interlaced or larger than `MAX_PIXELS`.
    """
    if not data.startswith(_SIGNATURE):
        raise ValueError("the image is no PNG. Save the QR code as PNG")
    header, palette, alphas, packed = b"", b"", b"", bytearray()
    for name, body in _chunks(data):
        if name == b"IHDR":
            header = body
        elif name == b"PLTE":
            palette = body
        elif name == b"tRNS":
            alphas = body
        elif name == b"IDAT":
            packed += body
    if len(header) != 13:
        raise ValueError("the PNG has no header. It is damaged: save it again")
    width, height, depth, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if interlace:
        raise ValueError("the PNG is interlaced. Save it without interlacing")
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(
            f"the PNG has {width} by {height} pixels, the limit is {MAX_PIXELS} in all. "
            "Crop it to the QR code"
        )
    if colour_type not in _SAMPLES or depth not in _DEPTHS[_Colour(colour_type)]:
        raise ValueError(
            f"the PNG has colour type {colour_type} with {depth} bits, which no PNG has. "
            "It is damaged: save it again"
        )
    colour = _Colour(colour_type)
    row_length = (width * _SAMPLES[colour] * depth + 7) // 8
    pixel_length = max(1, _SAMPLES[colour] * depth // 8)
    unpacker = zlib.decompressobj()
    size = height * (row_length + 1)
    try:
        raw = unpacker.decompress(bytes(packed), size)
    except zlib.error:
        raise ValueError("the PNG's pixels are damaged. Save it again") from None
    if len(raw) < size:
        raise ValueError("the PNG ends before its last row. Save it again")
    shades = _palette_shades(palette, alphas) if colour is _Colour.PALETTE else b""
    pixels = bytearray()
    for row in _unfiltered(raw, height, row_length, pixel_length):
        pixels += _grey_row(row, width, depth, colour, shades)
    return GreyImage(width, height, bytes(pixels))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of each chunk up to the end or to where the file breaks off."""
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, data[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(raw: bytes, height: int, length: int, step: int) -> Iterator[bytearray]:
    """Rows with the line filters undone, PNG specification section 9."""
    above = bytearray(length)
    for start in range(0, height * (length + 1), length + 1):
        method = raw[start]
        row = bytearray(raw[start + 1 : start + 1 + length])
        if method == 1:
            for i in range(step, length):
                row[i] = (row[i] + row[i - step]) & 0xFF
        elif method == 2:
            row = bytearray((x + b) & 0xFF for x, b in zip(row, above, strict=True))
        elif method == 3:
            for i in range(length):
                left = row[i - step] if i >= step else 0
                row[i] = (row[i] + (left + above[i]) // 2) & 0xFF
        elif method == 4:
            for i in range(length):
                left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
                row[i] = (row[i] + _paeth(left, above[i], corner)) & 0xFF
        elif method:
            raise ValueError(f"the PNG uses row filter {method}, which no PNG has. Save it again")
        yield row
        above = row


def _paeth(left: int, above: int, corner: int) -> int:
    """Whichever neighbour is nearest to left + above - corner; ties in that order."""
    by_left, by_above = abs(above - corner), abs(left - corner)
    by_corner = abs(left + above - 2 * corner)
    if by_left <= by_above and by_left <= by_corner:
        return left
    return above if by_above <= by_corner else corner


def _grey_row(row: bytearray, width: int, depth: int, colour: _Colour, shades: bytes) -> bytes:
    """One row as one byte per pixel."""
    if depth == 16:
        row = row[::2]  # the high byte of each sample
    if colour is _Colour.RGB:
        return bytes(_luminance(*rgb) for rgb in zip(row[::3], row[1::3], row[2::3], strict=True))
    if colour is _Colour.RGBA:
        quads = zip(row[::4], row[1::4], row[2::4], row[3::4], strict=True)
        return bytes(_on_white(_luminance(r, g, b), a) for r, g, b, a in quads)
    if colour is _Colour.GREY_ALPHA:
        return bytes(_on_white(g, a) for g, a in zip(row[::2], row[1::2], strict=True))
    if depth < 8:
        mask = (1 << depth) - 1
        shifts = range(8 - depth, -1, -depth)
        scale = 255 // mask if colour is _Colour.GREY else 1
        samples = bytes((byte >> shift & mask) * scale for byte in row for shift in shifts)[:width]
    else:
        samples = bytes(row)
    if colour is _Colour.PALETTE:
        return samples.translate(shades)
    return samples


def _palette_shades(palette: bytes, alphas: bytes) -> bytes:
    """A table of 256 shades for `bytes.translate`; entries that a palette lacks are black."""
    count = len(palette) // 3
    shades = (
        _on_white(_luminance(*palette[3 * i : 3 * i + 3]), alphas[i] if i < len(alphas) else 255)
        for i in range(min(count, 256))
    )
    return bytes(shades).ljust(256, b"\0")


def _luminance(red: int, green: int, blue: int) -> int:
    """Rec. 601 luma in integers."""
    return (299 * red + 587 * green + 114 * blue) // 1000


def _on_white(shade: int, alpha: int) -> int:
    return (shade * alpha + 255 * (255 - alpha)) // 255
