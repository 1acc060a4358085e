"""Signature Version 4, as AWS verifies it: in the header Authorization, or in a presigned URL.

A signature names its key and is checked with that key's secret, which only the store knows:
`read` takes the request apart and refuses what is malformed, unsigned or not fresh, and the
`Signature` that it gives proves, for one secret, that the request was signed with it.

Not supported, and refused with AWS's words: Signature Version 2, asymmetric signatures (4A), and
bodies that are signed chunk by chunk.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

from mfalab.verifier import refusals
from mfalab.verifier.authorization import Signer
from mfalab.verifier.wire.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
"""How far the client's clock may be from the server's."""
LONGEST_PRESIGNED_S = 7 * 24 * 3_600

_STAMP = "%Y%m%dT%H%M%SZ"
_BASIC_FORM = re.compile("([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_PARTS = ("Credential", "Signature", "SignedHeaders")
_QUERY_PARTS = ("Credential", "Date", "Expires", "Signature", "SignedHeaders")
_UNSIGNED = "UNSIGNED-PAYLOAD"


class Signature(Signer):
    """Who signed a request, and the proof of it.

    Args: of the scope of a credential, the key, day, region and service; the string to sign; the
    signature; the session token.
    """

    __slots__ = (
        "_date",
        "_signature",
        "_text",
        "access_key_id",
        "region",
        "service",
        "session_token",
    )

    def __init__(
        self,
        scope: tuple[str, str, str, str],
        text: str,
        signature: str,
        session_token: str | None,
    ) -> None:
        self.access_key_id, self._date, self.region, self.service = scope
        self._text = text
        self._signature = signature
        self.session_token = session_token

    def proves(self, secret: str) -> bool:
        """Whether this secret access key made the signature."""
        key = _signing_key(secret, self._date, self.region, self.service)
        made = hmac.digest(key, self._text.encode("latin-1"), "sha256")
        return hmac.compare_digest(made.hex().encode(), self._signature.encode())


@lru_cache(maxsize=1024)
def _signing_key(secret: str, *scope: str) -> bytes:
    """The key of a day, a region and a service: a client signs a whole day with it."""
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode("latin-1"), "sha256")
    return key


def read(request: Request, now: datetime) -> Signature:
    """The signature of a request.

    Args:
        request: the whole request, with its body.
        now: the server's time, aware.

    Raises:
        ServiceError: MissingAuthenticationToken, IncompleteSignature, SignatureDoesNotMatch (wrong
            scope, too old, not yet current), or a body that was not the signed one.
    """
    if request.header("authorization") is not None:
        return _in_header(request, now)
    fields = dict(_fields(request.query))
    if "X-Amz-Algorithm" in fields:
        return _in_query(request, fields, now)
    raise refusals.missing_authentication_token()


def _in_header(request: Request, now: datetime) -> Signature:
    authorization = request.header("authorization") or ""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise refusals.incomplete_signature(f"Unsupported AWS 'algorithm': '{_word(algorithm)}'.")
    given = {
        name: value
        for name, _, value in (part.strip().partition("=") for part in rest.split(","))
        if value
    }
    missing = [f"'{part}' parameter" for part in _PARTS if part not in given]
    stamp = request.header("x-amz-date") or request.header("date")
    if stamp is None:
        missing.append("existence of either a 'X-Amz-Date' or a 'Date' header")
    if missing or stamp is None:
        digest = base64.b64encode(sha256(authorization.encode("latin-1")).digest()).decode()
        text = " ".join(f"Authorization header requires {part}." for part in missing)
        raise refusals.incomplete_signature(
            f"{text} (Hashed with SHA-256 and encoded with Base64) Authorization={digest}"
        )
    moment = _moment(stamp)
    signed = given["SignedHeaders"].split(";")
    unsigned = {name for name, _ in request.headers if name.startswith("x-amz-")} - set(signed)
    if unsigned:
        raise refusals.incomplete_signature(
            "The request signature does not conform to AWS standards. Header(s) not signed: "
            f"{', '.join(sorted(unsigned))}."
        )
    _check_fresh(moment, now, SKEW)
    return _signature(
        request,
        credential=given["Credential"],
        signature=given["Signature"],
        signed=signed,
        moment=moment,
        query=_fields(request.query),
        payload=_payload(request, s3=_is_s3(given["Credential"])),
        token=request.header("x-amz-security-token"),
    )


def _in_query(request: Request, fields: dict[str, str], now: datetime) -> Signature:
    if fields["X-Amz-Algorithm"] != ALGORITHM:
        algorithm = _word(fields["X-Amz-Algorithm"])
        raise refusals.incomplete_signature(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    missing = [f"'X-Amz-{part}'" for part in _QUERY_PARTS if f"X-Amz-{part}" not in fields]
    if missing:
        text = " ".join(f"AWS query-string parameters must include {part}." for part in missing)
        raise refusals.incomplete_signature(f"{text} Re-examine the query-string parameters.")
    expires = re.fullmatch("[0-9]{1,6}", fields["X-Amz-Expires"])
    if expires is None or not 1 <= int(expires[0]) <= LONGEST_PRESIGNED_S:
        raise refusals.incomplete_signature(
            f"X-Amz-Expires must be a number of seconds from 1 to {LONGEST_PRESIGNED_S}."
        )
    moment = _moment(fields["X-Amz-Date"])
    _check_fresh(moment, now, timedelta(seconds=int(expires[0])))
    credential = fields["X-Amz-Credential"]
    return _signature(
        request,
        credential=credential,
        signature=fields["X-Amz-Signature"],
        signed=fields["X-Amz-SignedHeaders"].split(";"),
        moment=moment,
        query=[pair for pair in _fields(request.query) if pair[0] != "X-Amz-Signature"],
        # Amazon S3 signs URLs before it knows a body; other services take what is there.
        payload=_UNSIGNED if _is_s3(credential) else sha256(request.body).hexdigest(),
        token=fields.get("X-Amz-Security-Token"),
    )


def _signature(
    request: Request,
    *,
    credential: str,
    signature: str,
    signed: list[str],
    moment: datetime,
    query: Iterable[tuple[str, str]],
    payload: str,
    token: str | None,
) -> Signature:
    parts = credential.split("/")
    if len(parts) != 5:
        raise refusals.incomplete_signature(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{_word(credential)}'"
        )
    key_id, date, region, service, end = parts
    wrong = []
    if end != "aws4_request":
        wrong.append(
            "Credential should be scoped with a valid terminator: 'aws4_request', not "
            f"'{_word(end)}'."
        )
    stamp = _stamp(moment)
    if date != stamp[:8]:
        wrong.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{_word(date)}' != '{stamp[:8]}', from '{stamp}'."
        )
    if len(set(signed)) < len(signed):
        raise refusals.incomplete_signature("SignedHeaders names a header twice.")
    if "host" not in signed:
        wrong.append("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if wrong:
        raise refusals.signature_scope(" ".join(wrong))
    headers: dict[str, list[str]] = {name: [] for name in signed}
    for name, value in request.headers:
        if name in headers:
            headers[name].append(" ".join(value.split()))
    canonical = "\n".join(
        [
            request.method,
            _path(request.path, service),
            _sorted(query),
            *[f"{name}:{','.join(values)}" for name, values in headers.items()],
            "",
            ";".join(signed),
            payload,
        ]
    )
    digest = sha256(canonical.encode("latin-1")).hexdigest()
    text = "\n".join([ALGORITHM, stamp, f"{date}/{region}/{service}/{end}", digest])
    return Signature((key_id, date, region, service), text, signature, token)


def _is_s3(credential: str) -> bool:
    return credential.split("/")[3:4] == ["s3"]


def _payload(request: Request, *, s3: bool) -> str:
    """The hash that the client signed, which must be that of the body, if only S3 does without."""
    digest = sha256(request.body).hexdigest()
    told = request.header("x-amz-content-sha256")
    if told is None:
        return digest
    if told.startswith("STREAMING-"):
        raise refusals.chunked_body()
    if told != digest and not (s3 and told == _UNSIGNED):
        raise refusals.payload_hash_mismatch()
    return told


def _check_fresh(moment: datetime, now: datetime, lifetime: timedelta) -> None:
    """Refuse a signature that is too old, or whose time is still to come."""
    now = now.replace(microsecond=0)
    skew = round(SKEW.total_seconds() / 60)
    if moment > now + SKEW:
        raise refusals.signature_scope(
            f"Signature not yet current: {moment:{_STAMP}} is still later than "
            f"{now + SKEW:{_STAMP}} ({now:{_STAMP}} + {skew} min.)"
        )
    if moment < now - lifetime:
        minutes = round(lifetime.total_seconds() / 60)
        raise refusals.signature_scope(
            f"Signature expired: {moment:{_STAMP}} is now earlier than "
            f"{now - lifetime:{_STAMP}} ({now:{_STAMP}} - {minutes} min.)"
        )


@lru_cache(maxsize=64)
def _stamp(moment: datetime) -> str:
    return moment.strftime(_STAMP)


@lru_cache(maxsize=64)
def _moment(stamp: str) -> datetime:
    """The time of X-Amz-Date, in ISO 8601's basic form, or of Date, which may have HTTP's."""
    basic = _BASIC_FORM.fullmatch(stamp)
    if basic:
        try:
            year, month, day, hour, minute, second = map(int, basic.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            pass
    else:
        try:
            return parsedate_to_datetime(stamp).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise refusals.incomplete_signature(
        f"Date must be in ISO-8601 'basic format'. Got '{_word(stamp)}'. See "
        "http://en.wikipedia.org/wiki/ISO_8601"
    )


def _fields(query: str) -> list[tuple[str, str]]:
    """The pairs of a query, decoded, byte by byte."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _path(path: str, service: str) -> str:
    """The canonical path: Amazon S3's is encoded once, that of others normalised and twice."""
    if service == "s3":
        return quote(unquote_to_bytes(path.encode("latin-1")), safe="/~")
    if path == "/":
        return path
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    normal = "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")
    return quote(normal.encode("latin-1"), safe="/~")


def _sorted(pairs: Iterable[tuple[str, str]]) -> str:
    """The canonical query: by name, then value, so `member.1` comes before `member.10`."""
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    return unquote_to_bytes(text.encode("latin-1")).decode("latin-1")


def _encoded(text: str) -> str:
    return quote(text.encode("latin-1"), safe="-_.~")


def _word(text: str) -> str:
    """What a refusal repeats of the request."""
    return text if len(text) <= 200 else f"{text[:200]}..."
