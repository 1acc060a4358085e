"""SCPI for a small board: lines out of bytes, units out of lines, errors in a queue.

Runs on MicroPython. The rules are those of docs/rig.md.
"""

LONGEST_LINE = 256
LONGEST_KEYWORD = 12
MOST_ERRORS = 16

INVALID_CHARACTER = -101
SYNTAX_ERROR = -102
DATA_TYPE_ERROR = -104
PARAMETER_NOT_ALLOWED = -108
MISSING_PARAMETER = -109
MNEMONIC_TOO_LONG = -112
UNDEFINED_HEADER = -113
SUFFIX_OUT_OF_RANGE = -114
SUFFIX_NOT_ALLOWED = -138
INVALID_STRING = -151
SETTINGS_CONFLICT = -221
OUT_OF_RANGE = -222
ILLEGAL_VALUE = -224
QUEUE_OVERFLOW = -350
INPUT_OVERRUN = -363
TIME_OUT = -365

TEXTS = {
    0: "No error",
    INVALID_CHARACTER: "Invalid character",
    SYNTAX_ERROR: "Syntax error",
    DATA_TYPE_ERROR: "Data type error",
    PARAMETER_NOT_ALLOWED: "Parameter not allowed",
    MISSING_PARAMETER: "Missing parameter",
    MNEMONIC_TOO_LONG: "Program mnemonic too long",
    UNDEFINED_HEADER: "Undefined header",
    SUFFIX_OUT_OF_RANGE: "Header suffix out of range",
    SUFFIX_NOT_ALLOWED: "Suffix not allowed",
    INVALID_STRING: "Invalid string data",
    SETTINGS_CONFLICT: "Settings conflict",
    OUT_OF_RANGE: "Data out of range",
    ILLEGAL_VALUE: "Illegal parameter value",
    QUEUE_OVERFLOW: "Queue overflow",
    INPUT_OVERRUN: "Input buffer overrun",
    TIME_OUT: "Time out error",
}

_WHITE = "".join(chr(code) for code in range(33))
_LF = 0x0A
_CAN = 0x18
_QUOTES = b"\"'"


class Refusal(Exception):
    """Why a unit is not done: the standard's number, and what the board adds."""

    def __init__(self, code, detail=""):
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def text(self):
        """As `SYST:ERR?` tells it."""
        text = TEXTS[self.code]
        if self.detail:
            text = text + ";" + self.detail
        text = text.replace('"', '""')
        return f'{self.code},"{text}"'


class Lines:
    """Puts lines together; byte 0x18 drops the half-received one."""

    def __init__(self):
        self._received = bytearray()
        self._overrun = False

    def feed(self, data):
        """The lines that `data` completes, without their ends; None for one that was too long."""
        lines = []
        for byte in data:
            if byte == _LF:
                lines.append(None if self._overrun else bytes(self._received))
                self._received = bytearray()
                self._overrun = False
            elif byte == _CAN:
                self._received = bytearray()
                self._overrun = False
            elif len(self._received) < LONGEST_LINE:
                self._received.append(byte)
            else:
                self._overrun = True
        return lines


def parts(data, separator):
    """The parts of some bytes; separators within quotes part nothing."""
    found = []
    start = 0
    quote = 0
    for place, byte in enumerate(data):
        if quote:
            if byte == quote:
                quote = 0
        elif byte in _QUOTES:
            quote = byte
        elif byte == separator:
            found.append(data[start:place])
            start = place + 1
    found.append(data[start:])
    return found


def read_units(line):
    """The units of a line: path, whether it asks, parameters; or a Refusal."""
    units = []
    here = ()
    for part in parts(line, ord(";")):
        try:
            # White space is trimmed before 8-bit bytes are looked for, as decoding needs ASCII.
            if any(byte > 127 for byte in part):
                raise Refusal(INVALID_CHARACTER)
            text = part.decode().strip(_WHITE)
            if not text:
                continue
            end = _header_end(text)
            header = text[:end]
            rest = text[end:]
            query = rest.startswith("?")
            if query:
                rest = rest[1:]
            if rest and rest[0] not in _WHITE:
                raise Refusal(SYNTAX_ERROR)
            keywords = tuple(header.upper().lstrip(":").split(":"))
            if any(len(keyword) > LONGEST_KEYWORD for keyword in keywords):
                raise Refusal(MNEMONIC_TOO_LONG)
            if header[0] == "*":
                path = keywords
            else:
                path = keywords if header[0] == ":" else here + keywords
                here = path[:-1]
            units.append((path, query, _parameters(rest.strip(_WHITE))))
        except Refusal as refusal:
            units.append(refusal)
    return units


