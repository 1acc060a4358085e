"""Tests of the Flask application in login_app.py with an authenticator app and fobs from mfalab.

`clock` is true time: the application, the phone and the fobs take their time from it, so nothing
waits.

    $ pytest test_login.py
"""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from login_app import User, create_app
from werkzeug.security import generate_password_hash

from mfalab import LabClock
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.otp.token import HardwareToken

CHEAP = "pbkdf2:sha256:1"  # one round: the tests are about codes
ALICE = {"user": "alice", "password": "correct horse"}
BOB = {"user": "bob", "password": "battery staple"}


@pytest.fixture
def users(fob: HardwareToken) -> dict[str, User]:
    """Alice has nothing yet; bob was given a fob, whose seed its maker told us."""
    seed = fob.seed.secret_base32
    return {
        "alice": User(generate_password_hash("correct horse", CHEAP)),
        "bob": User(generate_password_hash("battery staple", CHEAP), seed, enrolled=True),
    }


@pytest.fixture
def client(users: dict[str, User], clock: LabClock) -> FlaskClient:
    return create_app(users, clock.now).test_client()


def test_an_app_is_enrolled_by_its_qr_code(
    client: FlaskClient, totp_app: AuthenticatorApp, clock: LabClock
) -> None:
    account = totp_app.scan(client.post("/enrol", data=ALICE).data)
    assert account == "Example:alice"
    first = totp_app.code(account)
    assert client.post("/", data={**ALICE, "code": first}).status_code == 403  # not enrolled yet
    assert client.post("/enrol", data={**ALICE, "code": first}).status_code == 200
    clock.advance("30 s")
    answer = client.post("/", data={**ALICE, "code": totp_app.code(account)})
    assert "Signed in as alice" in answer.text


def test_a_code_works_once(client: FlaskClient, fob: HardwareToken) -> None:
    code = {**BOB, "code": fob.read_code()}
    assert client.post("/", data=code).status_code == 200
    assert client.post("/", data=code).status_code == 403


def test_a_code_that_lay_on_the_desk_is_refused(
    client: FlaskClient, fob: HardwareToken, clock: LabClock
) -> None:
    code = {**BOB, "code": fob.read_code()}
    clock.advance("90 s")
    assert client.post("/", data=code).status_code == 403


@pytest.mark.parametrize(("wait", "status"), [("2 d", 200), ("30 d", 403)])
def test_a_fob_45_ppm_slow_is_lost_within_a_month(
    client: FlaskClient,
    users: dict[str, User],
    make_fob: Callable[..., HardwareToken],
    clock: LabClock,
    wait: str,
    status: int,
) -> None:
    slow_fob = make_fob(drift="-45 ppm")  # 3.9 s a day
    users["bob"].secret = slow_fob.seed.secret_base32
    clock.advance(wait)
    assert client.post("/", data={**BOB, "code": slow_fob.read_code()}).status_code == status
