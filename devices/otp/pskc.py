"""Maker seed files in the XML form of RFC 6030 (PSKC), read with python-pskc.

A container may hold keys that make no codes here, beside those that do, and nobody can take them
out of one that is encrypted or signed. So each key is read for itself: `read_pskc_keys` gives it
or says what is wrong with it, `read_pskc` wants them all.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.seed import OtpKind, OtpSeed, SeedRecord

if TYPE_CHECKING:
    from pskc import PSKC
    from pskc.key import Key

MAX_PBKDF2_ITERATIONS = 10_000_000
"""A file chooses its own count; beyond some ten seconds it is an attack, not a seed file."""
_MAX_DEPTH = 64
"""How deep elements may stand in each other; those of RFC 6030 need ten."""


@dataclass(frozen=True, slots=True)
class UnusableKey:
    """A key of a PSKC file from which no codes can be made.

    Args:
        serial: the serial number of its device, or empty.
        problem: why.
    """

    serial: str
    problem: Problem


def read_pskc(
    data: bytes,
    *,
    key: bytes | None = None,
    password: str | None = None,
    name: str = "PSKC file",
) -> tuple[SeedRecord, ...]:
    """The tokens in a PSKC file, all of whose keys have to be usable.

    Raises:
        ProvisioningError: as `read_pskc_keys`, or it holds keys that are no
            one-time-password seeds; every bad key is named.
        ValueError: key and password are both given.
    """
    keys = read_pskc_keys(data, key=key, password=password, name=name)
    problems = [each.problem for each in keys if isinstance(each, UnusableKey)]
    if problems:
        raise ProvisioningError(problems)
    return tuple(each for each in keys if isinstance(each, SeedRecord))


def read_pskc_keys(
    data: bytes,
    *,
    key: bytes | None = None,
    password: str | None = None,
    name: str = "PSKC file",
) -> tuple[SeedRecord | UnusableKey, ...]:
    """The keys in a PSKC file, each for itself.

    Deviation: a key without ResponseFormat gets 6 digits, one without
    TimeInterval 30 seconds and one without Counter begins at 0, although
    RFC 6030 section 5 makes them mandatory; makers leave them out. What was
    assumed is in the record.

    What is encrypted in a mode without integrity (CBC) needs its MAC
    (section 6.1.1), and in an encrypted file no secret may stand open: it
    would be under no MAC.

    Args:
        data: the file's bytes, in any encoding of XML.
        key: the pre-shared AES key of an encrypted file.
        password: the password of a file encrypted under one (PBKDF2).
        name: the file's name, for errors.

    Raises:
        ProvisioningError: the file cannot be read or its key not be derived.
        ValueError: key and password are both given.
    """
    from pskc import PSKC
    from pskc.exceptions import PSKCError

    if key is not None and password is not None:
        raise ValueError("a PSKC file has one encryption key. Give the key or the password.")
    places = _places(data, name)
    try:
        container = PSKC(io.BytesIO(data))
    # The reader lets through what conversions of malformed numbers, dates and base64 raise.
    except (PSKCError, ValueError, TypeError, OverflowError, LookupError) as error:
        raise _refused(name, f"it is no PSKC file ({error}). Ask the maker for RFC 6030.") from None
    if key is not None:
        container.encryption.key = key
    if password is not None:
        _derive(container, password, name)
    entries = container.keys
    if not entries:
        raise _refused(name, "it holds no keys. Ask the maker for the right file.")
    known = len(places) == len(entries)
    return tuple(
        _key(entry, f"{name}:{places[number - 1]}" if known else name, number)
        for number, entry in enumerate(entries, start=1)
    )


def _places(data: bytes, name: str) -> list[str]:
    """Line and column of each key.

    Raises:
        ProvisioningError: it is no XML that is safe to read; with line and column.
    """
    places: list[str] = []
    path: list[str] = []
    parser = expat.ParserCreate()

    def here() -> str:
        return f"{parser.CurrentLineNumber}:{parser.CurrentColumnNumber + 1}"

    def begin(tag: str, attributes: dict[str, str]) -> None:
        path.append(tag.rpartition(":")[2])
        if len(path) > _MAX_DEPTH:
            raise _refused(
                f"{name}:{here()}", f"elements stand more than {_MAX_DEPTH} deep. Do not trust it."
            )
        # The second are those of drafts, which some makers still write.
        if path[1:] in (["KeyPackage", "Key"], ["Device", "Secret"], ["Device", "Key"]):
            places.append(here())

    def end(tag: str) -> None:
        path.pop()

    def declared(*_: object) -> None:
        # Entities make a small file large, or name other files.
        raise _refused(
            f"{name}:{here()}", "it declares a document type, which PSKC has none. Do not trust it."
        )

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        what = expat.ErrorString(parser.ErrorCode) if parser.ErrorCode else str(error)
        line, column = parser.ErrorLineNumber, parser.ErrorColumnNumber + 1
        raise _refused(
            f"{name}:{line}:{column}", f"it is no PSKC file ({what}). Ask the maker for RFC 6030."
        ) from None
    return places


def _key(entry: "Key", place: str, number: int) -> SeedRecord | UnusableKey:
    from pskc.exceptions import PSKCError

    encryption = entry.device.pskc.encryption
    where = f"{place}, key {number} (serial {entry.serial or 'missing'})"
    try:
        _require_integrity(entry)
        return _record(entry)
    # Malformed cipher texts and keys end in exceptions of many kinds below the reader.
    except (PSKCError, TypeError, AssertionError, OverflowError) as error:
        advice = (
            "Give the pre-shared key or the password that came with it."
            if encryption.key is None
            else "Is this the key or password that came with this file?"
        )
        why = str(error) or "it is malformed"
        return UnusableKey(
            entry.serial or "", Problem(where, f"it cannot be decrypted ({why}). {advice}")
        )
    except ValueError as error:
        return UnusableKey(entry.serial or "", Problem(where, str(error)))


def _derive(container: "PSKC", password: str, name: str) -> None:
    from pskc.exceptions import PSKCError

    iterations = container.encryption.derivation.pbkdf2_iterations or 0
    if iterations > MAX_PBKDF2_ITERATIONS:
        raise _refused(
            name,
            f"it asks for {iterations} rounds of PBKDF2, the limit is {MAX_PBKDF2_ITERATIONS}. "
            "Do not trust it.",
        )
    try:
        container.encryption.derive_key(password)
    except (PSKCError, ValueError, OverflowError) as error:
        raise _refused(
            name, f"no key can be derived from a password ({error}). Is it encrypted with one?"
        ) from None


def _require_integrity(entry: "Key") -> None:
    """Refuse what someone on the way could have changed.

    Raises:
        ValueError: with the whole sentence.
    """
    from pskc.key import EncryptedValue

    container = entry.device.pskc
    encryption = container.encryption
    secret, *_ = values = list(_values(entry))
    encrypted = isinstance(secret, EncryptedValue)
    if secret is not None and not encrypted:
        if encryption.algorithm is not None:
            raise ValueError(
                "its secret is not encrypted, or not marked as such, although the file is. "
                "Nothing shows that it is the maker's; ask the maker for a whole file."
            )
        if encryption.key is not None:
            raise ValueError("its secret is not encrypted. Leave out the key or password.")
    for value in values:
        if not isinstance(value, EncryptedValue):
            continue
        algorithm = (value.algorithm or encryption.algorithm or "").lower()
        if not algorithm.endswith("-cbc"):
            continue
        if not value.mac_value:
            raise ValueError(
                "it is encrypted in CBC mode and has no ValueMAC, so a change on the way would not "
                "be seen (RFC 6030 section 6.1.1). Ask the maker for a file with MACs, or have it "
                "decrypted by who trusts it and name the plain file."
            )
        if encryption.iv and encryption.key is not None:
            # Its MAC is over the cipher text, without the IV that stands elsewhere.
            plain = encryption.decrypt_value(value.cipher_value, value.algorithm)
            if value.mac_value not in (
                container.mac.generate_mac(plain),
                container.mac.generate_mac(encryption.iv + value.cipher_value),
            ):
                raise ValueError(
                    "its MAC does not cover the IV, so a change of it would not be seen "
                    "(RFC 6030 section 6.1.1). Ask the maker for a file of RFC 6030."
                )


def _values(entry: "Key") -> Iterator[object]:
    """The values of a key as the file has them, encrypted or not; the secret first."""
    for name in ("secret", "counter", "time_offset", "time_interval", "time_drift"):
        yield vars(entry).get(f"_{name}")


def _record(entry: "Key") -> SeedRecord:
    """One key of the file.

    Raises:
        ValueError: with the whole sentence.
        PSKCError: it cannot be decrypted.
    """
    kind = _kind(entry.algorithm)
    if not entry.serial:
        raise ValueError("it has no SerialNo, so no token can be matched with it.")
    if entry.response_encoding not in (None, "DECIMAL"):
        raise ValueError(
            f"its response is {entry.response_encoding}; tokens here show DECIMAL codes only."
        )
    if not entry.secret:
        raise ValueError("it has no Secret. Ask the maker for the file with the seeds.")
    said = {
        "digits": entry.response_length,
        "algorithm": entry.algorithm_suite or None,
        **({"period": entry.time_interval} if kind is OtpKind.TOTP else {"counter": entry.counter}),
    }

    def given(name: str, default: int) -> int:
        value = said.get(name)
        return default if value is None else int(value)

    return SeedRecord(
        serial=entry.serial,
        seed=OtpSeed(
            secret=entry.secret,
            kind=kind,
            algorithm=_suite(entry.algorithm_suite),
            digits=given("digits", 6),
            period_s=given("period", 30),
            counter=given("counter", 0),
        ),
        manufacturer=entry.manufacturer or "",
        model=entry.model or "",
        drift_steps=(entry.time_drift or 0) if kind is OtpKind.TOTP else 0,
        key_id=entry.id or "",
        assumed=frozenset(name for name, value in said.items() if value is None),
    )


def _kind(algorithm: str | None) -> OtpKind:
    """The kind of `urn:ietf:params:xml:ns:keyprov:pskc:totp`, or of the drafts' `#totp`."""
    ending = (algorithm or "").replace("#", ":").rpartition(":")[2].lower()
    try:
        return OtpKind(ending)
    except ValueError:
        raise ValueError(
            f'its algorithm is "{algorithm}"; only the totp and hotp profiles make codes here.'
        ) from None


def _suite(suite: str | None) -> HashAlgorithm:
    """The hash named by Suite: `HMAC-SHA256`, `SHA-256`, `sha256`; SHA-1 without one."""
    if not suite:
        return HashAlgorithm.SHA1
    plain = suite.upper().replace("-", "").replace("_", "").removeprefix("HMAC")
    try:
        return HashAlgorithm(plain)
    except ValueError:
        known = ", ".join(each.value for each in HashAlgorithm)
        raise ValueError(f'its suite is "{suite}"; known are {known} under HMAC.') from None


def _refused(where: str, what: str) -> ProvisioningError:
    return ProvisioningError([Problem(where, what)])
