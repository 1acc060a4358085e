"""A Flask application with TOTP: enrolment by QR code, and each code works once.

pyotp computes the codes; test_login.py and test_browser.py test it. Left out is a limit of attempts
(RFC 4226 section 7.3).

    $ flask --app login_app run
"""

import io
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest

import pyotp
import segno
from flask import Flask, Response, render_template_string, request, session
from flask.typing import ResponseReturnValue
from werkzeug.security import check_password_hash, generate_password_hash

PAGE = """<!doctype html><title>Sign in</title>
<form method="post">
  <label>User <input name="user"></label>
  <label>Password <input name="password" type="password"></label>
  <label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code"></label>
  <button>Sign in</button>
</form>
<p role="status">{{ status }}</p>"""


@dataclass
class User:
    """A user, and what the application knows of the device that shows the codes."""

    password_hash: str
    secret: str = field(default_factory=pyotp.random_base32)
    enrolled: bool = False
    last_step: int = 0

    def accepts(self, code: str, now: datetime) -> bool:
        """Whether the code is of this time step or a neighbour, and newer than the last one."""
        totp = pyotp.TOTP(self.secret)
        here = totp.timecode(now)
        for step in range(max(here - 1, self.last_step + 1), here + 2):
            if compare_digest(totp.generate_otp(step).encode(), code.encode()):
                self.last_step = step  # in a database: UPDATE ... WHERE last_step < :step
                return True
        return False


def create_app(
    users: Mapping[str, User] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flask:
    """The application; tests hand in its users and its clock."""
    accounts = {"alice": User(generate_password_hash("correct horse"))} if users is None else users
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)

    def user_with_password() -> User | None:
        user = accounts.get(request.form["user"])
        if user is None or not check_password_hash(user.password_hash, request.form["password"]):
            return None
        return user

    @app.post("/enrol")
    def enrol() -> ResponseReturnValue:
        """Without a code: the picture to scan. With the first code: the device is enrolled."""
        user = user_with_password()
        if user is None or user.enrolled:
            return "Refused", 403
        if "code" in request.form:
            user.enrolled = user.accepts(request.form["code"], now())
            return ("Enrolled", 200) if user.enrolled else ("Wrong code", 403)
        uri = pyotp.TOTP(user.secret).provisioning_uri(
            name=request.form["user"], issuer_name="Example"
        )
        png = io.BytesIO()
        segno.make(uri).save(png, kind="png", scale=4)
        return Response(png.getvalue(), mimetype="image/png")

    @app.get("/")
    def page() -> str:
        user = session.get("user")
        return render_template_string(PAGE, status=f"Signed in as {user}" if user else "")

    @app.post("/")
    def sign_in() -> ResponseReturnValue:
        user = user_with_password()
        if user is None or not (user.enrolled and user.accepts(request.form["code"], now())):
            return render_template_string(PAGE, status="Wrong password or code"), 403
        session["user"] = request.form["user"]
        return page()

    return app
