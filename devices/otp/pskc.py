"""Maker seed files in the XML form of RFC 6030 (PSKC), read with python-pskc."""

import io
from typing import TYPE_CHECKING

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.seed import OtpKind, OtpSeed, SeedRecord

if TYPE_CHECKING:
    from pskc import PSKC
    from pskc.key import Key

MAX_PBKDF2_ITERATIONS = 10_000_000
"""A file chooses its own count; beyond some ten seconds it is an attack, not a seed file."""


def read_pskc(
    data: bytes,
    *,
    key: bytes | None = None,
    password: str | None = None,
    name: str = "PSKC file",
) -> tuple[SeedRecord, ...]:
    """The tokens in a PSKC file.

    Deviation: a key without ResponseFormat gets 6 digits and one without
    TimeInterval 30 seconds, although RFC 6030 section 5 makes both mandatory;
    makers leave them out.

    Args:
        data: the file's bytes.
        key: the pre-shared AES key of an encrypted file.
        password: the password of a file encrypted under one (PBKDF2).
        name: the file's name, for errors.

    Raises:
        ProvisioningError: the file cannot be read or decrypted, or holds keys
            that are no one-time-password seeds; every bad key is named.
        ValueError: key and password are both given.
    """
    from pskc import PSKC
    from pskc.exceptions import PSKCError

    if key is not None and password is not None:
        raise ValueError("a PSKC file has one encryption key. Give the key or the password.")
    try:
        container = PSKC(io.BytesIO(data))
    # The reader lets conversion errors of malformed numbers and base64 through.
    except (PSKCError, ValueError) as error:
        raise _refused(name, f"it is no PSKC file ({error}). Ask the maker for RFC 6030.") from None
    if key is not None:
        container.encryption.key = key
    if password is not None:
        _derive(container, password, name)
    records: list[SeedRecord] = []
    problems: list[Problem] = []
    for number, entry in enumerate(container.keys, start=1):
        where = f"{name}, key {number} (serial {entry.serial or 'missing'})"
        try:
            records.append(_record(entry))
        except PSKCError as error:
            advice = (
                "Give the pre-shared key or the password that came with it."
                if key is None and password is None
                else "Is this the key or password that came with this file?"
            )
            problems.append(Problem(where, f"it cannot be decrypted ({error}). {advice}"))
        except ValueError as error:
            problems.append(Problem(where, str(error)))
    if not records and not problems:
        problems.append(Problem(name, "it holds no keys. Ask the maker for the right file."))
    if problems:
        raise ProvisioningError(problems)
    return tuple(records)


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
    except PSKCError as error:
        raise _refused(
            name, f"no key can be derived from a password ({error}). Is it encrypted with one?"
        ) from None


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
    counter = entry.counter or 0
    interval = entry.time_interval
    return SeedRecord(
        serial=entry.serial,
        seed=OtpSeed(
            secret=entry.secret,
            kind=kind,
            algorithm=_suite(entry.algorithm_suite),
            digits=6 if entry.response_length is None else entry.response_length,
            period_s=30 if interval is None else interval,
            counter=counter if kind is OtpKind.HOTP else 0,
        ),
        manufacturer=entry.manufacturer or "",
        model=entry.model or "",
        drift_steps=entry.time_drift or 0,
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
