"""Time and devices as JSON."""

import base64
from typing import Any

import pytest

from mfalab.simulator.clocks.wall import WALL
from mfalab.simulator.shelf.shelf import Shelf

from .conftest import FOB, START_NS, Ask, asking, make_shelf

URI = "otpauth://totp/elsewhere:me?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_time_is_moved_and_told(ask: Ask, shelf: Shelf) -> None:
    told = {"clock": "virtual", "now": "2026-03-02T09:00:30.000Z"}
    assert ask("POST", "clock", {"advance": "30 s"}) == (200, told)
    assert shelf.lab.verifier.clock.now_ns() == START_NS + 30 * 10**9
    assert ask("GET", "clock") == (200, told)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        ([], "no JSON object"),
        ({"advance": "30 s", "by": "me"}, "say how far"),
        ({"advance": "soon"}, "advance: "),
        ({"advance": "30"}, "advance: "),
        ({"advance": None}, "advance: "),
        ({"advance": {"s": 1}}, "advance: "),
    ],
)
def test_what_is_no_duration_moves_nothing(ask: Ask, shelf: Shelf, body: object, word: str) -> None:
    status, told = ask("POST", "clock", body)
    assert (status, word in told["error"]) == (400, True)
    assert shelf.now_ns == START_NS


@pytest.mark.parametrize("duration", ["-1 s", "9999 y"])
def test_time_goes_forward_to_the_end_of_dates(ask: Ask, shelf: Shelf, duration: str) -> None:
    assert ask("POST", "clock", {"advance": duration})[0] == 409
    assert shelf.now_ns == START_NS


def test_machines_time_is_told_and_not_moved() -> None:
    ask = asking(make_shelf(WALL))
    status, told = ask("POST", "clock", {"advance": "30 s"})
    assert (status, "--clock virtual" in told["error"]) == (409, True)
    assert ask("GET", "clock")[1]["clock"] == "system"


def test_what_a_fob_shows_now(ask: Ask) -> None:
    status, put = ask("POST", "devices", {"fob": FOB})
    assert (status, put["devices"]["fob"]["owner"]) == (201, "alice")
    code = ask("GET", "devices/fob/code")[1]["code"]
    assert ask("GET", "devices/fob")[1]["display"] == ""
    assert ask("POST", "devices/fob/press") == (200, {"code": code})
    assert ask("GET", "devices")[1]["devices"]["fob"]["display"] == code
    ask("POST", "clock", {"advance": "31 s"})
    assert ask("GET", "devices/fob/code")[1]["code"] != code


def test_event_based_token_is_dark_until_it_is_pressed(ask: Ask) -> None:
    ask("POST", "devices", {"counter": {"kind": "hardware_hotp", "owner": "alice"}})
    status, told = ask("GET", "devices/counter/code")
    assert (status, told["refused"]) == (409, "NoCode")
    code = ask("POST", "devices/counter/press")[1]["code"]
    assert ask("GET", "devices/counter/code") == (200, {"code": code})
    assert ask("POST", "devices/counter/press")[1]["code"] != code


def test_app_scans(ask: Ask, shelf: Shelf) -> None:
    ask("POST", "devices", {"app": {"kind": "totp_app", "owner": "alice"}})
    assert ask("GET", "devices/app/code")[0] == 409
    alice = shelf.lab.people["alice"]
    keys = shelf.lab.verifier.create_access_key(alice.identity_id or "")
    made = shelf.lab.verifier.iam(keys).create_virtual_mfa_device(VirtualMFADeviceName="phone")
    png: bytes = made["VirtualMFADevice"]["QRCodePNG"]
    serial = made["VirtualMFADevice"]["SerialNumber"]
    assert ask("POST", "devices/app/scan", png, content_type="image/png")[1]["serial"] == serial
    encoded = {"png": base64.b64encode(png).decode()}
    assert ask("POST", "devices/app/scan", encoded)[1]["serial"] == serial
    assert ask("POST", "devices/app/scan", {"uri": URI})[1]["account"] == "elsewhere:me"
    assert len(ask("GET", "devices/app/code")[1]["code"]) == 6


