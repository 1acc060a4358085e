import io
import struct
import zlib

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.png import MAX_PIXELS, decode_png
from mfalab.devices.otp.qr import read_qr, write_qr

AWS_URI = (
    "otpauth://totp/Amazon%20Web%20Services:alice-phone@123456789012"
    f"?secret={'ABCDEFGH' * 8}&issuer=Amazon%20Web%20Services"
)
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    width: int, height: int, depth: int, colour: int, rows: bytes, *, extra: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_aws_uri_survives_the_picture() -> None:
    assert read_qr(write_qr(AWS_URI)) == AWS_URI


def test_one_pixel_per_module_is_enough() -> None:
    assert read_qr(write_qr(AWS_URI, scale=1)) == AWS_URI


def test_picture_has_a_quiet_zone_of_four_modules() -> None:
    image = decode_png(write_qr("otpauth://totp/a?secret=AA", scale=1))
    assert image.width == image.height
    rows = [image.pixels[i : i + image.width] for i in range(0, len(image.pixels), image.width)]
    white = b"\xff" * image.width
    assert rows[:4] == rows[-4:] == [white] * 4
    assert rows[4][:4] == rows[4][-4:] == b"\xff" * 4
    assert rows[4][4:11] == b"\0" * 7  # the upper edge of the finder pattern


@pytest.mark.parametrize(
    "colours",
    [
        {"dark": "darkred", "light": "lightblue"},
        {"dark": "#000000", "light": None},
        {"dark": "#00000080", "light": "white"},
        {"dark": "black", "data_dark": "darkblue", "finder_dark": "green", "light": "#eee"},
    ],
)
def test_coloured_and_transparent_pictures_are_read(colours: dict[str, str | None]) -> None:
    image = io.BytesIO()
    segno.make(AWS_URI, error="m").save(image, kind="png", scale=3, **colours)
    assert read_qr(image.getvalue()) == AWS_URI


def test_text_too_long_for_a_code_is_refused() -> None:
    with pytest.raises(ValueError, match="2332 characters do not fit"):
        write_qr("\xfc" * 2332)


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (b"\xff\xd8\xff\xe0 a photograph", "the image is no PNG"),
        (b"", "the image is no PNG"),
        (png(8, 8, 1, GREY, b"\0\xff" * 8), "no QR code was found in 8 by 8 pixels"),
        (png(8, 8, 1, GREY, b"\0\xff"), "ends before its last row"),
        (png(8, 8, 3, GREY, b"\0\xff" * 8), "colour type 0 with 3 bits"),
        (png(8, 8, 8, 5, b"\0\xff" * 8), "colour type 5"),
        (png(8, 8, 1, GREY, b"\x09\xff" * 8), "row filter 9"),
        (png(0, 8, 1, GREY, b"\0" * 8), "0 by 8 pixels"),
        (png(MAX_PIXELS, 2, 1, GREY, b""), f"the limit is {MAX_PIXELS}"),
        (b"\x89PNG\r\n\x1a\n", "has no header"),
        (png(8, 8, 1, GREY, b"\0\xff" * 8).replace(b"IDAT", b"JUNK"), "ends before its last row"),
        (png(8, 8, 1, GREY, b"").replace(b"IDATx", b"IDATy"), "pixels are damaged"),
    ],
)
def test_unreadable_pictures_are_refused_with_the_reason(picture: bytes, sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence) as caught:
        read_qr(picture)
    assert caught.value.problems[0].where == "QR image"


def test_interlaced_picture_is_refused() -> None:
    body = struct.pack(">IIBBBBB", 8, 8, 1, GREY, 0, 0, 1)
    with pytest.raises(ValueError, match="interlaced"):
        decode_png(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body))


def test_picture_with_two_codes_is_refused() -> None:
    left, right = (decode_png(write_qr(text)) for text in ("one code", "other one"))
    assert left.height == right.height
    rows = b"".join(
        b"\0"
        + left.pixels[y * left.width : (y + 1) * left.width]
        + right.pixels[y * right.width : (y + 1) * right.width]
        for y in range(left.height)
    )
    picture = png(left.width + right.width, left.height, 8, GREY, rows)
    with pytest.raises(ProvisioningError, match="shows 2 different QR codes"):
        read_qr(picture)


@pytest.mark.parametrize(
    ("depth", "colour", "row", "extra", "shades"),
    [
        (1, GREY, b"\xa0", b"", [255, 0, 255]),
        (2, GREY, b"\x1b", b"", [0, 85, 170]),
        (4, GREY, b"\x0f\x80", b"", [0, 255, 136]),
        (8, GREY, b"\0\x7f\xff", b"", [0, 127, 255]),
        (16, GREY, b"\0\xff\x7f\0\xff\0", b"", [0, 127, 255]),
        (8, RGB, b"\xff\0\0\0\xff\0\0\0\xff", b"", [76, 149, 29]),
        (8, GREY_ALPHA, b"\0\0\0\xff\0\x80", b"", [255, 0, 127]),
        (8, RGBA, b"\0\0\0\0\0\0\0\xff\xff\xff\xff\xff", b"", [255, 0, 255]),
        (2, PALETTE, b"\x18", chunk(b"PLTE", b"\0\0\0\xff\xff\xff\x80\x80\x80"), [0, 255, 128]),
        (
            8,
            PALETTE,
            b"\0\1\2",
            chunk(b"PLTE", b"\0\0\0\1\1\1") + chunk(b"tRNS", b"\0"),
            [255, 1, 0],
        ),
    ],
)
def test_every_colour_type_becomes_grey(
    depth: int, colour: int, row: bytes, extra: bytes, shades: list[int]
) -> None:
    image = decode_png(png(3, 1, depth, colour, b"\0" + row, extra=extra))
    assert list(image.pixels) == shades


@given(
    st.lists(st.binary(min_size=12, max_size=12), min_size=1, max_size=6),
    st.lists(st.sampled_from([0, 1, 2, 3, 4]), min_size=6, max_size=6),
)
def test_row_filters_are_undone(rows: list[bytes], methods: list[int]) -> None:
    """The filters are applied here as the PNG specification says, section 9.2."""
    filtered = b""
    above = bytes(12)
    for method, row in zip(methods, rows, strict=False):
        line = bytearray()
        for i, byte in enumerate(row):
            a = row[i - 3] if i >= 3 else 0
            b = above[i]
            c = above[i - 3] if i >= 3 else 0
            nearest = min((a, b, c), key=lambda x, p=a + b - c: abs(p - x))  # type: ignore[misc]
            line.append((byte - [0, a, b, (a + b) // 2, nearest][method]) % 256)
        filtered += bytes([method]) + line
        above = row
    image = decode_png(png(4, len(rows), 8, RGB, filtered))
    plain = decode_png(png(4, len(rows), 8, RGB, b"".join(b"\0" + row for row in rows)))
    assert image == plain
