"""Captures are replayed: call by call at its moment, and every field of every answer compared.

The captures (`captures/*.yaml`) are of our own making, section by section of what is known of AWS:
the guides, the service models, and measurements of 2026. A file tells who is there, then the
exchanges: `at` (seconds since the start), `who` signs, `do` (the call), `with` (parameters), and
either `answer` or `refused` (code, status, text). `as` keeps the answer's credentials, page or
device under a name. Words with a dollar stand for what differs from run to run: see `_filled` for
what is sent and `_differs` for what is compared.

Each capture is replayed on each kind of store, with the shortest and the longest delays that may be
drawn, and with a draw between.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import pyotp
import pytest
import yaml

from mfalab.verifier import (
    AWS_OBSERVED,
    Credentials,
    ServiceError,
    SignedIn,
    SmsMode,
    Store,
)

FOLDER = Path(__file__).with_name("captures")
CAPTURES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
DRAWS: dict[str, Callable[[str], Callable[[int], bytes]]] = {
    "shortest": lambda name: bytes,
    "longest": lambda name: lambda count: b"\xff" * count,
    "drawn": lambda name: lambda count: hashlib.shake_128(name.encode()).digest(count),
}
PATTERNS = {
    "$seed": rb"[A-Z2-7]{64}",
    "$png": rb"(?s)\x89PNG\r\n\x1a\n.+IEND.{4}",
    "$secret": r"[A-Za-z0-9+/]{40}",
    "$token": r"[A-Za-z0-9+/=]{96,}",
    "$page": r"PAGE[A-Z0-9]{16,17}",
    "$marker": r"[A-Za-z0-9+/=_-]+",
}


@dataclass
class Replay:
    """One capture under way."""

    company: Any
    kept: dict[str, Any] = field(default_factory=dict)
    answer: Any = None

    def run(self, capture: Mapping[str, Any]) -> None:
        company, start_ns = self.company, self.company.clock.ns
        changes = {
            name: SmsMode(value) if name == "sms" else value
            for name, value in capture.get("profile", {}).items()
        }
        company.verifier.profile = replace(AWS_OBSERVED, **changes)
        for name, role in capture.get("roles", {}).items():
            company.verifier.create_role(company_account(company), name, **role)
        for number, exchange in enumerate(capture["exchanges"], 1):
            company.clock.ns = start_ns + round(exchange["at"] * 10**9)
            got = self._ask(exchange)
            expected = exchange["refused"] if "refused" in exchange else exchange.get("answer")
            wrong = list(self._differs("", expected, got))
            assert not wrong, f"exchange {number}, {exchange['do']} at {exchange['at']}: {wrong}"

    def _ask(self, exchange: Mapping[str, Any]) -> Any:
        door, _, operation = exchange["do"].partition(" ")
        given = {name: self._filled(value) for name, value in exchange.get("with", {}).items()}
        who = exchange.get("who", "")
        signs = self.kept.get(who) or self.company.keys.get(who)
        call = {
            "iam": lambda: getattr(self.company.verifier.iam(signs), operation)(**given),
            "sts": lambda: getattr(self.company.verifier.sts(signs), operation)(**given),
            "console": lambda: getattr(self.company.console, operation)(
                *([signs] if signs else []), **given
            ),
            "context": lambda: self.company.verifier.mfa_context(signs),
        }[door]
        try:
            answer = call()
        except ServiceError as error:
            return [error.code, error.status, error.message]
        self.answer = answer
        if "as" in exchange:
            self._keep(exchange["as"], answer)
        return _plain(answer)

    def _keep(self, name: str, answer: Any) -> None:
        self.kept[f"{name}.moment"] = self.company.clock.ns
        if isinstance(answer, SignedIn):
            self.kept[name] = answer.credentials
        elif isinstance(answer, dict) and "Credentials" in answer:
            self.kept[name] = Credentials.of(answer)
        elif isinstance(answer, dict) and "VirtualMFADevice" in answer:
            made = answer["VirtualMFADevice"]
            self.kept[name] = (made["SerialNumber"], made["Base32StringSeed"].decode())
        else:
            self.kept[name] = answer

    def _filled(self, value: Any) -> Any:
        """What is sent, in place of a word with a dollar.

        `$serial DEVICE`, `$code DEVICE STEP` (counted from the start), `$wrong DEVICE`,
        `$page NAME`, `$text`, `$long NUMBER`.
        """
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        word, *names = value[1:].split(" ")
        if word == "serial":
            return self.kept[names[0]][0]
        if word == "code":
            return self._code(names[0], int(names[1]))
        if word == "wrong":
            near = {self._code(names[0], step) for step in range(-5, 40)}
            return next(code for code in (f"{n:06}" for n in range(10**6)) if code not in near)
        if word == "page":
            return self.kept[names[0]].id
        if word == "text":
            return self.company.outbox.last_code()
        assert word == "long", value
        return "/" + "a" * (int(names[0]) - 2) + "/"

    def _code(self, device: str, step: int) -> str:
        code: str = pyotp.TOTP(self.kept[device][1]).at(1_772_442_000 + 30 * step)
        return code

    def _differs(self, at: str, expected: Any, got: Any) -> Iterator[str]:
        """Where an answer is not as expected, field by field.

        What a page or a session lacks (None) may be left out. `$now` is the moment of the call in
        whole seconds, `$in SECONDS` so much later, `$when NAME` the moment of the exchange that
        kept NAME; `$id PREFIX` a unique id; `$serial DEVICE` as sent; `$size` and `$share` the
        session token's length and its percentage of 4096, rounded up; the others are in `PATTERNS`.
        """
        if isinstance(expected, dict) and isinstance(got, dict):
            for name in sorted(expected.keys() | got.keys()):
                if expected.get(name) is got.get(name) is None:
                    continue
                if name not in expected or name not in got:
                    yield f"{at}.{name} is in one only"
                else:
                    yield from self._differs(f"{at}.{name}", expected[name], got[name])
        elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
            for index, (one, other) in enumerate(zip(expected, got, strict=True)):
                yield from self._differs(f"{at}[{index}]", one, other)
        elif not self._fits(expected, got):
            yield f"{at}: expected {expected!r}, got {got!r}"

    def _fits(self, expected: Any, got: Any) -> bool:
        if not isinstance(expected, str) or not expected.startswith("$"):
            return bool(expected == got)
        word, *names = expected.split(" ")
        if word in ("$now", "$in", "$when"):
            ns = self.kept[f"{names[0]}.moment"] if word == "$when" else self.company.clock.ns
            moment = datetime.fromtimestamp(ns // 10**9, UTC)
            return bool(got == moment + timedelta(seconds=int(names[0]) if word == "$in" else 0))
        if word in ("$size", "$share"):
            size = len(self.answer["Credentials"]["SessionToken"])
            return bool(got == (size if word == "$size" else -(-size * 100 // 4096)))
        if word == "$serial":
            return bool(got == self.kept[names[0]][0])
        if word == "$id":
            tail = " ".join(names[1:])
            pattern = rf"{names[0]}[A-Z2-7]{{16,17}}{re.escape(tail)}"
            return re.fullmatch(pattern, got) is not None
        return re.fullmatch(PATTERNS[word], got) is not None


def company_account(company: Any) -> str:
    return str(company.ids["root"])


def _plain(answer: Any) -> Any:
    """An answer as YAML could have it."""
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = {name: value for name, value in asdict(answer).items() if name != "identity_id"}
    if isinstance(answer, dict):
        return {name: _plain(value) for name, value in answer.items()}
    if isinstance(answer, tuple | list):
        return [_plain(value) for value in answer]
    return answer.value if isinstance(answer, Enum) else answer


@cache
def captures() -> dict[str, Any]:
    return {name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) for name in CAPTURES}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("name", CAPTURES)
def test_capture_is_answered_field_by_field(
    new_company: Any, store: Store, name: str, draw: str
) -> None:
    company = new_company(store)
    company.verifier._service.delays = DRAWS[draw]
    Replay(company).run(captures()[name])


def test_captures_cover_every_section() -> None:
    told = captures()
    assert sum(len(capture["exchanges"]) for capture in told.values()) >= 120
    sections = {str(section) for capture in told.values() for section in capture["sections"]}
    assert sections >= {"2.1", "2.2", "2.3", "3.2", "4.1", "4.2", "4.3", "4.4", "4.5", "5.1", "6"}


def test_comparison_notices_every_kind_of_difference(company: Any) -> None:
    """A replay that compares nothing would be green."""
    replay = Replay(company)
    whole = {"A": 1, "B": ["$id AIDA"], "C": "$now"}
    now = datetime.fromtimestamp(company.clock.ns // 10**9, UTC)
    good = {"A": 1, "B": ["AIDA" + "A" * 17], "C": now}
    assert list(replay._differs("", whole, good)) == []
    for bad in (
        {**good, "A": 2},
        {**good, "D": 1},
        {name: good[name] for name in ("A", "B")},
        {**good, "B": []},
        {**good, "B": ["AKIA" + "A" * 17]},
        {**good, "C": now + timedelta(seconds=1)},
    ):
        assert len(list(replay._differs("", whole, bad))) == 1, bad
