"""What the board does with each command. Runs on MicroPython; the rules are in docs/rig.md.

The board knows no pins and no clock of its own: `outputs` switches what is wired, `now_us` is the
time. `feed` takes bytes and returns what to answer; `poll` does what is due.
"""

from scpi import (
    INPUT_OVERRUN,
    MISSING_PARAMETER,
    MOST_ERRORS,
    PARAMETER_NOT_ALLOWED,
    QUEUE_OVERFLOW,
    SETTINGS_CONFLICT,
    SUFFIX_OUT_OF_RANGE,
    TIME_OUT,
    UNDEFINED_HEADER,
    Lines,
    Refusal,
    boolean,
    compile_pattern,
    integer,
    match,
    read_units,
)

PROTOCOL = "1.0"
NEVER = -1

_OPERATION_COMPLETE = 1 << 0
_POWER_ON = 1 << 7
_EVENT_OF_HUNDRED = {1: 1 << 5, 2: 1 << 4, 3: 1 << 3, 4: 1 << 2}
_ERROR_QUEUE, _MESSAGE, _EVENT, _SUMMARY = 1 << 2, 1 << 4, 1 << 5, 1 << 6


class Finger:
    """One touch channel: a pulse that is planned, under way, or over."""

    def __init__(self):
        self.busy = False
        self.down = False
        self.press_us = self.lift_us = NEVER
        self.down_us = self.up_us = NEVER


