"""Whether a scenario can be played with what lies on the bench, before anything is touched.

What a scenario's steps need is held against what a key or a token offers (`abilities`). What its
devices are described to be is held against what lies there: a key on the bench is as it is, and
what it has not got cannot be given to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from mfalab.devices.ctap.model import AlwaysUv, Model, load_model
from mfalab.simulator.abilities import Ability, Need, Offer, find_lack
from mfalab.simulator.language.setting import HardwareTotpSpec, SecurityKeySpec
from mfalab.simulator.scenario_files.scenario import Scenario

_AS_IT_IS: Final = "it is a real key"
_REAL_TOKEN: Final = "it is a real token"
_NEWEST: Final = ("FIDO_2_3", "FIDO_2_2", "FIDO_2_1", "FIDO_2_1_PRE", "FIDO_2_0", "U2F_V2")
_TOKENS_OWN: Final = frozenset({"owner", "kind", "serial", "period", "digits", "algorithm"})
"""What a scenario may say of a token that a real one can have."""


@dataclass(frozen=True, slots=True)
class BenchKeyFacts:
    """What a key on the bench is.

    Attributes:
        name: what the bench calls it.
        can: what its fixture can do.
        versions: as getInfo tells them, or U2F_V2 alone.
        options: as getInfo tells them.
        destructive: whether it may be changed for good.
        pin: its PIN; None when it has none.
        over_nfc: whether it lies on a reader.
        min_pin_length: the fewest code points of a PIN.
        model: which model it is; None for a real key.
    """

    name: str
    can: frozenset[Ability]
    versions: tuple[str, ...]
    options: dict[str, bool]
    destructive: bool
    pin: str | None
    over_nfc: bool
    min_pin_length: int = 4
    model: str | None = None

    @classmethod
    def of_model(cls, name: str) -> BenchKeyFacts:
        """What a new simulated key of a model is."""
        model = load_model(name)
        character = {"alwaysUv": model.always_uv is AlwaysUv.ON, **_character(model)}
        return cls(
            name=f"sim:{name}",
            can=frozenset(Ability) - ({Ability.FINGER} if not model.bio_enroll else set()),
            versions=model.versions,
            options={option: True for option, there in character.items() if there},
            destructive=True,
            pin=None,
            over_nfc=False,
            min_pin_length=model.min_pin_length,
            model=name,
        )

    def offer(self, *, resets: bool) -> Offer:
        """What it can do in a scenario.

        Args:
            resets: whether the scenario resets a key.
        """
        if self.model is not None:
            return Offer(self.name, self.can)
        hands = {Ability.TOUCH, Ability.FINGER, Ability.DECLINE, Ability.POWER}
        lacks = {
            Ability.FAULTS: _AS_IT_IS,
            Ability.BAD_WIRE: _AS_IT_IS,
            Ability.COPY: _AS_IT_IS,
            Ability.BREAK: _AS_IT_IS,
            Ability.TOUCH_DEADLINE: "it might come too late",
            **dict.fromkeys(hands - self.can, "nothing on the bench does that"),
        }
        if Ability.POWER not in self.can:
            lacks[Ability.UNPLUG] = lacks[Ability.POWER]
        if not self.destructive:
            lacks |= dict.fromkeys((Ability.PIN, Ability.RESET), "it is not marked destructive")
        if "U2F_V2" not in self.versions:
            lacks[Ability.U2F] = ""
        if resets:
            lacks[Ability.RESET_DEADLINE] = "it might come too late"
        if self.over_nfc:
            lacks |= {
                Ability.LATE_TOUCH: "over NFC the tap is the touch",
                Ability.LATE_RESET: "over NFC a reset begins with a tap",
                Ability.UNPLUG: "a card that is being read is not pulled out",
            }
            del lacks[Ability.TOUCH_DEADLINE]
            lacks.pop(Ability.TOUCH, None)
        return Offer.of_all_but(self.name, lacks)


def why_no_key(scenario: Scenario, device: str, key: BenchKeyFacts) -> str | None:
    """What keeps a key from standing in for a scenario's device; None when nothing does."""
    spec = scenario.devices[device]
    assert isinstance(spec, SecurityKeySpec)
    described = next(_against_description(device, spec, key), None) or _against_pins(
        scenario, device, spec, key
    )
    offer = key.offer(resets=needs_any(scenario, Ability.RESET))
    return described or _find_lack_of_steps(scenario, device, offer)


def why_no_token(scenario: Scenario, device: str, token: str) -> str | None:
    """What keeps a real token from standing in for a scenario's device; None when nothing does."""
    spec = scenario.devices[device]
    assert isinstance(spec, HardwareTotpSpec)
    decided = spec.model_fields_set - _TOKENS_OWN
    if decided:
        return f"{device} is to have a {min(decided)} of its own, and {token} is as it is"
    if "start" in scenario.model_fields_set:
        return f"the story begins at a time of its own, and {token} lives now"
    unchangeable = (Ability.SET_CLOCK, Ability.TRAVEL, Ability.BREAK, Ability.COPY)
    lacks = dict.fromkeys(unchangeable, _REAL_TOKEN) | {
        Ability.LONG_WAIT: "it would really have to wait for so long"
    }
    return _find_lack_of_steps(scenario, device, Offer.of_all_but(token, lacks))


def needs_any(scenario: Scenario, *abilities: Ability) -> bool:
    """Whether a step of a scenario needs one of these of anything."""
    return any(need.ability in abilities for step in scenario.steps for need in step.needs())


def _find_lack_of_steps(scenario: Scenario, device: str, offer: Offer) -> str | None:
    for number, step in enumerate(scenario.steps, start=1):
        lack = find_lack(step.needs(), offer, device)
        if lack is not None:
            return f"step {number} ({step.do}): {lack}"
    return None


def _against_description(device: str, spec: SecurityKeySpec, key: BenchKeyFacts) -> Iterator[str]:
    yield from _against_model(spec, key)
    if spec.slots is not None and key.model is None:
        yield f"{device} is to have {spec.slots} places, and {key.name} has what it has"
    if spec.fingers and not ("bioEnroll" in key.options and Ability.FINGER in key.can):
        yield f"{device} is to know fingers, and {key.name} can be shown none"
    if spec.pin is not None and not (key.destructive or key.pin):
        yield f"{device} is to have a PIN, and {key.name} is not marked destructive"
    if spec.pin is None and key.pin is not None and not key.destructive:
        yield f"{device} is to have no PIN, and {key.name} has one and is not marked destructive"


def _against_pins(
    scenario: Scenario, device: str, spec: SecurityKeySpec, key: BenchKeyFacts
) -> str | None:
    """A PIN that the key is to have, at the start or by a step, and that is too short for it."""
    changed = Need(Ability.PIN, device)
    setting = [s for s in scenario.steps if s.expect.refused is None and changed in s.needs()]
    pins = [spec.pin or "", *(str(getattr(step, "pin", "")) for step in setting)]
    short = [pin for pin in pins if 0 < len(pin) < key.min_pin_length]
    if not short or "model" in spec.model_fields_set:
        return None
    return (
        f"{device} is to have a PIN of {len(short[0])} code points, "
        f"and {key.name} wants {key.min_pin_length}"
    )


def _against_model(spec: SecurityKeySpec, key: BenchKeyFacts) -> Iterator[str]:
    """A model that the scenario names stands for a version and a way to verify users."""
    model = load_model(spec.model)
    named = "model" in spec.model_fields_set
    if named and key.model is not None:
        if key.model != spec.model:
            yield f"the scenario is about the model {spec.model}, and {key.name} is another"
        return
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
