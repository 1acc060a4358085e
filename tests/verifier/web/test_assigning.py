"""The wizard that assigns MFA devices."""

import io
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from mfalab.verifier import SmsMode

BAD_CODE = "Authentication code for device is not valid."


def begun(pages: Any, kind: str, name: str = "phone", who: str = "alice", user: str = "") -> Any:
    browser = pages.signed_in(who)
    query = f"?user={user}" if user else ""
    return browser.get(f"/console/assign{query}").submit("kind", name=name, kind=kind)


def token_of(pages: Any, browser: Any, serial: str) -> Any:
    """The token whose secret key the page shows."""
    seed = next(word for word in browser.page.words if len(word) > 60 and word.isalnum())
    return pages.token(serial, seed)


def test_virtual_device_wrong_codes_then_right(pages: Any) -> None:
    browser = begun(pages, "virtual")
    serial = "arn:aws:iam::123456789012:mfa/phone"
    assert serial in browser.text
    token = token_of(pages, browser, serial)
    one, two = token.pair()
    browser.submit(code1=one, code2=one)
    assert browser.error == BAD_CODE
    assert token.seed in browser.text
    browser.submit(code1=one, code2=two)
    assert browser.done == "The MFA device was assigned."
    assert pages.company.serials() == [serial]


def test_qr_image_is_what_a_phone_scans(pages: Any) -> None:
    browser = begun(pages, "virtual")
    token = token_of(pages, browser, "")
    wizard = browser.url.partition("?")[2]
    image = browser.send("GET", f"/console/assign/qr.png?{wizard}")
    assert dict(image.headers)["content-type"] == "image/png"
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image.body)))
    assert f"secret={token.seed}&" in read.text
    stranger = pages.signed_in("bob").get(f"/console/assign/qr.png?{wizard}")
    assert stranger.error == "That wizard is over. Start again to assign a device."


def test_cancelled_wizard_leaves_an_unassigned_device(pages: Any) -> None:
    """As at AWS: the name is taken from then on, and an administrator deletes the device."""
    begun(pages, "virtual").get("/console/credentials")
    browser = begun(pages, "virtual")
    assert browser.error == "MFA device already exists."
    (left,) = pages.company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"]
    assert "User" not in left


def test_two_wizards_in_two_tabs(pages: Any) -> None:
    browser = pages.signed_in()
    tabs = []
    for name in ("one", "two"):
        browser.get("/console/assign").submit("kind", name=name, kind="virtual")
        serial = f"arn:aws:iam::123456789012:mfa/{name}"
        tabs.append((browser.url, token_of(pages, browser, serial)))
    url, token = tabs[0]
    pair = token.pair()
    browser.get(url).submit(code1=pair[0], code2=pair[1])
    assert browser.done == "The MFA device was assigned."
    browser.get(url)
    assert browser.error == "That wizard is over. Start again to assign a device."


def test_hardware_token_by_serial_number_and_two_codes(pages: Any) -> None:
    fob = pages.company.ship()
    browser = begun(pages, "hardware", name="")
    one, two = fob.pair()
    browser.submit(serial="GAHT-made-up", code1=one, code2=two)
    assert browser.error == "MFA Device with serial number GAHT-made-up does not exist."
    assert browser.form().fields["serial"] == "GAHT-made-up"
    browser.submit(serial=f" {fob.serial} ", code1=one, code2=two)
    assert pages.company.serials() == [fob.serial]


def test_ninth_device_and_device_in_use(pages: Any) -> None:
    company = pages.company
    fob = company.ship()
    company.enable(fob, "bob")
    company.set(devices_per_identity=0)
    browser = begun(pages, "hardware")
    one, two = fob.pair()
    browser.submit(serial=fob.serial, code1=one, code2=two)
    assert browser.error == "MFA Device is already in use."
    other = company.ship("GAHT00000002")
    browser.submit(serial=other.serial, code1=one, code2=two)
    assert browser.error == "Cannot exceed quota for MFADevicesPerUser: 0"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("InvalidStateError", "MFA Device for user alice already exists."),
        ("NotAllowedError", "The security key could not be registered. Start again."),
    ],
)
def test_security_key_whose_client_raised_an_error(pages: Any, name: str, says: str) -> None:
    browser = begun(pages, "fido", name="key")
    first = browser.form().data["data-options"]
    assert '"id": "localhost"' in first
    browser.submit(response=f'{{"error": {{"name": "{name}"}}}}')
    assert browser.error == says
    assert browser.form().data["data-options"] != first


def test_security_key_for_a_user_who_goes_in_between(pages: Any) -> None:
    browser = begun(pages, "fido", name="key", who="ada", user="alice")
    pages.company.delete_user()
    browser.submit(response="{}")
    assert browser.error == "The user with name alice cannot be found."


def test_sms_while_it_is_offered(pages: Any) -> None:
    company = pages.company
    assert "SMS" not in pages.signed_in().get("/console/assign").text
    browser = pages.signed_in().get("/console/assign").submit("kind", name="", kind="sms")
    browser.submit(phone="+1 555 0123")
    assert browser.error.startswith("SMS text message MFA is no longer available.")
    company.set(sms=SmsMode.PREVIEW)
    browser = begun(pages, "sms", name="")
    browser.submit(phone="none")
    assert browser.error == "The phone number is not valid."
    browser.submit(phone="+1 555 0123")
    browser.submit(code="abc")
    assert browser.error == BAD_CODE
    browser.submit(code=company.outbox.last_code())
    assert browser.done == "The MFA device was assigned."


def test_sms_is_not_offered_to_root(pages: Any) -> None:
    pages.company.set(sms=SmsMode.PREVIEW)
    assert "SMS" not in pages.signed_in("root").get("/console/assign").text
    assert "SMS" in pages.signed_in().get("/console/assign").text


@pytest.mark.parametrize("kind", ["", "palm reader"])
def test_kind_that_is_none(pages: Any, kind: str) -> None:
    assert begun(pages, kind).error == "Choose the type of MFA device."


@pytest.mark.parametrize("kind", ["virtual", "fido"])
@pytest.mark.parametrize("name", ["", "a b", "x" * 300])
def test_name_that_is_none(pages: Any, kind: str, name: str) -> None:
    browser = begun(pages, kind, name=name)
    assert browser.at("/assign")
    assert "validation error" in browser.error


def test_administrator_assigns_for_a_user(pages: Any) -> None:
    browser = begun(pages, "virtual", who="ada", user="alice")
    token = token_of(pages, browser, "arn:aws:iam::123456789012:mfa/phone")
    one, two = token.pair()
    browser.submit(code1=one, code2=two)
    assert browser.url == "/console/credentials?user=alice"
    assert pages.company.serials() == [token.serial]


def test_wizard_is_for_people_who_are_signed_in(pages: Any) -> None:
    for path in ("", "/virtual", "/hardware", "/key", "/sms", "/qr.png"):
        browser = pages.browser().get(f"/console/assign{path}")
        assert browser.at("/sign-in"), path
