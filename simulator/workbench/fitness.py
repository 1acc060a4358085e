"""Whether a scenario can be played with what lies on the bench, before anything is touched.

A key on the bench is a key as it is: nobody makes it faulty, copies it or looks into it, and what
it has not got cannot be given to it. Each rule here says in one sentence what stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from mfalab.devices.ctap.model import AlwaysUv, Model, load_model
from mfalab.simulator.browser import KeyUse
from mfalab.simulator.language.scenario import Scenario
from mfalab.simulator.language.setting import HardwareTotpSpec, SecurityKeySpec
from mfalab.simulator.steps.base import Step
from mfalab.simulator.steps.belongings import Break, Clone
from mfalab.simulator.steps.security_keys import (
    AddFinger,
    KeyFault,
    KeyPower,
    RegisterU2f,
    ResetKey,
    SetPin,
    StorePasskeys,
    TypePin,
    WireFault,
)
from mfalab.simulator.steps.timing import SetClock, Travel, Wait
from mfalab.simulator.timeline import NS_PER_S
from mfalab.simulator.workbench.fixture import Ability

__all__ = ["Abilities", "changes", "cuts_power", "why_no_key", "why_no_token"]

_AS_IT_IS: Final = "a real key cannot be"
_IMPOSSIBLE: Final[dict[type[Step], str]] = {
    KeyFault: f"{_AS_IT_IS} made faulty",
    WireFault: f"{_AS_IT_IS} given a bad wire",
    Clone: f"{_AS_IT_IS} copied",
    Break: "a real key is not broken for a test",
}
_CHANGING: Final = (SetPin, TypePin, ResetKey, StorePasskeys, AddFinger)
_NAMING: Final = ("device", "to", "with_", "codes_from", "by")
"""The fields by which steps name devices."""
_NEWEST: Final = ("FIDO_2_3", "FIDO_2_2", "FIDO_2_1", "FIDO_2_1_PRE", "FIDO_2_0", "U2F_V2")
_PATIENCE_NS: Final = 600 * NS_PER_S
"""What somebody waits at a bench for a real token."""
_PROMPT_NS: Final = 30 * NS_PER_S
_RESET_NS: Final = 10 * NS_PER_S
_EDGE_NS: Final = 3 * NS_PER_S
"""How near to the end of a deadline nobody can be sure to come in real time."""
_TOKENS_OWN: Final = frozenset({"owner", "kind", "serial", "period", "digits", "algorithm"})
"""What a scenario may say of a token that a real one can have."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a key on the bench is and can do.

    Attributes:
        name: what the bench calls it.
        can: what its fixture can do.
        versions: as getInfo tells them, or U2F_V2 alone.
        options: as getInfo tells them.
        destructive: whether it may be changed for good.
        pin: its PIN; None when it has none.
        over_nfc: whether it lies on a reader.
    """

    name: str
    can: frozenset[Ability]
    versions: tuple[str, ...]
    options: dict[str, bool]
    destructive: bool
    pin: str | None
    over_nfc: bool


def why_no_key(scenario: Scenario, device: str, key: Abilities) -> str | None:
    """What keeps a key from standing for a scenario's device; None when nothing does."""
    spec = scenario.devices[device]
    assert isinstance(spec, SecurityKeySpec)
    return next(_against_key(scenario, device, spec, key), None)


def _against_key(
    scenario: Scenario, device: str, spec: SecurityKeySpec, key: Abilities
) -> Iterator[str]:
    yield from _against_model(spec, key)
    if spec.slots is not None:
        yield f"{device} is to have {spec.slots} places, and {key.name} has what it has"
    if spec.fingers and not ("bioEnroll" in key.options and Ability.FINGER in key.can):
        yield f"{device} is to know fingers, and {key.name} can be shown none"
    if spec.pin is not None and not (key.destructive or key.pin):
        yield f"{device} is to have a PIN, and {key.name} is not marked destructive"
    if spec.pin is None and key.pin is not None and not key.destructive:
        yield f"{device} is to have no PIN, and {key.name} has one and is not marked destructive"
    resets = any(isinstance(step, ResetKey) for step in scenario.steps)
    for number, step in enumerate(scenario.steps, start=1):
        if isinstance(step, Wait) and resets and _is_near(step.for_, _RESET_NS):
            yield f"step {number} (wait): too near the end of the time in which a key can be reset"
        if _concerns(step, device, scenario):
            for why in _against_step(step, key):
                yield f"step {number} ({step.do}): {why}"


def _is_near(duration_ns: int | None, deadline_ns: int) -> bool:
    return duration_ns is not None and deadline_ns - _EDGE_NS < duration_ns <= deadline_ns