WRONG: list[tuple[str, str, Any, int]] = [
    ("POST", "devices", {}, 400),
    ("POST", "devices", [], 400),
    ("POST", "devices", {"x": {"kind": "toaster"}}, 400),
    ("POST", "devices", {"fob": FOB}, 409),
    ("POST", "devices", b"\x89PNG", 400),
    ("PUT", "devices", {}, 405),
    ("DELETE", "devices/fob", b"", 405),
    ("GET", "devices/none/code", b"", 404),
    ("GET", "devices/%F0%9F/code", b"", 404),
    ("GET", "devices//code", b"", 404),
    ("GET", "devices/fob/seed", b"", 404),
    ("GET", "devices/fob/code/again", b"", 404),
    ("GET", "devices/fob/press", b"", 405),
    ("GET", "devices/key/code", b"", 409),
    ("POST", "devices/key/press", b"", 409),
    ("POST", "devices/fob/touch", b"", 409),
    ("POST", "devices/fob/scan", {"uri": URI}, 409),
    ("POST", "devices/app/scan", {"uri": "https://example.com"}, 409),
    ("POST", "devices/app/scan", {"uri": 3}, 400),
    ("POST", "devices/app/scan", {"uri": URI, "png": ""}, 400),
    ("POST", "devices/app/scan", {"png": "%"}, 400),
    ("POST", "devices/app/scan", {"png": "AAAA"}, 409),
    ("POST", "steps", {}, 400),
    ("POST", "steps", {"do": "lose", "who": "alice", "device": "fbo"}, 400),
    ("POST", "steps", {"do": "find", "who": "alice", "device": "fob"}, 409),
    ("POST", "steps", {"do": "travel", "device": "app", "climate": "car"}, 409),
    ("POST", "steps", {"do": "switch_phone", "phone": "fob", "to": "off"}, 400),
    ("POST", "steps", {"do": "measure", "device": "fob", "offset": "< 0 s"}, 400),
    ("POST", "steps", {"do": "wait", "for": "9999 y"}, 409),
    ("POST", "steps", {"do": "wait", "until": "1999-01-01T00:00:00Z"}, 409),
    ("GET", "nothing", b"", 404),
    ("GET", "", b"", 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), WRONG, ids=str)
def test_every_refusal_says_what_to_do(
    ask: Ask, shelf: Shelf, method: str, path: str, body: Any, status: int
) -> None:
    shelf.put(
        {
            "fob": FOB,
            "app": {"kind": "totp_app", "owner": "alice"},
            "key": {"kind": "security_key", "owner": "ada"},
        }
    )
    got, told = ask(method, path, body)
    assert got == status, told
    assert len(told["error"]) > 10
    assert "\n" not in told["error"]


def test_no_answer_has_a_seed(ask: Ask, shelf: Shelf) -> None:
    shelf.put({"fob": FOB})
    token = shelf.lab.devices["fob"]
    secret: bytes = token.thing.seed.secret  # type: ignore[attr-defined]
    told = str([ask("GET", "devices"), ask("GET", "devices/fob"), ask("POST", "devices/fob/press")])
    assert secret.hex() not in told
    assert base64.b32encode(secret).decode() not in told


def test_tokens_that_others_hold_are_announced(ask: Ask, shelf: Shelf) -> None:
    given = {
        "GAHT00000001": {"secret": "31" * 20, "digits": 6},
        "GAHT00000002": {"secret": "32" * 20},
    }
    assert ask("POST", "tokens", given) == (201, {"tokens": list(given)})
    status, told = ask("POST", "tokens", {"GAHT00000001": {"secret": "31" * 20}})
    assert (status, "is known already" in told["error"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ([], "no JSON object"),
        ({"x": {}}, "'secret'; announce tokens by serial number"),
        ({"x": 1}, "announce tokens by serial number"),
        ({"x": {"secret": "zz"}}, "non-hexadecimal"),
        ({"x": {"secret": 5}}, "announce tokens"),
        ({"x": {"secret": "31" * 20, "digits": "6"}}, "must"),
        ({"x": {"secret": "31" * 20, "digits": 99}}, "99 digits"),
        ({"x": {"secret": "31" * 20, "algorithm": "MD5"}}, "MD5"),
        ({"x": {"secret": "31" * 20, "moving_factor": "moon"}}, "moon"),
        ({"x": {"secret": "31" * 20, "colour": "red"}}, "colour"),
    ],
)
def test_what_is_no_token_is_not_announced(ask: Ask, body: object, word: str) -> None:
    status, told = ask("POST", "tokens", body)
    assert (status, word in told["error"]) == (400, True), told
