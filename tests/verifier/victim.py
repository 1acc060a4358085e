"""The victim of kill.py: enrols, verifies and removes as fast as it can until it is killed.

Started as a script, with `--lie` to acknowledge codes before they are accepted. Each line on its
input is a JSON list of a database and the name of a round, and begins the round in a forked child;
each line of its output is a JSON list: what the verifier has acknowledged, after the fact.

A round is cheap, so that there can be many: the child is forked from a process that has done all of
this once, in a database that it is shown first, and nothing is searched or drawn for long.
"""

import base64
import gc
import hashlib
import itertools
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace

from mfalab.verifier import (
    AWS_IMMEDIATE,
    CHEAP,
    Store,
    ThrottleRule,
    Verifier,
    names,
    open_store,
)
from mfalab.verifier.otp import hotp

ACCOUNT = "123456789012"
PROFILE = replace(AWS_IMMEDIATE, throttle=ThrottleRule.NONE, pair_back=10, pair_ahead=10)
THREADS = 3
_WINDOW = PROFILE.window_back + PROFILE.window_ahead
NEARBY = [away for away in range(-_WINDOW, _WINDOW + 1) if away]
"""Steps beside a code's own that a verifier may take it for, where the digits are the same."""


def stream(name: str) -> Callable[[int], bytes]:
    """Bytes that look random and depend on the name alone."""
    numbers = itertools.count()
    return lambda count: hashlib.shake_128(f"{name}/{next(numbers)}".encode()).digest(count)


class SteppedClock:
    """Stands at a time step until it is moved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def now_ns(self) -> int:
        return self.step * 30 * 10**9


class Nowhere:
    """An outbox that is never emptied."""

    def send_sms(self, number: str, text: str) -> None: ...

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None: ...

    def place_call(self, number: str, call_id: str) -> None: ...


def verifier_at(store: Store, clock: SteppedClock, name: str) -> Verifier:
    return Verifier(
        store=store,
        clock=clock,
        random_bytes=stream(name),
        profile=PROFILE,
        password_cost=CHEAP,
        outbox=Nowhere(),
    )


def say(*words: object) -> None:
    # One write of a short line reaches a pipe whole, whatever kills the writer next.
    os.write(1, json.dumps(words).encode() + b"\n")


def work(store: Store, name: str, *, lies: bool, devices: int = 13) -> None:
    """One person's devices, as many as one may have, from the cradle to the grave."""
    clock = SteppedClock(50_000_000)
    verifier = verifier_at(store, clock, name)
    admin = verifier.create_user(ACCOUNT, f"{name}-admin", administrator=True)
    iam = verifier.iam(verifier.create_access_key(admin.id))
    person = verifier.create_user(ACCOUNT, name)
    credentials = verifier.create_access_key(person.id)
    sts = verifier.sts(credentials)
    say("person", name, credentials.access_key_id, credentials.secret_access_key)
    for number in range(devices):
        made = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"{name}-{number}")
        serial = made["VirtualMFADevice"]["SerialNumber"]
        base32 = made["VirtualMFADevice"]["Base32StringSeed"].decode()
        say("created", serial, base32, name)
        seed = base64.b32decode(base32)
        iam.enable_mfa_device(
            UserName=name,
            SerialNumber=serial,
            AuthenticationCode1=hotp(seed, clock.step - 1),
            AuthenticationCode2=hotp(seed, clock.step),
        )
        say("enabled", serial)
        for _ in range(5):
            clock.step += 1
            code = hotp(seed, clock.step)
            if code in [hotp(seed, clock.step + away) for away in NEARBY]:
                continue
            if lies:
                say("accepted", serial, clock.step)
            sts.get_session_token(SerialNumber=serial, TokenCode=code)
            if not lies:
                say("accepted", serial, clock.step)
        if number % 2:
            iam.deactivate_mfa_device(UserName=name, SerialNumber=serial)
            say("deactivated", serial)
            iam.delete_virtual_mfa_device(SerialNumber=serial)
            say("deleted", serial)


def until_killed(store: Store, name: str, *, lies: bool) -> None:
    """Work without end; what fails must not be hidden by the threads that go on."""
    try:
        for life in itertools.count():
            work(store, f"{name}-{life}", lies=lies)
    finally:
        traceback.print_exc()
        os._exit(1)


def main() -> None:
    lies = "--lie" in sys.argv
    names.qr_png = lambda _: b""  # a picture of a seed costs more than all else, and stores nothing
    rehearsed = False
    for line in sys.stdin:
        place, name = json.loads(line)
        if not rehearsed:
            # What is imported, prepared and kept is there before the first fork, and stays shared.
            with open_store(place) as store:
                work(store, f"{name}-rehearsal", lies=False, devices=2)
            gc.collect()
            gc.freeze()
            rehearsed = True
        child = os.fork()
        if child == 0:
            store = open_store(place)
            for index in range(THREADS):
                threading.Thread(
                    target=until_killed, args=(store, f"{name}-{index}"), kwargs={"lies": lies}
                ).start()
            signal.pause()
        say("begun", child)
        _, status = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
