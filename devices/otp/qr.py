"""QR images of key URIs, written with segno, decoded with Pillow and read with zxing-cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mfalab.devices.errors import Problem, ProvisioningError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS: Final = 50_000_000
"""Chosen against photographs of telephones (8160 by 6120) and against decompression bombs."""

MAX_READ_PIXELS: Final = 4_000_000
"""Larger pictures are shrunk to this many pixels. Looking for codes in a picture full of finder
patterns costs more than in proportion to it: measured 2 s in 2 million pixels, 100 s in 16."""

_MAX_SIDE: Final = 65_535
"""What the reader of codes takes in one direction."""

_FORMATS: Final = ("PNG", "JPEG", "WEBP")
"""Those of screenshots and photographs; Pillow's other readers are left alone."""


def write_qr(text: str, *, scale: int = 4) -> bytes:
    """A PNG of a QR code: error correction level M, quiet zone of 4 modules.

    Args:
        text: what the code says, at most 2,331 bytes at this level.
        scale: pixels per module.

    Raises:
        ValueError: the text does not fit.
    """
    import io

    import segno

    try:
        code = segno.make(text, error="m", micro=False, boost_error=False)
    except segno.DataOverflowError:
        raise ValueError(
            f"{len(text)} characters do not fit a QR code of level M. Shorten the names in it."
        ) from None
    image = io.BytesIO()
    code.save(image, kind="png", scale=scale, border=4)
    return image.getvalue()


def read_qr(picture: bytes) -> str:
    """The text of the one QR code in a PNG, a JPEG or a WebP image.

    A picture of more than `MAX_READ_PIXELS` is shrunk before it is read, so a code that is small
    in it has to be cropped.

    Raises:
        ProvisioningError: the image cannot be read, or shows no QR code or several.
    """
    import zxingcpp

    image, advice = _decode(picture), "Show the whole code with its white margin."
    width, height = image.size
    share = min((MAX_READ_PIXELS / (width * height)) ** 0.5, _MAX_SIDE / max(width, height))
    if share < 1:
        image = image.resize((max(1, int(width * share)), max(1, int(height * share))))
        advice = "Crop it to the code with its white margin."
    # A shaped view is all the reader needs: no numpy.
    view = memoryview(image.tobytes()).cast("B", (image.height, image.width))
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    found = {code.text for code in zxingcpp.read_barcodes(view, formats=formats)}
    if len(found) != 1:
        raise _refused(
            f"it shows {len(found)} different QR codes. Crop it to one."
            if found
            else f"no QR code was found in {width} by {height} pixels. {advice}"
        )
    return found.pop()


def _decode(picture: bytes) -> Image:
    """A picture in grey; what is transparent is shown on white.

    Raises:
        ProvisioningError: it is no picture, damaged or larger than `MAX_PIXELS`.
    """
    import io
    import struct
    import warnings
    import zlib

    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow warns of what is less than twice too large for it, and of damage in metadata.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(picture), formats=_FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            return _on_white(image)
    except Image.DecompressionBombError:
        raise _refused(
            f"the image has more than {MAX_PIXELS} pixels. Crop it to the QR code."
        ) from None
    except UnidentifiedImageError:
        raise _refused("the data is no PNG, JPEG or WebP image. Save it as one of them.") from None
    except (OSError, SyntaxError, ValueError, IndexError, struct.error, zlib.error):
        raise _refused("the image is damaged. Save it again.") from None


def _on_white(image: Image) -> Image:
    from PIL import Image as Images

    if image.mode.startswith("I"):
        # 16 bits a sample, which a mere conversion would clip to 255.
        return image.convert("I").point(lambda shade: shade / 256).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        grey = Images.new("L", image.size, 255)
        grey.paste(image.convert("L"), mask=image.getchannel("A"))
        return grey
    return image.convert("L")


def _refused(what: str) -> ProvisioningError:
    return ProvisioningError([Problem("QR image", what)])
