"""Maker seed files as scenarios name them: PSKC (RFC 6030) or CSV, told apart by their content."""

from __future__ import annotations

import codecs
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.pskc import UnusableKey, read_pskc_keys
from mfalab.devices.otp.seed import OtpKind, SeedRecord, decode_hex
from mfalab.devices.otp.seed_csv import read_seed_csv
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.language.units import Seconds
from mfalab.simulator.language.words import Strict, choice, nearest

_FIGURES = ("algorithm", "counter", "digits", "period")
_AES_KEY_BYTES = (16, 24, 32)
_MOVES = {OtpKind.TOTP: "time-based (TOTP)", OtpKind.HOTP: "event-based (HOTP)"}


class SeedFileEntry(Strict):
    """A token that can be made from its maker's seed file."""

    otp_kind: ClassVar[OtpKind] = OtpKind.TOTP
    """What moves its codes on."""
    serial: str | None = None
    """The serial number on its back; made up when left out."""
    seeds: str | None = None
    """The maker's seed file, PSKC or CSV, from which the token of this serial number is made;
    relative to the file that names it."""
    seeds_password: str | None = None
    """The password of an encrypted PSKC file."""
    seeds_key: str | None = None
    """A file with the pre-shared AES key of an encrypted PSKC file, in hexadecimal digits or as 16,
    24 or 32 raw bytes; relative to the file that names it."""
    digits: Annotated[int, Field(ge=6, le=8)] = 6
    """Length of its codes. This and the other figures can be said where a seed file leaves them
    out."""
    algorithm: Literal["SHA1", "SHA256", "SHA512"] = "SHA1"

    # What was found wrong is missing in `told.data`, and was said: only what is None is not there.

    @field_validator("seeds")
    @classmethod
    def _a_seed_file_goes_by_serial(cls, value: str | None, told: ValidationInfo) -> str | None:
        if value is not None and told.data.get("serial", "") is None:
            raise ValueError("a token from a seed file needs its serial")
        return value

    @field_validator("seeds_password", "seeds_key")
    @classmethod
    def _opens_a_seed_file(cls, value: str | None, told: ValidationInfo) -> str | None:
        if value is not None and told.data.get("seeds", "") is None:
            raise ValueError(f"{told.field_name} is of a seed file; name the file in seeds")
        if value is not None and told.data.get("seeds_password") is not None:
            raise ValueError("a seed file has one key; give seeds_password or seeds_key")
        return value


class TotpEntry(SeedFileEntry):
    """A time-based token that can be made from its maker's seed file."""

    period: Seconds = 30 * NS_PER_S
    """Its time step."""


class NoSeed(Exception):
    """Why a token has no seed in the file that its entry names.

    Args:
        word: the field of the entry that is to blame.
        why: what is wrong, in words.
    """

    def __init__(self, word: str, why: str) -> None:
        super().__init__(word, why)
        self.word = word
        self.why = why

    def __str__(self) -> str:
        return f"{self.word}: {self.why}"


def resolve_seed_files(path: Path, entries: dict[str, Any]) -> None:
    """Make the paths of seed files and keys absolute: they start at the file that names them.

    An entry that several cases share comes here once for each, and stays what it is.
    """
    for entry in entries.values():
        for word in ("seeds", "seeds_key"):
            if isinstance(entry, dict) and isinstance(entry.get(word), str):
                entry[word] = str(path.parent.absolute() / entry[word])


