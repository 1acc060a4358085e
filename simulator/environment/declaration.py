"""What a verifier's declared rules say of a code, from the step that a device showed.

This is no second verifier: it sees no codes and no seeds. It knows of which time step a code was,
because the lab has the device, and which steps the rules admit. So a scenario can expect of any
verifier what it declares of itself, and this project's verifier is held to the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mfalab.verifier import Profile, ReplayRule

ACCEPTED = "accepted"


@dataclass(slots=True)
class _Known:
    """What the rules remember of a device, in steps as the device counts them."""

    offset: int = 0
    pair_offset: int = 0
    used: set[int] = field(default_factory=set)


class Declaration:
    """The verdicts that a verifier's rules lead to, device by device."""

    def __init__(self) -> None:
        self._devices: dict[str, _Known] = {}

    def verdict(self, device: str, shown: int, server_step: int, profile: Profile) -> str:
        """What becomes of a single code: `accepted`, or why it is refused.

        Args:
            device: whose code it is.
            shown: the step whose code it is.
            server_step: the verifier's own step.
            profile: the declared rules.
        """
        known = self._devices.setdefault(device, _Known())
        centre = server_step + known.offset
        back, ahead = profile.window_back, profile.window_ahead
        if known.used:
            grown = (centre - max(known.used)) * profile.window_growth_s_per_day // 86_400
            back = min(back + grown, profile.pair_back)
            ahead = min(ahead + grown, profile.pair_ahead)
        if not centre - back <= shown <= centre + ahead:
            return "wrong"
        used = known.used if profile.replay is not ReplayRule.NONE else set()
        high_water = profile.replay is ReplayRule.HIGH_WATER
        if shown in used or (high_water and shown <= max(used, default=shown - 1)):
            return "replayed"
        return ACCEPTED

    def accepted(self, device: str, shown: int, server_step: int, profile: Profile) -> None:
        """Remember that a code was accepted."""
        known = self._devices.setdefault(device, _Known())
        known.used.add(shown)
        if profile.drift_memory:
            known.offset = shown - server_step
            limit = profile.drift_memory_limit_steps
            if limit is not None:
                most, least = known.pair_offset + limit, known.pair_offset - limit
                known.offset = max(least, min(most, known.offset))

    def paired(self, device: str, second: int, server_step: int, profile: Profile) -> None:
        """Remember that a pair was accepted, whose second code is of this step."""
        known = self._devices.setdefault(device, _Known())
        if profile.pair_sets_offset:
            known.offset = known.pair_offset = second - server_step
        if profile.pair_consumes_codes:
            known.used |= {second - 1, second}