def _header_end(text):
    """Where a header ends: `*` and letters, or keywords parted by single colons."""
    place = 0
    if text[0] == "*":
        place = 1
        while place < len(text) and text[place].isalpha():
            place += 1
        if place == 1:
            raise Refusal(SYNTAX_ERROR)
        return place
    if text[0] == ":":
        place = 1
    while True:
        if place >= len(text) or not text[place].isalpha():
            # A colon with no keyword behind it ends the header before it, if there is one.
            if place <= 1:
                raise Refusal(SYNTAX_ERROR)
            return place - 1
        while place < len(text) and _in_keyword(text[place]):
            place += 1
        if place >= len(text) or text[place] != ":":
            return place
        place += 1


def _in_keyword(character):
    return character.isalpha() or character.isdigit() or character == "_"


def _parameters(text):
    if not text:
        return ()
    found = [part.decode().strip(_WHITE) for part in parts(text.encode(), ord(","))]
    if "" in found:
        raise Refusal(SYNTAX_ERROR)
    for parameter in found:
        quote = parameter[0]
        if quote in "\"'" and (
            len(parameter) < 2
            or parameter[-1] != quote
            or quote in parameter[1:-1].replace(quote * 2, "")
        ):
            raise Refusal(INVALID_STRING)
    return tuple(found)


def number_end(text):
    """Where the decimal number at the start of a text ends; 0 for none."""
    place = 0
    digits = 0
    if text[:1] in ("+", "-"):
        place = 1
    while text[place : place + 1].isdigit():
        place += 1
        digits += 1
    if text[place : place + 1] == "." and (digits or text[place + 1 : place + 2].isdigit()):
        place += 1
        while text[place : place + 1].isdigit():
            place += 1
            digits += 1
    if not digits:
        return 0
    if text[place : place + 1] in ("e", "E"):
        ahead = place + 1
        if text[ahead : ahead + 1] in ("+", "-"):
            ahead += 1
        first = ahead
        while ahead - first < 3 and text[ahead : ahead + 1].isdigit():
            ahead += 1
        if ahead > first:
            place = ahead
    return place


def integer(text, low, high):
    """A number, rounded, with `low <= number <= high`."""
    end = number_end(text)
    if not end:
        raise Refusal(DATA_TYPE_ERROR)
    if end != len(text):
        raise Refusal(SUFFIX_NOT_ALLOWED)
    number = float(text)
    if not low <= number <= high:
        raise Refusal(OUT_OF_RANGE, f"{low} to {high}")
    return round(number)


def boolean(text):
    """`ON`, `OFF`, or a number, of which 0 is off."""
    word = text.upper()
    if word in ("ON", "OFF"):
        return word == "ON"
    if number_end(text) == len(text):
        return abs(float(text)) >= 0.5
    raise Refusal(ILLEGAL_VALUE, "ON or OFF")


def compile_pattern(text):
    """A header as manuals write it, `SYSTem:ERRor[:NEXT]?`, as (query, variants of nodes).

    A node is (short form, long form, whether a channel may follow).
    """
    query = text.endswith("?")
    text = text.rstrip("?")
    variants = [text]
    if "[" in text:
        before = text[: text.index("[")]
        inside = text[text.index("[") + 1 : text.index("]")]
        after = text[text.index("]") + 1 :]
        variants = [before + inside + after, before + after]
    return query, [[_node(word) for word in variant.split(":")] for variant in variants]


def _node(word):
    suffixed = word.endswith("#")
    word = word.rstrip("#")
    short = "".join(letter for letter in word if not letter.islower())
    return short, word.upper(), suffixed


def match(pattern, path, query):
    """The channel that a header names, 1 when it names none; None when it is another header."""
    if pattern[0] != query:
        return None
    for nodes in pattern[1]:
        if len(nodes) != len(path):
            continue
        channel = 1
        for (short, long, suffixed), keyword in zip(nodes, path):
            found = _match_node(short, long, suffixed, keyword)
            if found is None:
                break
            if suffixed:
                channel = found
        else:
            return channel
    return None


def _match_node(short, long, suffixed, keyword):
    for form in (long, short):
        if keyword == form:
            return 1
        if suffixed and keyword.startswith(form) and keyword[len(form) :].isdigit():
            return int(keyword[len(form) :])
    return None
