"""A verifier of one-time codes made of django-otp, in a Django project of one file.

    $ mfalab run --target otp:django_otp_verifier.py:Verifier

Its records are in a SQLite file, and its clock is this process's, which time-machine moves. Two
more fail: `Unlocked` races itself, and `SetBack` is locked when its clock is put right.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import django
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from mfalab import Capabilities

FOLDER = tempfile.TemporaryDirectory(prefix="django-otp-")
if not settings.configured:
    settings.configure(
        SECRET_KEY="not a secret",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django_otp",
            "django_otp.plugins.otp_totp",
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": Path(FOLDER.name) / "db.sqlite3",
                # A transaction that begins by reading cannot always write: "database is locked".
                "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            }
        },
    )
    # Django takes an event loop of others in this thread, as Playwright leaves one, for its own.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    django.setup()
    call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402 - after the settings
from django_otp import verify_token  # noqa: E402
from django_otp.plugins.otp_totp.models import TOTPDevice  # noqa: E402


class Verifier:
    """django-otp as its documentation has it: `verify_token` locks the device while it decides."""

    # A delay after failures counts from the last one. If that lies in the future, because the clock
    # was set back, the device is locked until then: declare a clock that goes forward.
    capabilities = Capabilities(
        digits=(6, 8), periods_s=(30, 60), drift_memory=True, lanes=2, time="forward"
    )

    def __init__(self) -> None:
        User.objects.all().delete()
        self.now = datetime.fromtimestamp(0, UTC)

    def set_time(self, now_ns: int) -> None:
        """The lab's time, in nanoseconds since 1970."""
        self.now = datetime.fromtimestamp(now_ns / 1e9, UTC)

    def enrol(self, account: str, seed: bytes, algorithm: str, digits: int, period_s: int) -> None:
        """An account with this seed; one of that name is replaced."""
        self.revoke(account)
        user = User.objects.create(username=account)
        TOTPDevice.objects.create(user=user, key=seed.hex(), digits=digits, step=period_s)

    def device(self, account: str) -> TOTPDevice:
        """The device of an account."""
        return TOTPDevice.objects.get(user__username=account)

    def attempt(self, account: str, code: str) -> bool:
        """Whether a code is right now."""
        return self.judge([(self.device(account), code)])[0]

    def attempt_together(self, account: str, codes: Sequence[str]) -> list[bool]:
        """Codes that come to two workers, each of which has read the device already."""
        return self.judge([(self.device(account), code) for code in codes])

    def judge(self, attempts: list[tuple[TOTPDevice, str]]) -> list[bool]:
        """Whether codes are right, over two connections to the database."""

        def worker(attempt: tuple[TOTPDevice, str]) -> bool:
            try:
                return self.verify(*attempt)
            finally:
                connection.close()  # each thread has its own

        with time_machine.travel(self.now, tick=False), ThreadPoolExecutor(2) as pool:
            return list(pool.map(worker, attempts))

    def verify(self, device: TOTPDevice, code: str) -> bool:
        """Whether a code is right."""
        return verify_token(device.user, device.persistent_id, code) is not None

    def revoke(self, account: str) -> None:
        """Forget an account and its device."""
        User.objects.filter(username=account).delete()

    def close(self) -> None:
        """Let go of the database."""
        connection.close()


class Unlocked(Verifier):
    """The device that was read is asked, as is easily done: a code is good for each worker."""

    def verify(self, device: TOTPDevice, code: str) -> bool:
        """Whether a code is right."""
        return bool(device.verify_token(code))


class SetBack(Verifier):
    """What happens to who was refused while the clock was an hour ahead."""

    capabilities = replace(Verifier.capabilities, time="set")
