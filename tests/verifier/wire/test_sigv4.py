"""Signatures of botocore's signer, and what is left of them after a change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier import Credentials, ServiceError
from mfalab.verifier.wire.messages import Request
from mfalab.verifier.wire.sigv4 import Signature, read

KEY = Credentials("AKIAEXAMPLE", "a/secret+key")
TEMPORARY = Credentials("ASIAEXAMPLE", "a/secret+key", "token/+=")
FIELDS = {"Action": "GetUser", "Version": "2010-05-08", "UserName": "zoë&co"}
Sign = Callable[..., Request]


def now() -> datetime:
    """When conftest.py signs."""
    return datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def changed(request: Request, name: str, value: str | None) -> Request:
    """A request with another header, or without it."""
    others = tuple(pair for pair in request.headers if pair[0] != name)
    return replace(request, headers=others if value is None else (*others, (name, value)))


def authorization(request: Request, old: str, new: str) -> Request:
    """A request whose header Authorization was edited."""
    text = request.header("authorization")
    assert text is not None
    assert old in text
    return changed(request, "authorization", text.replace(old, new))


def refused(request: Request, at: datetime | None = None) -> tuple[str, str, int]:
    with pytest.raises(ServiceError) as caught:
        read(request, at or now())
    return caught.value.code, caught.value.message, caught.value.status


@pytest.mark.parametrize("credentials", [KEY, TEMPORARY], ids=["key", "session"])
@pytest.mark.parametrize("service", ["iam", "sts", "s3", "ec2"])
@pytest.mark.parametrize("expires", [None, 60], ids=["header", "presigned"])
def test_what_botocore_signs_is_proved(
    signed: Sign, credentials: Credentials, service: str, expires: int | None
) -> None:
    method = "POST" if expires is None and service != "s3" else "GET"
    fields = {} if service == "s3" else FIELDS
    request = signed(credentials, fields, service=service, method=method, expires=expires)
    signature = read(request, now())
    assert (signature.service, signature.region) == (service, "us-east-1")
    assert signature.access_key_id == credentials.access_key_id
    assert signature.session_token == credentials.session_token
    assert signature.proves(credentials.secret_access_key)
    assert not signature.proves("another secret")
    assert credentials.secret_access_key not in repr(signature)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("iam", "/"),
        ("iam", "/a%20b/..//x~y/"),
        ("iam", "/../c"),
        ("s3", "/"),
        ("s3", "/bucket/a%20key"),
        ("s3", "/b%C3%BCcket//../x~y"),
    ],
)
def test_paths(signed: Sign, service: str, path: str) -> None:
    request = signed(KEY, service=service, method="GET", url=f"http://localhost{path}")
    assert read(request, now()).proves(KEY.secret_access_key)


MEMBERS = "&".join(f"A.member.{number}=x" for number in range(1, 12))
"""`A.member.10` begins with `A.member.1`, and comes after it."""


@pytest.mark.parametrize("query", ["list-type=2&prefix=a%2Fb", "b=2&a=1&a=0", "x=%C3%A9", MEMBERS])
def test_queries(signed: Sign, query: str) -> None:
    request = signed(KEY, service="s3", method="GET", url=f"http://localhost/?{query}")
    assert read(request, now()).proves(KEY.secret_access_key)
    other = read(replace(request, query=f"{query}&z=1"), now())
    assert not other.proves(KEY.secret_access_key)


def test_blanks_in_a_header(signed: Sign) -> None:
    request = signed(KEY, FIELDS, headers={"x-extra": "  two   words, one  comma "})
    assert read(request, now()).proves(KEY.secret_access_key)


def test_change_of_any_part_shows(signed: Sign) -> None:
    request = signed(TEMPORARY, FIELDS)
    for other in (
        replace(request, method="GET"),
        replace(request, path="/other"),
        replace(request, query="UserName=ada"),
        replace(request, body=request.body.replace(b"zo", b"bo")),
        changed(request, "host", "iam.example.com"),
        changed(request, "x-amz-security-token", "other"),
        authorization(request, "us-east-1", "eu-west-1"),
        authorization(request, "/iam/", "/sts/"),
    ):
        assert other != request
        assert not read(other, now()).proves(TEMPORARY.secret_access_key)


def test_change_of_a_presigned_url_shows(signed: Sign) -> None:
    request = signed(TEMPORARY, FIELDS, method="GET", expires=60)
    for old, new in (
        ("UserName=zo", "UserName=bo"),
        ("X-Amz-Expires=60", "X-Amz-Expires=61"),
        ("X-Amz-Security-Token=t", "X-Amz-Security-Token=s"),
    ):
        assert old in request.query
        other = replace(request, query=request.query.replace(old, new))
        assert not read(other, now()).proves(TEMPORARY.secret_access_key)
    assert not read(replace(request, body=b"Action=x"), now()).proves(TEMPORARY.secret_access_key)


@pytest.mark.parametrize("way", [1, -1], ids=["fast", "slow"])
def test_clock_of_the_client_may_be_fifteen_minutes_off(signed: Sign, way: int) -> None:
    request = signed(KEY, FIELDS)
    stamp = request.header("x-amz-date") or ""
    moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    server = moment - way * timedelta(minutes=15)
    assert read(request, server).proves(KEY.secret_access_key)
    server -= way * timedelta(seconds=1)
    here, limit = (
        f"{each:%Y%m%dT%H%M%SZ}" for each in (server, server + way * timedelta(minutes=15))
    )
    assert refused(request, server) == (
        "SignatureDoesNotMatch",
        f"Signature not yet current: {stamp} is still later than {limit} ({here} + 15 min.)"
        if way > 0
        else f"Signature expired: {stamp} is now earlier than {limit} ({here} - 15 min.)",
        403,
    )


def test_presigned_url_ends(signed: Sign) -> None:
    request = signed(KEY, FIELDS, method="GET", expires=120)
    moment = now().replace(microsecond=0)
    assert read(request, moment + timedelta(seconds=118)).proves(KEY.secret_access_key)
    code, text, _ = refused(request, moment + timedelta(seconds=125))
    assert code == "SignatureDoesNotMatch"
    assert text.startswith("Signature expired: ")
    assert text.endswith("- 2 min.)")


def test_unsigned_request(signed: Sign) -> None:
    request = changed(signed(KEY, FIELDS), "authorization", None)
    assert refused(request) == (
        "MissingAuthenticationToken",
        "Request is missing Authentication Token",
        403,
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("Signature=", "Sign=", "Authorization header requires 'Signature' parameter. (Hashed"),
        (
            "Credential=AKIAEXAMPLE/",
            "Credential=AKIAEXAMPLE/x/",
            (
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                "keyid/date/region/service/term, got 'AKIAEXAMPLE/x/"
            ),
        ),
        ("AWS4-HMAC-SHA256", "AWS", "Unsupported AWS 'algorithm': 'AWS'."),
        (
            "AWS4-HMAC-SHA256",
            "AWS4-ECDSA-P256-SHA256",
            "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.",
        ),
        (
            ";x-amz-date",
            "",
            (
                "The request signature does not conform to AWS standards. Header(s) not signed: "
                "x-amz-date."
            ),
        ),
    ],
)
def test_incomplete_signature(signed: Sign, old: str, new: str, text: str) -> None:
    code, said, status = refused(authorization(signed(KEY, FIELDS), old, new))
    assert (code, status) == ("IncompleteSignature", 400)
    assert said.startswith(text)
    assert KEY.secret_access_key not in said


@pytest.mark.parametrize(
    "date", ["yesterday", "20260230T000000Z", "2026-03-02T09:00:00Z", "Mon, 99 Foo 2026"]
)
def test_date_that_is_none(signed: Sign, date: str) -> None:
    code, text, _ = refused(changed(signed(KEY, FIELDS), "x-amz-date", date))
    assert code == "IncompleteSignature"
    assert text.startswith(f"Date must be in ISO-8601 'basic format'. Got '{date}'.")


def test_header_date_does_where_x_amz_date_is_missing(signed: Sign) -> None:
    request = signed(KEY, FIELDS, headers={"Date": "now"})
    assert request.header("x-amz-date") is None
    assert read(request, now()).proves(KEY.secret_access_key)
    code, text, _ = refused(changed(request, "date", None))
    assert code == "IncompleteSignature"
    assert "existence of either a 'X-Amz-Date' or a 'Date' header" in text


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "aws4_request",
            "aws3_request",
            (
                "Credential should be scoped with a valid terminator: 'aws4_request', not "
                "'aws3_request'."
            ),
        ),
        (
            "AKIAEXAMPLE/2",
            "AKIAEXAMPLE/1",
            (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                "from HTTP: '1"
            ),
        ),
        (
            "host;",
            "",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
    ],
)
def test_scope(signed: Sign, old: str, new: str, text: str) -> None:
    code, said, status = refused(authorization(signed(KEY, FIELDS), old, new))
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert said.startswith(text)


@pytest.mark.parametrize("part", ["Credential", "Date", "Expires", "Signature", "SignedHeaders"])
def test_presigned_url_without_a_part(signed: Sign, part: str) -> None:
    request = signed(KEY, FIELDS, method="GET", expires=60)
    query = request.query.replace(f"X-Amz-{part}=", f"X-Amz-No{part}=")
    assert refused(replace(request, query=query)) == (
        "IncompleteSignature",
        (
            f"AWS query-string parameters must include 'X-Amz-{part}'. Re-examine the query-string "
            "parameters."
        ),
        400,
    )


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "soon", "1" * 5_000])
def test_presigned_url_for_too_long(signed: Sign, expires: str) -> None:
    request = signed(KEY, FIELDS, method="GET", expires=60)
    query = request.query.replace("X-Amz-Expires=60", f"X-Amz-Expires={expires}")
    assert refused(replace(request, query=query))[0] == "IncompleteSignature"


@pytest.mark.parametrize("told", ["0" * 64, "UNSIGNED-PAYLOAD"])
def test_body_must_be_the_one_whose_hash_was_signed(signed: Sign, told: str) -> None:
    """Only Amazon S3 takes a body without one."""
    request = signed(KEY, FIELDS, headers={"x-amz-content-sha256": told})
    assert refused(request)[::2] == ("XAmzContentSHA256Mismatch", 400)


def test_unsigned_body_for_s3(signed: Sign) -> None:
    request = signed(KEY, service="s3", method="PUT", url="http://localhost/b/k")
    told = changed(request, "x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    assert not read(told, now()).proves(KEY.secret_access_key)


def test_chunked_body_is_refused(signed: Sign) -> None:
    request = signed(KEY, service="s3", method="PUT", url="http://localhost/b/k")
    chunked = changed(request, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert refused(chunked)[::2] == ("NotImplemented", 501)


@given(
    st.text(alphabet=st.characters(max_codepoint=255), max_size=300),
    st.sampled_from(["authorization", "x-amz-date", "x-amz-content-sha256", "host", "query"]),
)
def test_fuzz_only_refusals_or_a_signature_that_proves_nothing(
    signed: Sign, text: str, where: str
) -> None:
    request = signed(KEY, FIELDS)
    if where == "query":
        other = replace(changed(request, "authorization", None), query=text)
    else:
        other = changed(request, where, text)
    try:
        found: Signature | ServiceError = read(other, now())
    except ServiceError as error:
        found = error
    if isinstance(found, Signature):
        assert other.header(where) == request.header(where) or not found.proves("a/secret+key")