class Board:
    """One board.

    `outputs` has the numbers of channels `touches`, `powers`, `readers`, and the methods
    `touch(n, down)`, `power(n, on)`, `field(n, on)`, `present(n, on)` that count from 0.
    """

    def __init__(self, outputs, now_us, identity):
        self._outputs = outputs
        self._now_us = now_us
        self._born_us = now_us()
        self._identity = identity
        self._lines = Lines()
        self._errors = []
        self._events = _POWER_ON
        self._events_enabled = 0
        self._service_enabled = 0
        self._answered = False
        self._watch_s = 0
        self._heard_us = self._born_us
        self._fired = False
        self._fingers = [Finger() for _ in range(outputs.touches)]
        self._on = [True] * outputs.powers
        self._restore_us = [NEVER] * outputs.powers
        self._field = [True] * outputs.readers
        self._card = [False] * outputs.readers
        self._fitted = {
            "TOUCH": outputs.touches,
            "POWER": outputs.powers,
            "NFC": outputs.readers,
            "CAM": 0,
        }
        self._commands = [(compile_pattern(row[0]), row[1:]) for row in self._table()]

    def feed(self, data):
        """Take bytes, in any pieces; returns what to answer."""
        said = b""
        for line in self._lines.feed(data):
            self.poll()
            self._heard_us = self._now_us()
            self._fired = False
            if line is None:
                self._queue(Refusal(INPUT_OVERRUN))
            else:
                said += self._obey(line)
        return said

    def poll(self):
        """Do what is due."""
        now = self._now_us()
        for number, finger in enumerate(self._fingers):
            if finger.press_us != NEVER and now >= finger.press_us:
                self._press(number)
            if finger.lift_us != NEVER and now >= finger.lift_us:
                self._release(number)
        for number, restore_us in enumerate(self._restore_us):
            if restore_us != NEVER and now >= restore_us:
                self._power(number, True)
        quiet_us = now - self._heard_us
        if self._watch_s and not self._fired and quiet_us >= self._watch_s * 1000000:
            self._fired = True  # once: it watches again when it has heard something
            self.make_safe()
            self._queue(Refusal(TIME_OUT, f"no line for {self._watch_s} s, made safe"))

    def make_safe(self):
        """Release every touch and restore all power."""
        for number in range(len(self._fingers)):
            self._release(number)
        for number in range(len(self._on)):
            self._power(number, True)

    # Lines.

    def _obey(self, line):
        answers = []
        for unit in read_units(line):
            try:
                if isinstance(unit, Refusal):
                    raise unit
                self._answered = bool(answers)
                answer = self._do(*unit)
                if answer is not None:
                    answers.append(str(answer))
            except Refusal as refusal:
                self._queue(refusal)
        return ";".join(answers).encode() + b"\n" if answers else b""

    def _do(self, path, query, parameters):
        channel, meaning = self._find(path, query)
        fitted, converters, required, handler = meaning
        if fitted is not None and not 1 <= channel <= self._fitted[fitted]:
            raise Refusal(SUFFIX_OUT_OF_RANGE, f"fitted: {self._fitted[fitted]}")
        if len(parameters) > len(converters):
            raise Refusal(PARAMETER_NOT_ALLOWED)
        if len(parameters) < required:
            raise Refusal(MISSING_PARAMETER)
        arguments = [convert(text) for convert, text in zip(converters, parameters)]
        return handler(channel - 1, *arguments)

    def _find(self, path, query):
        for pattern, meaning in self._commands:
            channel = match(pattern, path, query)
            if channel is not None:
                return channel, meaning
        raise Refusal(UNDEFINED_HEADER)

    def _queue(self, refusal):
        self._events |= _EVENT_OF_HUNDRED[-refusal.code // 100]
        if len(self._errors) < MOST_ERRORS:
            self._errors.append(refusal)
        else:
            self._errors[-1] = Refusal(QUEUE_OVERFLOW)

    def _table(self):
        """Header, function whose channel it names, parameters, how many are needed, what to do."""
        mask = between(0, 255)
        return [
            ("*CLS", None, (), 0, self._clear),
            ("*ESE", None, (mask,), 1, self._enable_events),
            ("*ESE?", None, (), 0, lambda _: self._events_enabled),
            ("*ESR?", None, (), 0, self._take_events),
            ("*IDN?", None, (), 0, lambda _: ",".join(self._identity)),
            ("*OPC", None, (), 0, self._complete),
            ("*OPC?", None, (), 0, lambda _: 1),
            ("*OPT?", None, (), 0, self._options),
            ("*RST", None, (), 0, self._reset),
            ("*SRE", None, (mask,), 1, self._enable_service),
            ("*SRE?", None, (), 0, lambda _: self._service_enabled),
            ("*STB?", None, (), 0, self._status),
            ("*TST?", None, (), 0, lambda _: 0),
            ("*WAI", None, (), 0, lambda _: None),
            ("SYSTem:ERRor[:NEXT]?", None, (), 0, self._take_error),
            ("SYSTem:ERRor:COUNt?", None, (), 0, lambda _: len(self._errors)),
            ("SYSTem:VERSion?", None, (), 0, lambda _: PROTOCOL),
            ("SYSTem:TIME?", None, (), 0, lambda _: self._time_us()),
            ("SYSTem:WATChdog", None, (between(0, 3600),), 1, self._watch),
            ("SYSTem:WATChdog?", None, (), 0, lambda _: self._watch_s),
            ("TOUCh#:PULSe", "TOUCH", (between(1, 2000), between(0, 10000)), 1, self._pulse),
            ("TOUCh#:HOLD", "TOUCH", (between(1, 60000),), 1, self._pulse),
            ("TOUCh#:RELease", "TOUCH", (), 0, self._release),
            ("TOUCh#:STATe?", "TOUCH", (), 0, lambda n: int(self._fingers[n].down)),
            ("TOUCh#:LAST?", "TOUCH", (), 0, self._last),
            ("POWer#", "POWER", (boolean,), 1, self._power),
            ("POWer#?", "POWER", (), 0, lambda n: int(self._on[n])),
            ("POWer#:CYCLe", "POWER", (between(1, 60000),), 1, self._cycle),
            ("NFC#:FIELd", "NFC", (boolean,), 1, self._set_field),
            ("NFC#:FIELd?", "NFC", (), 0, lambda n: int(self._field[n])),
            ("NFC#:PRESent", "NFC", (boolean,), 1, self._set_card),
            ("NFC#:PRESent?", "NFC", (), 0, lambda n: int(self._card[n])),
            ("DISPlay#:SHOW", "CAM", (), 0, lambda _: None),
            ("DISPlay#:READ?", "CAM", (), 0, lambda _: None),
        ]

    # The board's own.

    def _time_us(self):
        return self._now_us() - self._born_us

    def _clear(self, _):
        self._errors = []
        self._events = 0

    def _complete(self, _):
        self._events |= _OPERATION_COMPLETE

    def _take_events(self, _):
        events = self._events
        self._events = 0
        return events

    def _take_error(self, _):
        return self._errors.pop(0).text() if self._errors else '0,"No error"'

    def _enable_events(self, _, mask):
        self._events_enabled = mask

    def _enable_service(self, _, mask):
        self._service_enabled = mask & ~_SUMMARY

    def _status(self, _):
        status = _ERROR_QUEUE if self._errors else 0
        if self._answered:
            status |= _MESSAGE
        if self._events & self._events_enabled:
            status |= _EVENT
        return status | (_SUMMARY if status & self._service_enabled else 0)

    def _options(self, _):
        words = ("TOUCH", "POWER", "NFC", "CAM")
        return ",".join(word + str(self._fitted[word]) for word in words)

    def _watch(self, _, seconds):
        self._watch_s = seconds

    def _reset(self, _):
        self.make_safe()
        for number in range(len(self._card)):
            self._set_card(number, False)
            self._set_field(number, True)

    # Touches.

    def _pulse(self, number, for_ms, after_ms=0):
        finger = self._fingers[number]
        if finger.busy:
            raise Refusal(SETTINGS_CONFLICT, "a touch is under way")
        finger.busy = True
        finger.press_us = self._now_us() + after_ms * 1000
        finger.lift_us = finger.press_us + for_ms * 1000
        if not after_ms:
            self._press(number)

    def _press(self, number):
        finger = self._fingers[number]
        finger.press_us = NEVER
        finger.down = True
        finger.down_us = self._time_us()
        finger.up_us = NEVER
        self._outputs.touch(number, True)

    def _release(self, number):
        finger = self._fingers[number]
        finger.busy = False
        finger.press_us = finger.lift_us = NEVER
        if finger.down:
            finger.down = False
            finger.up_us = self._time_us()
            self._outputs.touch(number, False)

    def _last(self, number):
        finger = self._fingers[number]
        return f"{finger.down_us},{finger.up_us}"

    # Power and readers.

    def _power(self, number, on):
        self._restore_us[number] = NEVER
        if on != self._on[number]:
            self._on[number] = on
            self._outputs.power(number, on)

    def _cycle(self, number, off_ms):
        self._power(number, False)
        self._restore_us[number] = self._now_us() + off_ms * 1000

    def _set_field(self, number, on):
        if on != self._field[number]:
            self._field[number] = on
            self._outputs.field(number, on)

    def _set_card(self, number, on):
        if on != self._card[number]:
            self._card[number] = on
            self._outputs.present(number, on)


def between(low, high):
    """A converter to a whole number in a range."""
    return lambda text: integer(text, low, high)