_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""What a byte-order mark says."""


class Seeds(dict[str, SeedRecord]):
    """The tokens of a seed file by their serial numbers.

    Where a device has several keys, each goes by its key ID (`10000001:1`).

    Attributes:
        unusable: why a serial number that is in the file has no token here.
    """

    def __init__(self, keys: Iterable[SeedRecord | UnusableKey]) -> None:
        super().__init__()
        self.unusable: dict[str, str] = {}
        groups: dict[str, list[SeedRecord]] = defaultdict(list)
        bad: list[UnusableKey] = []
        for key in keys:
            if isinstance(key, UnusableKey):
                bad.append(key)
            else:
                groups[key.serial].append(key)
        for serial, records in groups.items():
            names = [record.key_id for record in records]
            if len(records) == 1:
                self[serial] = records[0]
            elif all(names) and len(set(names)) == len(names) and not set(names) & {*groups, *self}:
                self.update(zip(names, records, strict=True))
                ids = " or ".join(names)
                self.unusable[serial] = f"{serial} has {len(records)} keys. Say {ids}."
            else:
                self.unusable[serial] = (
                    f"{serial} has {len(records)} keys, and their IDs do not tell them apart. "
                    "Ask the maker for a file with one."
                )
        for each in bad:
            if each.serial not in self:
                self.unusable.setdefault(each.serial, str(each.problem))
        if not self and bad:
            raise ProvisioningError([each.problem for each in bad])


def read_seeds(path: Path, password: str | None = None, key: bytes | None = None) -> Seeds:
    """The tokens of a seed file as it is now.

    Args:
        path: the file.
        password: of a PSKC file that is encrypted under one.
        key: the pre-shared AES key of a PSKC file that is encrypted under one.

    Raises:
        OSError: the file cannot be read.
        ProvisioningError: it is no seed file, or none of its tokens can be used.
        ValueError: password and key are both given.
    """
    return _parsed(path.read_bytes(), path.name, password, key)


def read_key(path: Path) -> bytes:
    """The pre-shared AES key in a file: hexadecimal digits, or the raw bytes.

    Thirty-two bytes that are all hexadecimal digits are digits.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no such key; nothing of it is quoted.
    """
    data = path.read_bytes()
    with suppress(ValueError):
        key = decode_hex(data.decode(_encoding(data)))
        if len(key) in _AES_KEY_BYTES:
            return key
    if len(data) in _AES_KEY_BYTES:
        return data
    raise ValueError(
        f"{path.name} holds neither 32, 48 or 64 hexadecimal digits nor 16, 24 or 32 raw bytes"
    )


def _encoding(data: bytes) -> str:
    return next((each for mark, each in _ENCODINGS.items() if data.startswith(mark)), "utf-8")


@lru_cache(maxsize=32)
def _parsed(data: bytes, name: str, password: str | None, key: bytes | None) -> Seeds:
    """Kept by content, so that a file which is written again is read again."""
    encoding = _encoding(data)
    if data.decode(encoding, "replace").lstrip().startswith("<"):
        return Seeds(read_pskc_keys(data, key=key, password=password, name=name))
    if key is not None or password is not None:
        why = "it is a CSV file and not encrypted. Leave out the key or password."
        raise ProvisioningError([Problem(name, why)])
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ProvisioningError(
            [
                Problem(
                    f"{name}:{line}:{column}",
                    f"byte 0x{data[error.start]:02X} is no {encoding.upper()}. "
                    "Save the file as CSV in UTF-8.",
                )
            ]
        ) from None
    return Seeds(read_seed_csv(text, name=name))


class SeedFiles:
    """The seed files that one lab, or one check, names: each is read once for all its tokens."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, ...], Seeds | tuple[str, str]] = {}

    def record(self, entry: SeedFileEntry) -> SeedRecord:
        """The token that an entry means.

        Raises:
            NoSeed: its file cannot be read, or has no such token.
        """
        seeds, serial = self.seeds(entry), entry.serial or ""
        if serial in seeds.unusable:
            raise NoSeed("serial", seeds.unusable[serial])
        if serial not in seeds:
            near = nearest(serial, seeds) or choice(seeds)
            raise NoSeed("serial", f'the seed file has no token "{serial}"{near}')
        record = seeds[serial]
        if record.seed.kind is not entry.otp_kind:
            is_, needed = _MOVES[record.seed.kind], _MOVES[entry.otp_kind]
            raise NoSeed(
                "serial", f"{serial} is {is_} in the seed file; here belongs a {needed} token"
            )
        return _completed(record, entry)

    def seeds(self, entry: SeedFileEntry) -> Seeds:
        """The tokens of an entry's seed file, whichever of them it means.

        Raises:
            NoSeed: the file cannot be read.
        """
        source = (entry.seeds, entry.seeds_password, entry.seeds_key)
        if source not in self._known:
            self._known[source] = _tried(entry)
        found = self._known[source]
        if isinstance(found, Seeds):
            return found
        raise NoSeed(*found)


def _tried(entry: SeedFileEntry) -> Seeds | tuple[str, str]:
    """The tokens of an entry's seed file, or the word to blame and why there are none."""
    try:
        key = None if entry.seeds_key is None else read_key(Path(entry.seeds_key))
    except OSError as error:
        return "seeds_key", f"the key file cannot be read: {error.strerror}"
    except ValueError as error:
        return "seeds_key", f"the key file is wrong: {error}"
    try:
        return read_seeds(Path(entry.seeds or ""), entry.seeds_password, key)
    except OSError as error:
        return "seeds", f"the seed file cannot be read: {error.strerror}"
    except ProvisioningError as error:
        return "seeds", f"the seed file is wrong: {error}"


def _completed(record: SeedRecord, entry: SeedFileEntry) -> SeedRecord:
    """The token with the figures that its entry says and its file leaves out.

    Raises:
        NoSeed: the file says them, too, or they make no seed.
    """
    said = {word for word in _FIGURES if word in entry.model_fields_set}
    twice = sorted(said - record.assumed)
    if twice:
        raise NoSeed(twice[0], f"the seed file says what {', '.join(twice)} is; remove it")
    changes = {word: getattr(entry, word) for word in said}
    if "period" in changes:
        changes["period_s"] = changes.pop("period") // NS_PER_S
    if "algorithm" in changes:
        changes["algorithm"] = HashAlgorithm[changes["algorithm"]]
    try:
        seed = replace(record.seed, **changes)
    except ValueError as error:
        raise NoSeed(min(said), str(error)) from None
    return replace(record, seed=seed, assumed=record.assumed - said)
