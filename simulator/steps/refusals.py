"""Every code of a refusal and every decision that a scenario can expect: a misspelt one is refused.

A scenario that expects what cannot happen is not caught by running it where it may fail anyhow.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from inspect import signature

from fido2.ctap import CtapError

from mfalab.devices import errors
from mfalab.simulator.language.words import nearest
from mfalab.verifier import CeremonyOutcome, Outcome, ServiceError, refusals

ANY = "any"
_FEW = 50
"""So many words may stand in a message."""
_RANGES = ("SPEC_", "EXTENSION_", "VENDOR_")
"""CTAP's names for where ranges of statuses begin and end."""
INJECTED = {
    "ServiceFailure": ("The request processing has failed because of an unknown error.", 500),
    "ConcurrentModification": ("The entity is being modified by another request.", 409),
    "EntityTemporarilyUnmodifiable": ("The entity is temporarily unmodifiable.", 409),
}
"""What `inject` lets a call fail with: codes and statuses of the IAM model; the texts are ours."""
PREVENTED = {
    "FingerNotRead": "The key's sensor did not read the finger.",
    "KeyUnplugged": "The key was pulled out.",
    "MfaRequired": "The second page asks for a factor, and the step has none.",
    "NoAnswer": "The key did not answer, or not in time.",
    "NoBackup": "There is no backup to restore.",
    "NoCode": "The device is a security key and shows no codes.",
    "NoCodeArrived": "No short message came in two minutes, or there is no number for one.",
    "NoSecondPage": "The password alone was enough: a hole, which `any` does not stand for.",
    "NotBroken": "A real token is not broken for a test.",
    "NotHeld": "The person does not have the device.",
    "NotItsSeed": "A real token shows no code of the seed that the lab file gives it.",
    "NotLost": "What is to be found is not lost.",
    "NotOffered": "The device has no such feature.",
    "NotReadable": "The display of a real token was read without confidence.",
    "SecurityError": "The browser does not let this origin ask for this RP ID.",
}
"""What stops a person before the verifier is asked."""


@cache
def codes() -> dict[str, str]:
    """What each code that `expect: {refused: CODE}` can name is about, in alphabetical order."""
    found: dict[str, str] = {}
    for each in (*_of_the_service(), *_of_devices()):
        found.setdefault(*each)
    found |= {code: text for code, (text, _) in INJECTED.items()} | PREVENTED
    return dict(sorted(found.items()))


def decisions() -> list[str]:
    """What `expect: {decision: WORD}` can name: how the verifier decides on what it refuses."""
    return [each.value for each in (*Outcome, *CeremonyOutcome) if each.value != Outcome.ACCEPTED]


def known_code(code: str) -> str:
    """A code that something can be refused with.

    Raises:
        ValueError: nothing is.
    """
    return _known("refusal", code, [*codes(), ANY])


def known_decision(word: str) -> str:
    """A decision that the verifier can come to.

    Raises:
        ValueError: it cannot.
    """
    return _known("decision on a refusal", word, decisions())


def _known(what: str, word: str, words: list[str]) -> str:
    if word in words:
        return word
    similar = {each.lower(): each for each in words}
    near = nearest(similar.get(word.lower(), word), words)
    some = f"; known: {', '.join(words)}" if len(words) < _FEW else "; such as AccessDenied"
    raise ValueError(f'"{word}" is no {what}{near or some}')


def _of_the_service() -> Iterator[tuple[str, str]]:
    for made in vars(refusals).values():
        if callable(made) and getattr(made, "__module__", "") == refusals.__name__:
            refusal = made(*("0" for _ in signature(made).parameters))
            if isinstance(refusal, ServiceError):
                yield refusal.code, refusal.message


def _of_devices() -> Iterator[tuple[str, str]]:
    for name, each in vars(errors).items():
        if isinstance(each, type) and issubclass(each, errors.DeviceError):
            yield name, (each.__doc__ or name).partition("\n")[0]
    for status in CtapError.ERR:
        if status.value and not status.name.startswith(_RANGES):
            yield status.name, f"CTAP status 0x{status.value:02X} of a security key."
