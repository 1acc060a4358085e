"""Tests of the Flask application in login_app.py with an authenticator app and fobs from mfalab.

`clock` is true time: the application, the phone and the fobs take their time from it, so nothing
waits.

    $ pytest test_login.py
"""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from login_app import User, create_app
from werkzeug.security import generate_password_hash

from mfalab import Timeline
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.otp.token import HardwareToken
from mfalab.simulator.clocks import STEADY, QuartzClock

SECOND = 10**9
STEP = 30 * SECOND
DAY = 86_400 * SECOND
CHEAP = "pbkdf2:sha256:1"  # one round: the tests are about codes
ALICE = {"user": "alice", "password": "correct horse"}
BOB = {"user": "bob", "password": "battery staple"}


@pytest.fixture
def users(fob: HardwareToken) -> dict[str, User]:
    """Alice has nothing yet; bob was given a fob, whose seed its maker told us."""
    seed = base64.b32encode(fob.seed.secret).decode()
    return {
        "alice": User(generate_password_hash("correct horse", CHEAP)),
        "bob": User(generate_password_hash("battery staple", CHEAP), seed, enrolled=True),
    }


@pytest.fixture
def client(users: dict[str, User], clock: Timeline) -> FlaskClient:
    def now() -> datetime:
        return datetime.fromtimestamp(clock.now_ns() / SECOND, UTC)

    return create_app(users, now).test_client()


def test_an_app_is_enrolled_by_its_qr_code(
    client: FlaskClient, totp_app: AuthenticatorApp, clock: Timeline
) -> None:
    account = totp_app.scan(client.post("/enrol", data=ALICE).data)
    assert account == "Example:alice"
    first = totp_app.code(account)
    assert client.post("/", data={**ALICE, "code": first}).status_code == 403  # not enrolled yet
    assert client.post("/enrol", data={**ALICE, "code": first}).status_code == 200
    clock.advance(STEP)
    answer = client.post("/", data={**ALICE, "code": totp_app.code(account)})
    assert "Signed in as alice" in answer.text


def test_a_code_works_once(client: FlaskClient, fob: HardwareToken) -> None:
    code = {**BOB, "code": fob.read_code()}
    assert client.post("/", data=code).status_code == 200
    assert client.post("/", data=code).status_code == 403


def test_a_code_that_lay_on_the_desk_is_refused(
    client: FlaskClient, fob: HardwareToken, clock: Timeline
) -> None:
    code = {**BOB, "code": fob.read_code()}
    clock.advance(3 * STEP)
    assert client.post("/", data=code).status_code == 403


@pytest.mark.parametrize(("days", "status"), [(2, 200), (30, 403)])
def test_a_fob_45_ppm_slow_is_lost_within_a_month(
    client: FlaskClient,
    users: dict[str, User],
    fob: HardwareToken,
    clock: Timeline,
    days: int,
    status: int,
) -> None:
    slow = QuartzClock(clock, replace(STEADY, offset_ppm=-45))  # 3.9 s a day
    slow_fob = HardwareToken("0001", fob.seed, slow)
    clock.advance(days * DAY)
    assert client.post("/", data={**BOB, "code": slow_fob.read_code()}).status_code == status
