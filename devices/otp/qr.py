"""QR images of key URIs, written with segno and read with zxing-cpp."""

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.png import decode_png


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


def read_qr(png: bytes) -> str:
    """The text of the one QR code in a PNG.

    Raises:
        ProvisioningError: the image cannot be read, or shows no QR code or several.
    """
    import zxingcpp

    try:
        image = decode_png(png)
    except ValueError as error:
        raise ProvisioningError([Problem("QR image", f"{error}.")]) from None
    # A shaped view is all the reader needs: no numpy, no Pillow.
    view = memoryview(image.pixels).cast("B", (image.height, image.width))
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    found = {code.text for code in zxingcpp.read_barcodes(view, formats=formats)}
    if len(found) != 1:
        what = (
            f"it shows {len(found)} different QR codes. Crop it to one."
            if found
            else f"no QR code was found in {image.width} by {image.height} pixels. "
            "Show the whole code with its white margin."
        )
        raise ProvisioningError([Problem("QR image", what)])
    return found.pop()
