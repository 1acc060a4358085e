"""Profiles of verifiers in use: complete, and the same decisions as the real ones where they run.

The real ones are given the same codes at the same times, in a seeded course of right codes, codes
too early and too late, used codes and wrong ones. Their clock is that of the course.
"""

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest

from mfalab.simulator.entropy import Entropy, Stream
from mfalab.simulator.workbench.target import system_under_test
from mfalab.verifier import otp
from mfalab.verifier.code_rules import code_window, pair_window, verify_code
from mfalab.verifier.known_verifiers import KNOWN, PROFILES, SOURCES
from mfalab.verifier.profile import AWS_IMMEDIATE, Profile
from mfalab.verifier.records import Account, Device, DeviceKind
from mfalab.verifier.store.memory import MemoryStore

S = 10**9
SEED = b"12345678901234567890"
BEGIN_S = 1_700_000_010
Attempt = tuple[int, str]
"""When, in seconds, and what is typed."""
OF_CODES = {
    "name",
    "window_back",
    "window_ahead",
    "replay",
    "drift_memory",
    "drift_memory_limit_steps",
    "window_growth_s_per_day",
    "pair_back",
    "pair_ahead",
    "pair_consumes_codes",
    "pair_sets_offset",
    "pair_forgives_failures",
    "hardware_window_back",
    "hardware_window_ahead",
    "hardware_pair_back",
    "hardware_pair_ahead",
    "throttle",
    "throttle_budget",
    "throttle_window_s",
    "throttle_failures",
    "throttle_delay_s",
    "throttle_delay_limit_s",
    "throttle_failures_limit",
    "throttle_failures_forgotten_s",
}


def test_profiles_are_known_by_their_names() -> None:
    assert [name for name, profile in PROFILES.items() if profile.name != name] == []
    assert len(PROFILES) == 3 + len(KNOWN)
    assert SOURCES.keys() == {known.profile.name for known in KNOWN}


@pytest.mark.parametrize("profile", [known.profile for known in KNOWN], ids=lambda p: p.name)
def test_profile_says_where_its_figures_are_from_and_changes_nothing_but_codes(
    profile: Profile,
) -> None:
    changed = {
        figure.name
        for figure in fields(Profile)
        if getattr(profile, figure.name) != getattr(AWS_IMMEDIATE, figure.name)
    }
    assert changed <= OF_CODES
    assert len(SOURCES[profile.name]) > 40


def test_no_two_profiles_are_the_same_verifier() -> None:
    assert len({replace(profile, name="") for profile in PROFILES.values()}) == len(PROFILES)


@pytest.mark.parametrize(
    ("name", "candidates", "pairs"),
    [
        ("privacyidea", 12, 2000),
        ("linotp", 30, 2000),
        ("freeipa", 19, 5759),
        ("keycloak", 3, 3),
        ("pam-oath", 11, 11),
        ("google-authenticator", 3, 3),
        ("multiotp", 39, 6001),
        ("django-otp", 3, 3),
        ("vault", 3, 3),
        ("pquerna-otp", 3, 3),
        ("pyotp", 1, 1),
        ("authelia", 3, 3),
        ("onespan", 11, 721),
    ],
)
def test_windows_hold_as_many_steps_as_the_search_of_the_real_one(
    name: str, candidates: int, pairs: int
) -> None:
    """The numbers of the survey that the profiles were made from."""
    device = Device("device", DeviceKind.VIRTUAL, "serial", "1", "n", "/", 0, SEED)
    for find, number in ((code_window, candidates), (pair_window, pairs)):
        _, _, low, high = find(device, BEGIN_S * S, PROFILES[name])
        assert high - low + 1 == number


def course(
    seed: str, attempts: int, pauses_s: Callable[[Stream], int], drift_ppm: float = 0.0
) -> Iterator[Attempt]:
    """A user, a copyist and a guesser at one device, whose clock may be fast."""
    chance = Entropy(seed).stream("course")
    now_s, typed = BEGIN_S, ["000000"]
    for _ in range(attempts):
        now_s += pauses_s(chance)
        step = (now_s + int((now_s - BEGIN_S) * drift_ppm * 1e-6)) // 30
        kind = chance.random()
        if kind < 0.5:
            code = otp.hotp(SEED, step + chance.randint(-1, 1))
        elif kind < 0.75:
            code = otp.hotp(SEED, step + chance.randint(-8, 8))
        elif kind < 0.9:
            code = chance.choice(typed[-4:])
        else:
            code = otp.as_text(chance.randrange(10**6), 6)
        typed.append(code)
        yield now_s, code


