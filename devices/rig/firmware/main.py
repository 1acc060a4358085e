"""Firmware of a rig on an RP2040 or RP2350 board with MicroPython; see README.md.

Copy scpi.py, board.py and this file to the board. It starts by itself, unless the maintenance pin
is tied to ground.
"""

import binascii
import select
import sys
import time

import machine
import micropython
from board import Board

FIRMWARE = "1.0"

# Pins, by channel. Change them to what is wired.
TOUCH_PINS = (2, 3, 4, 5)  # high: the finger is down
POWER_PINS = (6, 7, 8, 9)  # high: the port is cut off
FIELD_PINS = (10,)  # high: the reader is cut off
CARD_PINS = (11,)  # servo that moves the card
MAINTENANCE_PIN = 22  # to ground: the firmware does not start

# Where the servo holds the card, as lengths of its pulses in microseconds.
CARD_AWAY_US = 1000
CARD_PRESENT_US = 2000

HANG_MS = 8000  # the processor's own watchdog; 8388 at most on an RP2040
IDLE_MS = 1


class Outputs:
    """The board's pins; all low is the safe state, which a reset or lost power gives as well."""

    def __init__(self, touch=TOUCH_PINS, power=POWER_PINS, field=FIELD_PINS, card=CARD_PINS):
        self._touch = [machine.Pin(pin, machine.Pin.OUT, value=0) for pin in touch]
        self._power = [machine.Pin(pin, machine.Pin.OUT, value=0) for pin in power]
        self._field = [machine.Pin(pin, machine.Pin.OUT, value=0) for pin in field]
        self._card = [machine.PWM(machine.Pin(pin), freq=50) for pin in card]
        self.touches = len(self._touch)
        self.powers = len(self._power)
        self.readers = min(len(self._field), len(self._card))
        for number in range(len(self._card)):
            self.present(number, False)

    def touch(self, number, down):
        """A finger comes down or goes up."""
        self._touch[number].value(1 if down else 0)

    def power(self, number, on):
        """A port's power changes."""
        self._power[number].value(0 if on else 1)

    def field(self, number, on):
        """A reader's power changes."""
        self._field[number].value(0 if on else 1)

    def present(self, number, on):
        """The card is laid down or taken away."""
        self._card[number].duty_ns(1000 * (CARD_PRESENT_US if on else CARD_AWAY_US))


class Clock:
    """Microseconds since it was made; the processor's counter starts again every 18 minutes."""

    def __init__(self):
        self._last = time.ticks_us()
        self._us = 0

    def __call__(self):
        """The time; must be called at least every 9 minutes."""
        now = time.ticks_us()
        self._us += time.ticks_diff(now, self._last)
        self._last = now
        return self._us


class Usb:
    """The serial line over USB, on standard input and output."""

    def __init__(self):
        micropython.kbd_intr(-1)  # byte 3 is a byte
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)

    def read(self, wait_ms):
        """A byte, or nothing if none comes in time."""
        return sys.stdin.buffer.read(1) if self._poll.poll(wait_ms) else b""

    def write(self, data):
        """Send bytes."""
        sys.stdout.buffer.write(data)


def identity():
    """Maker, model, serial number and firmware; the serial number is that of the USB port."""
    serial = binascii.hexlify(machine.unique_id()).decode()
    return "mfalab", "RP2040 rig", serial, FIRMWARE


def serve(board, line, watchdog):
    """Serve the line for ever; whatever goes wrong, the board is made safe."""
    try:
        while True:
            watchdog.feed()
            data = line.read(IDLE_MS)
            if data:
                said = board.feed(data)
                if said:
                    line.write(said)
            board.poll()
    finally:
        board.make_safe()


def start():
    """Start, unless the maintenance pin is tied to ground."""
    if not machine.Pin(MAINTENANCE_PIN, machine.Pin.IN, machine.Pin.PULL_UP).value():
        return
    board = Board(Outputs(), Clock(), identity())
    try:
        serve(board, Usb(), machine.WDT(timeout=HANG_MS))
    finally:
        machine.reset()


if __name__ == "__main__":
    start()
