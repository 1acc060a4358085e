"""The key URI, `otpauth://`, that carries a seed from a verifier to an app.

There is no RFC; the form is that of the Google Authenticator wiki, "Key Uri
Format": `otpauth://TYPE/LABEL?secret=...&issuer=...`, with LABEL being
`[issuer:]account`. Written strictly, read with patience, as apps do: any case
and padding, spaces and hyphens in the secret, a missing issuer, a literal or
encoded colon in the label, `+` for a space in the query, and in the label where
the whole URI is form-encoded. Where label and parameter name different issuers,
which the form advises against, the parameter says it. Unknown parameters are
left alone, because issuers add their own (`image`, `lock`).
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit

from mfalab.devices.errors import Problem, ProvisioningError
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.seed import OtpKind, OtpSeed, decode_base32

_PARAMETERS = ("secret", "issuer", "algorithm", "digits", "period", "counter")
_DIGITS = (6, 7, 8)
_DEFAULTS = OtpSeed(b"\0")


@dataclass(frozen=True, slots=True)
class KeyUri:
    """What a key URI says.

    Args:
        seed: key and parameters, 6 to 8 digits.
        account: whose codes these are, such as `alice@123456789012`.
        issuer: who asks for them, or empty.

    Raises:
        ValueError: the names cannot be written so that they can be read back.
    """

    seed: OtpSeed
    account: str
    issuer: str = ""

    def __post_init__(self) -> None:
        if not self.account:
            raise ValueError("the account name is empty. Give the name a person would look for.")
        if self.account != self.account.strip() or self.issuer != self.issuer.strip():
            raise ValueError("account name and issuer have no white space around them. Strip it.")
        if ":" in self.issuer or (not self.issuer and ":" in self.account):
            raise ValueError(
                "the first colon of a label ends the issuer, so an issuer has none, and an "
                "account name has one only behind an issuer. Leave it out or name an issuer."
            )
        if self.seed.digits not in _DIGITS:
            raise ValueError(f"a key URI is for 6 to 8 digits, not for {self.seed.digits}.")

    @property
    def label(self) -> str:
        """`issuer:account`, or the account alone: what an app lists."""
        return f"{self.issuer}:{self.account}" if self.issuer else self.account


def format_key_uri(key: KeyUri) -> str:
    """The URI as text: issuer twice, upper-case base32 without padding, no defaults, as by AWS."""
    seed = key.seed
    label = quote(key.account, safe="@")
    parameters = [("secret", seed.secret_base32)]
    if key.issuer:
        label = f"{quote(key.issuer, safe='')}:{label}"
        parameters.append(("issuer", key.issuer))
    if seed.algorithm is not _DEFAULTS.algorithm:
        parameters.append(("algorithm", seed.algorithm.value))
    if seed.digits != _DEFAULTS.digits:
        parameters.append(("digits", str(seed.digits)))
    if seed.kind is OtpKind.HOTP:
        parameters.append(("counter", str(seed.counter)))
    elif seed.period_s != _DEFAULTS.period_s:
        parameters.append(("period", str(seed.period_s)))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters)
    return f"otpauth://{seed.kind.value}/{label}?{query}"


def parse_key_uri(text: str) -> KeyUri:
    """Read a key URI.

    Raises:
        ProvisioningError: with every mistake in it, none quoting the secret.
    """
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        raise _refused("otpauth URI", "it is no URI. Copy it again or scan the QR image.") from None
    if parts.scheme != "otpauth":
        scheme = parts.scheme or "none"
        raise _refused("otpauth URI, scheme", f'it is "{scheme}" and must be "otpauth".')
    problems: list[Problem] = []

    def wrong(part: str, what: str) -> None:
        problems.append(Problem(f"otpauth URI, {part}", what))

    try:
        kind = OtpKind(parts.netloc.lower())
    except ValueError:
        kind = OtpKind.TOTP
        wrong("type", f'it is "{parts.netloc}" and must be "totp" or "hotp".')

    values: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in values and name in _PARAMETERS:
            wrong(f'parameter "{name}"', "it is given twice. Keep one.")
        values.setdefault(name, value)

    secret = b"\0"
    if "secret" not in values:
        wrong('parameter "secret"', "it is missing, and there are no codes without it.")
    else:
        try:
            secret = decode_base32(values["secret"])
        except ValueError as error:
            wrong('parameter "secret"', f"{error}.")

    algorithm = _DEFAULTS.algorithm
    if "algorithm" in values:
        try:
            algorithm = HashAlgorithm(values["algorithm"].upper())
        except ValueError:
            known = ", ".join(each.value for each in HashAlgorithm)
            wrong('parameter "algorithm"', f'"{values["algorithm"]}" is none of {known}.')

    def integer(name: str, default: int, low: int, high: int) -> int:
        value = values.get(name)
        if value is None:
            return default
        # `int` would take "+6", "1_0" and other scripts' digits.
        if value.isascii() and value.isdigit() and len(value) <= 20 and low <= int(value) <= high:
            return int(value)
        wrong(f'parameter "{name}"', f'"{value}" is no whole number from {low} to {high}.')
        return default

    digits = integer("digits", _DEFAULTS.digits, min(_DIGITS), max(_DIGITS))
    period_s = integer("period", _DEFAULTS.period_s, 1, 86_400)
    counter = integer("counter", 0, 0, (1 << 64) - 1)
    if kind is OtpKind.HOTP and "counter" not in values:
        wrong('parameter "counter"', "it is missing; hotp needs the first counter value.")

    named = values.get("issuer", "").strip()
    issuer, account = _split_label(parts.path.removeprefix("/"), named)
    if not account:
        wrong("label", "the account name is missing. Write otpauth://totp/ISSUER:ACCOUNT?...")
    elif ":" in issuer or (not issuer and ":" in account):
        wrong("label", "issuer and account name are separated by one colon. Leave others out.")
    if problems:
        raise ProvisioningError(problems)
    if kind is OtpKind.TOTP:
        counter = 0
    else:
        period_s = _DEFAULTS.period_s
    return KeyUri(OtpSeed(secret, kind, algorithm, digits, period_s, counter), account, issuer)


def _split_label(label: str, named: str) -> tuple[str, str]:
    """Issuer (or empty) and account of a still encoded label, at its first colon of either form.

    Args:
        label: the path of the URI.
        named: the issuer that the parameter names, or empty. It goes before the label's.
    """
    issuer, colon, account = (part.strip() for part in unquote(label).partition(":"))
    if not colon:
        return named, issuer
    if "+" in issuer and issuer.replace("+", " ") == named:
        # The whole URI is form-encoded; a plus that is meant is %2B there.
        account = unquote_plus(label).partition(":")[2].strip()
    return named or issuer, account


def _refused(where: str, what: str) -> ProvisioningError:
    return ProvisioningError([Problem(where, what)])
