"""The inside of a board for the firmware: pins that remember, time that is told. MicroPython."""

import binascii
import gc
import json
import sys
import time  # noqa: F401 - needs the true micropython module when it is loaded

pins = {}
now = {"us": 0}


class FakePin:
    OUT, IN, PULL_UP = 1, 0, 2

    def __init__(self, number, mode=OUT, pull=None, value=None):
        self.number = number
        if value is not None or number not in pins:
            pins[number] = value

    def value(self, value=None):
        if value is None:
            return pins[self.number]
        pins[self.number] = value
        return None


class FakePwm:
    def __init__(self, pin, freq):
        self.number = pin.number

    def duty_ns(self, ns):
        pins[self.number] = ns


class FakeWatchdog:
    def __init__(self, timeout):
        self.fed = 0

    def feed(self):
        self.fed += 1


class FakeMachine:
    Pin, PWM, WDT = FakePin, FakePwm, FakeWatchdog
    resets = 0

    @staticmethod
    def unique_id():
        return b"\xe6\x61\x00\x42"

    @staticmethod
    def reset():
        FakeMachine.resets += 1


class FakeMicropython:
    @staticmethod
    def kbd_intr(character):
        pass


class Line:
    """A line that gives its bytes one by one and then fails, as nothing on the board ever does."""

    def __init__(self, data):
        self.left = data
        self.said = b""

    def read(self, wait_ms):
        if not self.left:
            raise OSError("the test is over")
        byte, self.left = self.left[:1], self.left[1:]
        return byte

    def write(self, data):
        self.said += data


sys.modules["machine"] = FakeMachine
sys.modules["micropython"] = FakeMicropython

import main  # noqa: E402 - the fakes must be there first
from board import Board  # noqa: E402 - as above

board = None


def due(until_us):
    """When the board will have something to do, and the end."""
    times = [until_us, board._heard_us + board._watch_s * 1000000]
    times.extend(board._restore_us)
    for finger in board._fingers:
        times += [finger.press_us, finger.lift_us]
    return [time_us for time_us in times if time_us > now["us"]]


def handle(text):
    """Do what a line of JSON says, and answer with one."""
    global board  # noqa: PLW0603 - the board on the bench
    asked = json.loads(text)
    said = b""
    started = False
    if "boot" in asked:
        pins.clear()
        now["us"] = 0
        board = Board(main.Outputs(), lambda: now["us"], main.identity())
    if "at_us" in asked:
        # The board's loop looks every millisecond; here, whenever something is due.
        while now["us"] < asked["at_us"]:
            now["us"] = min(due(asked["at_us"]))
            board.poll()
    if "feed" in asked:
        said = board.feed(binascii.unhexlify(asked["feed"]))
    if "serve" in asked:
        line = Line(binascii.unhexlify(asked["serve"]))
        watchdog = FakeWatchdog(main.HANG_MS)
        try:  # noqa: SIM105 - MicroPython has no contextlib
            main.serve(board, line, watchdog)
        except OSError:
            pass
        said = line.said
    if "maintenance" in asked:
        pins[main.MAINTENANCE_PIN] = asked["maintenance"]
        resets = FakeMachine.resets
        try:  # noqa: SIM105 - MicroPython has no contextlib
            main.start()
        except (AttributeError, OSError):
            pass  # there is no USB line in here
        pins.pop(main.MAINTENANCE_PIN)
        started = FakeMachine.resets > resets
    gc.collect()
    return json.dumps(
        {
            "said": binascii.hexlify(said).decode(),
            "pins": {str(number): value for number, value in pins.items()},
            "started": started,
            "allocated": gc.mem_alloc(),
        }
    )