def decisions(profile: Profile, attempts: list[Attempt]) -> list[bool]:
    """What the embedded verifier's rules say of each attempt."""
    store = MemoryStore()
    device = Device("device", DeviceKind.VIRTUAL, "serial", "1", "n", "/", 0, SEED)
    with store.transaction() as tx:
        tx.update(Account("1", "aws", None, "root@example.com", None, True, 0))
        tx.insert(device)
    accepted = []
    for now_s, code in attempts:
        with store.transaction() as tx:
            known = tx.get(Device, "device")
            assert known is not None
            decision = verify_code(
                tx, known, code, now_ns=now_s * S, profile=profile, operation="Test"
            )
        accepted.append(decision.accepted)
    return accepted


def must_agree(profile: Profile, attempts: list[Attempt], real: list[bool]) -> None:
    """Compare, and show that the course says something: both verdicts are common in it."""
    assert decisions(profile, attempts) == real
    share = sum(real) / len(real)
    assert 0.05 < share < 0.95


def pauses(chance: Stream) -> int:
    """Mostly within a window, at times hours."""
    return chance.choice([0, 1, 7, 20, 30, 45, 3600])


@pytest.mark.parametrize("name", ["pyotp", "pquerna-otp"])
def test_pyotp_decides_the_same(name: str) -> None:
    """With a window of one step it is the rule of pquerna/otp as well."""
    profile = PROFILES[name]
    totp = pyotp.TOTP(base64.b32encode(SEED).decode())
    attempts = list(course(name, 3000, pauses))
    real = [
        totp.verify(code, for_time=now_s, valid_window=profile.window_back)
        for now_s, code in attempts
    ]
    must_agree(profile, attempts, real)


@pytest.fixture(scope="module")
def django_device() -> Iterator[Any]:
    """A device of django-otp, in the project of the example: a process has one."""
    example = Path(__file__).parents[2] / "examples" / "django_otp_verifier.py"
    system_under_test(f"otp:{example}:Verifier")
    from django.contrib.auth.models import User
    from django.db import connection
    from django_otp.plugins.otp_totp.models import TOTPDevice

    user = User.objects.create(username="known")
    yield lambda: TOTPDevice.objects.create(user=user, name="fob", key=SEED.hex(), last_t=-1)
    user.delete()
    connection.close()


@pytest.mark.parametrize("drift_ppm", [0.0, 60.0, -60.0])
def test_django_otp_decides_the_same(
    django_device: Any, monkeypatch: pytest.MonkeyPatch, drift_ppm: float
) -> None:
    """Its delays double after each failure, so the pauses of this course are long enough, often."""
    from django.utils import timezone
    from django_otp.plugins.otp_totp import models

    now_s = 0
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromtimestamp(now_s, UTC))
    monkeypatch.setattr(models.time, "time", lambda: float(now_s))
    device = django_device()
    attempts = list(
        course(
            f"django {drift_ppm}",
            1500,
            lambda chance: chance.choice([0, 1, 3, 30, 600, 7200]),
            drift_ppm,
        )
    )
    real = []
    for time_s, code in attempts:
        now_s = time_s
        real.append(bool(device.verify_token(code)))
        device.refresh_from_db()
    must_agree(PROFILES["django-otp"], attempts, real)


def test_liboath_decides_the_same(tmp_path: Path) -> None:
    here = Path(__file__).parent
    clock = tmp_path / "faketime.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", clock, here / "faketime.c"],
        check=True,
    )
    attempts = list(course("liboath", 3000, pauses))
    peer = subprocess.run(
        [sys.executable, here / "oath_peer.py", clock, tmp_path / "users", SEED.hex()],
        input="".join(f"{now_s} {code}\n" for now_s, code in attempts),
        env={"LD_PRELOAD": str(clock), "TZ": "UTC"},
        text=True,
        capture_output=True,
        check=True,
    )
    real = [line == "0" for line in peer.stdout.split()]
    must_agree(PROFILES["pam-oath"], attempts, real)