def _against_model(spec: SecurityKeySpec, key: Abilities) -> Iterator[str]:
    """A model that the scenario names stands for a version and a way to verify users."""
    model = load_model(spec.model)
    named = "model" in spec.model_fields_set
    wanted, given = _newest(model.versions), _newest(key.versions)
    if model.ctap2 != (given != "U2F_V2") or (named and wanted != given):
        yield f"the scenario is about {wanted}, and {key.name} is {given}"
    if not named:
        return
    always = key.options.get("alwaysUv", False)
    if (model.always_uv is AlwaysUv.ON) != always:
        yield f"{key.name} does{'' if always else ' not'} always verify its user"
    for option, offered in _character(model).items():
        if offered != (option in key.options):
            yield f"{key.name} has {'no' if offered else 'the'} option {option}"


@cache
def _character(model: Model) -> dict[str, bool]:
    """The options by which models differ in kind rather than in degree."""
    return {"ep": model.enterprise_attestation, "bioEnroll": model.bio_enroll}


def _newest(versions: tuple[str, ...]) -> str:
    return next((each for each in _NEWEST if each in versions), "unknown")


def _concerns(step: Step, device: str, scenario: Scenario) -> bool:
    """Whether a step has to do with a device; one that names none may, when it can use a key."""
    named = {getattr(step, field, None) for field in _NAMING} & set(scenario.devices)
    return device in named or (not named and _use(step) is not None)


def _use(step: Step) -> KeyUse | None:
    use = getattr(step, "key", None)
    return use if isinstance(use, KeyUse) else None


def _against_step(step: Step, key: Abilities) -> Iterator[str]:
    if type(step) in _IMPOSSIBLE:
        yield _IMPOSSIBLE[type(step)]
    if isinstance(step, KeyPower) and Ability.POWER not in key.can:
        yield f"nobody can cut the power of {key.name}"
    if changes(step) and not key.destructive:
        yield f"it changes a key for good, and {key.name} is not marked destructive"
    if isinstance(step, AddFinger) and Ability.FINGER not in key.can:
        yield f"nobody can put a finger on {key.name}"
    if isinstance(step, RegisterU2f) and "U2F_V2" not in key.versions:
        yield f"{key.name} does not speak U2F"
    if key.over_nfc and isinstance(step, ResetKey) and step.expect.refused == "NOT_ALLOWED":
        yield "over NFC a reset begins with a tap, so it is never too late"
    use = _use(step)
    if use is not None:
        yield from _against_use(use, key)


def _against_use(use: KeyUse, key: Abilities) -> Iterator[str]:
    if use.touch == "declined" and Ability.DECLINE not in key.can:
        yield f"nobody can say no to {key.name}"
    if use.finger is not None and Ability.FINGER not in key.can:
        yield f"nobody can put a finger on {key.name}"
    if use.pulled_out_after is not None and Ability.POWER not in key.can:
        yield f"nobody can pull out {key.name}"
    if key.over_nfc:
        if use.touch not in ("natural", "at once", "not asked for"):
            yield "over NFC the tap is the touch, so it is never late and never left out"
        if use.pulled_out_after is not None:
            yield "a card that is being read is not pulled out"
    elif isinstance(use.touch, int) and _is_near(use.touch, _PROMPT_NS):
        yield "a touch so near the end of a prompt may come too late"
    elif use.touch not in ("never", "not asked for") and Ability.TOUCH not in key.can:
        yield f"nobody touches {key.name}"


def changes(step: Step) -> bool:
    """Whether a step may change a key for good: credentials, PIN, tries left."""
    use = _use(step)
    return isinstance(step, _CHANGING) or (use is not None and use.pin not in ("right", "none"))


def cuts_power(step: Step) -> bool:
    """Whether a step may leave a key without power."""
    use = _use(step)
    return isinstance(step, KeyPower) or (use is not None and use.pulled_out_after is not None)


def why_no_token(scenario: Scenario, device: str, token: str) -> str | None:
    """What keeps a real token from standing for a scenario's device; None when nothing does."""
    spec = scenario.devices[device]
    assert isinstance(spec, HardwareTotpSpec)
    decided = spec.model_fields_set - _TOKENS_OWN
    if decided:
        return f"{device} is to have a {min(decided)} of its own, and {token} is as it is"
    if "start" in scenario.model_fields_set:
        return f"the story begins at a time of its own, and {token} lives now"
    for number, step in enumerate(scenario.steps, start=1):
        if isinstance(step, Wait) and (step.for_ is None or step.for_ > _PATIENCE_NS):
            return f"step {number} (wait): {token} would really have to wait for so long"
        if isinstance(step, SetClock | Travel | Break | Clone) and device in (
            getattr(step, "device", None),
            getattr(step, "to", None),
        ):
            return f"step {number} ({step.do}): nobody does that to a real token"
    return None
