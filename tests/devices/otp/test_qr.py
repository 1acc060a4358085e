import io
import struct
import zlib

import pytest
import segno
import zxingcpp
from PIL import Image, ImageFilter

from mfalab.devices.errors import ProvisioningError
from mfalab.devices.otp.qr import MAX_PIXELS, MAX_READ_PIXELS, read_qr, write_qr

AWS_URI = (
    "otpauth://totp/Amazon%20Web%20Services:alice-phone@123456789012"
    f"?secret={'ABCDEFGH' * 8}&issuer=Amazon%20Web%20Services"
)
# First column and row, and step of columns and rows, of each pass. PNG specification section 8.2.
ADAM7 = [
    *[(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)],
    *[(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)],
]


def picture_of(text: str, *, scale: int = 4) -> Image.Image:
    return Image.open(io.BytesIO(write_qr(text, scale=scale))).convert("L")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, rows: bytes, *, depth: int = 8, interlace: int = 0) -> bytes:
    """A grey PNG of these rows, each behind its filter."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, interlace)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def interlaced(image: Image.Image) -> bytes:
    rows = b""
    for left, top, across, down in ADAM7:
        for y in range(top, image.height, down):
            rows += b"\0" + bytes(
                image.getpixel((x, y))
                for x in range(left, image.width, across)  # type: ignore[misc]
            )
    return png(*image.size, rows, interlace=1)


def photograph(image: Image.Image) -> Image.Image:
    """The code askew on a grey table, a little blurred, with noise, as a camera sees it."""
    table = Image.new("L", (image.width * 2, image.height * 2), 150)
    table.paste(image, (image.width // 2, image.height // 2))
    turned = table.rotate(17, Image.Resampling.BICUBIC, fillcolor=150)
    blurred = turned.filter(ImageFilter.GaussianBlur(1))
    # Noise with a pattern of its own: chance is an argument here, too.
    noise = bytes((x * 7919 ^ x * x * 31) % 61 for x in range(blurred.width * blurred.height))
    speckled = Image.blend(blurred, Image.frombytes("L", blurred.size, noise), 0.25)
    return speckled.convert("RGB")


def test_aws_uri_survives_the_picture() -> None:
    assert read_qr(write_qr(AWS_URI)) == AWS_URI


def test_one_pixel_per_module_is_enough() -> None:
    assert read_qr(write_qr(AWS_URI, scale=1)) == AWS_URI


def test_picture_has_a_quiet_zone_of_four_modules() -> None:
    image = picture_of("otpauth://totp/a?secret=AA", scale=1)
    assert image.width == image.height
    pixels = image.tobytes()
    rows = [pixels[i : i + image.width] for i in range(0, len(pixels), image.width)]
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


def test_an_interlaced_png_is_read() -> None:
    picture = interlaced(picture_of(AWS_URI, scale=1))
    assert Image.open(io.BytesIO(picture)).info["interlace"] == 1
    assert read_qr(picture) == AWS_URI


def test_a_png_of_16_bits_is_read_although_its_black_is_no_black() -> None:
    image = picture_of(AWS_URI, scale=2)
    shades = {0: b"\x30\x00", 255: b"\xa0\x00"}
    pixels = [shades[each] for each in image.tobytes()]
    rows = b"".join(
        b"\0" + b"".join(pixels[i : i + image.width]) for i in range(0, len(pixels), image.width)
    )
    assert read_qr(png(*image.size, rows, depth=16)) == AWS_URI


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 60}),
        ("WEBP", {"quality": 60}),
        ("WEBP", {"lossless": True}),
        ("PNG", {}),
    ],
)
def test_a_photograph_is_read(kind: str, options: dict[str, object]) -> None:
    picture = saved(photograph(picture_of(AWS_URI)), kind, **options)
    assert read_qr(picture) == AWS_URI


def test_a_jpeg_in_four_inks_is_read() -> None:
    assert read_qr(saved(picture_of(AWS_URI).convert("CMYK"), "JPEG")) == AWS_URI


QR_PNG = write_qr(AWS_URI)
QR_JPEG = saved(picture_of(AWS_URI), "JPEG")


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (b"", "is no PNG, JPEG or WebP image"),
        (b"a text", "is no PNG, JPEG or WebP image"),
        (b"\xff\xd8\xff\xe0 a photograph", "the image is damaged"),
        (b"\x89PNG\r\n\x1a\n", "is no PNG, JPEG or WebP image"),
        (saved(picture_of(AWS_URI), "GIF"), "is no PNG, JPEG or WebP image"),
        (saved(picture_of(AWS_URI), "BMP"), "is no PNG, JPEG or WebP image"),
        (png(8, 8, b"\0" + b"\xff" * 8), "no QR code was found"),
        (png(8, 8, (b"\x09" + b"\xff" * 8) * 8), "the image is damaged"),
        (QR_PNG[: len(QR_PNG) // 2], "the image is damaged"),
        (QR_JPEG[: len(QR_JPEG) // 2], "the image is damaged"),
        (png(8, 8, (b"\0" + b"\xff" * 8) * 8), "no QR code was found in 8 by 8 pixels"),
        (png(MAX_PIXELS, 2, b""), f"has more than {MAX_PIXELS} pixels"),
        (png(MAX_PIXELS, 30, b""), f"has more than {MAX_PIXELS} pixels"),
    ],
)
def test_unreadable_pictures_are_refused_with_the_reason(picture: bytes, sentence: str) -> None:
    with pytest.raises(ProvisioningError, match=sentence) as caught:
        read_qr(picture)
    assert caught.value.problems[0].where == "QR image"


def test_picture_with_two_codes_is_refused() -> None:
    left, right = picture_of("one code"), picture_of("other one")
    both = Image.new("L", (left.width + right.width, left.height))
    both.paste(left)
    both.paste(right, (left.width, 0))
    with pytest.raises(ProvisioningError, match="shows 2 different QR codes"):
        read_qr(saved(both, "PNG"))


def test_what_is_searched_for_codes_grows_with_the_picture_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[int] = []

    def counted(view: memoryview, **options: object) -> list[object]:
        searched.append(view.nbytes)
        return []

    monkeypatch.setattr(zxingcpp, "read_barcodes", counted)
    for side in (1000, 2000, 4000, 7000):
        with pytest.raises(ProvisioningError, match=f"{side} by {side} pixels"):
            read_qr(saved(Image.new("L", (side, side), 255), "PNG"))
    assert searched == [1_000_000, *[MAX_READ_PIXELS] * 3]


def test_a_code_in_a_large_picture_is_read_and_one_that_is_too_small_shall_be_cropped() -> None:
    desk = Image.new("L", (8160, 6120), 200)
    desk.paste(picture_of(AWS_URI, scale=12), (701, 503))
    assert read_qr(saved(desk, "JPEG")) == AWS_URI
    desk.paste(200, (0, 0, 8160, 6120))
    desk.paste(picture_of(AWS_URI, scale=1), (701, 503))
    with pytest.raises(ProvisioningError, match=r"8160 by 6120 pixels\. Crop it to the code"):
        read_qr(saved(desk, "JPEG"))


@pytest.mark.parametrize("size", [(65_536, 1), (4_000_001, 2), (1, 70_000)])
def test_a_picture_that_is_a_line_is_no_code(size: tuple[int, int]) -> None:
    with pytest.raises(ProvisioningError, match="no QR code was found"):
        read_qr(png(*size, (b"\0" + b"\xff" * size[0]) * size[1]))
