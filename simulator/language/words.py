"""The words of the scenario language: how models are strict, how fields name other things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args, get_origin
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def nearest(word: str, words: Iterable[str]) -> str:
    """What to say behind an unknown word: `; did you mean "sign_in"?`, or nothing."""
    near = get_close_matches(word, list(words), 1, 0.5)
    return f'; did you mean "{near[0]}"?' if near else ""


_FEW = 20
"""More known words than this are not all listed in a message."""


def choice(words: Iterable[str], where: str = "") -> str:
    """What to say behind an unknown word: which are known, or some of them and how many more.

    Args:
        words: the known ones.
        where: what lists them all, if there is such a thing: `mfalab steps`.
    """
    known = list(words)
    if len(known) <= _FEW:
        return f"; known: {', '.join(known)}"
    if where:
        return f"; {where} lists all"
    return f"; known: {', '.join(known[:5])} and {len(known) - 5} more"


class Strict(BaseModel):
    """A model that takes the keys it knows and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Name = Annotated[str, Field(pattern=r"^[A-Za-z][\w-]*$")]
"""How people, devices and other things are called in a scenario."""

Pin = Annotated[str, AfterValidator(lambda pin: normalize("NFC", pin))]
"""A client PIN. Platforms send it in Normalization Form C (CTAP 2.1 section 6.5.1), so that it is
one PIN on all keyboards."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a field that names something which the scenario declares."""

    to: Literal["person", "device", "phone", "account", "role", "session", "principal", "policy"]


def marks(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[Any]:
    """What `Annotated` says about a field, however deep."""
    yield from metadata
    yield from getattr(annotation, "__metadata__", ())
    if get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from marks(inner)


PersonName = Annotated[str, Reference("person")]
DeviceName = Annotated[str, Reference("device")]
PhoneName = Annotated[str, Reference("phone")]
AccountName = Annotated[str, Reference("account")]
RoleName = Annotated[str, Reference("role")]
PrincipalName = Annotated[str, Reference("principal")]
"""A person, an account, or an ARN."""
PolicyName = Annotated[str, Reference("policy")]
"""A name in the section `policies`, or an AWS managed policy's."""
SessionName = Annotated[str, Reference("session")]
"""`keys`, `console`, or the name that an earlier step gave a session with `as`."""

ClimateName = Literal["drawer", "office", "pocket", "outdoors", "car"]
"""The climates of `mfalab.simulator.clocks.climates.CLIMATES`."""

KeyModelName = Literal[
    "u2f-2016",
    "fido-2.0",
    "ctap-2.1-pin",
    "ctap-2.1-bio",
    "enterprise",
    "ctap-2.3",
    "all-features",
    "always-uv",
    "slots-25",
    "yubikey-like",
]
"""The models of `mfalab.devices.ctap.models`."""

ProfileName = Literal[
    "aws-immediate",
    "aws-observed",
    "rfc6238",
    "privacyidea",
    "linotp",
    "freeipa",
    "keycloak",
    "pam-oath",
    "google-authenticator",
    "multiotp",
    "django-otp",
    "vault",
    "pquerna-otp",
    "pyotp",
    "authelia",
    "rsa-securid",
    "onespan",
    "entra",
    "okta",
]
"""The profiles of `mfalab.verifier.PROFILES`."""

QuirksName = Literal[
    "faithful", "ignores-parameters", "no-backup", "160-bit-store", "refuses-short-secrets"
]
"""The presets of `mfalab.devices.otp.quirks.APP_PRESETS`."""
