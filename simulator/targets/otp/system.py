"""Any verifier of one-time codes as a system under test, with people and pages around it.

The pages are the lab's: a password opens them, and what is typed on the second one is judged by the
verifier. Each device is an account of the verifier's, under a name that is the same in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.otpauth import KeyUri, format_key_uri
from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.abilities import OF_SYSTEM, Ability, Offer
from mfalab.simulator.clocks.wall import WALL, Wall, meet
from mfalab.simulator.environment.target import NotOffered, Premises, Target, TargetFailed
from mfalab.simulator.targets.otp.verifier import Capabilities, OtpVerifier, Verdict
from mfalab.simulator.targets.pages import Pages, told
from mfalab.verifier import (
    Credentials,
    Decision,
    DeviceKind,
    Outcome,
    Profile,
    ReplayRule,
    ServiceError,
    SignedIn,
    ThrottleRule,
    TokenSeed,
)
from mfalab.verifier.names import qr_png

CODE_REFUSED = "CodeRefused"
"""The code of a refusal by a verifier of one-time codes, which has no codes of its own."""
_HAS = {
    Ability.CONSOLE,
    Ability.ENROL,
    Ability.REMOVE,
    Ability.CODES,
    Ability.TOKENS,
    Ability.REASONS,
}
SEED_BYTES = 20
"""The length that RFC 4226 section 4 advises."""


@dataclass(frozen=True, slots=True)
class OtpSystem:
    """A verifier of one-time codes. See `SystemUnderTest`.

    Attributes:
        label: what to call it in reports.
        address: what `--target` names it by.
        make: makes a verifier, a new one for each case.
        capabilities: what it declares of itself.
        clock: what its time is where it declares `wall`.
    """

    label: str
    address: str
    make: Callable[[], OtpVerifier]
    capabilities: Capabilities
    clock: Wall = WALL

    @property
    def suite(self) -> str:
        """See `SystemUnderTest`."""
        return "one-time-codes"

    @property
    def one_process(self) -> bool:
        """See `SystemUnderTest`."""
        return False

    @property
    def wall(self) -> Wall | None:
        """See `SystemUnderTest`."""
        return self.clock if self.capabilities.time == "wall" else None

    @property
    def offer(self) -> Offer:
        """See `SystemUnderTest`."""
        declared = self.capabilities
        no_api = "it is a verifier of one-time codes"
        lacks = dict.fromkeys(OF_SYSTEM - _HAS, no_api)
        if declared.resync_codes == 2:
            del lacks[Ability.RESYNC]
        else:
            taken = declared.resync_codes or "no"
            lacks[Ability.RESYNC] = f"it declares {taken} codes of a resynchronisation"
        lacks[Ability.RULES] = "it has rules of its own"
        if declared.lanes > 1:
            del lacks[Ability.RACE]
        else:
            lacks[Ability.RACE] = "it declares one lane"
        if declared.time == "set":
            del lacks[Ability.SERVER_CLOCK]
        else:
            lacks[Ability.SERVER_CLOCK] = f"its time is declared as {declared.time}"
        if declared.time == "wall":
            lacks[Ability.LONG_WAIT] = "it lives in the wall's time"
        else:
            del lacks[Ability.ANY_TIME]
        return Offer.of_all_but(self.label, lacks)

    def open(self, premises: Premises) -> Target:
        """A new verifier without accounts.

        Raises:
            TargetFailed: it cannot be made.
        """
        with told(self.label, "is made"):
            verifier = self.make()
        target = _OtpTarget(self.label, premises, self, verifier)
        # What is not offered is never asked for: a case that needs it is skipped before.
        return cast("Target", target)


def profile_of(label: str, declared: Capabilities) -> Profile:
    """The rules that a verifier declares, as a profile's figures; reports draw windows from it."""
    replay = ReplayRule.HIGH_WATER if declared.replay == "high-water" else ReplayRule.USED_SET
    return Profile(
        name=label,
        window_back=declared.window_back,
        window_ahead=declared.window_ahead,
        replay=replay,
        drift_memory=declared.drift_memory,
        drift_memory_limit_steps=None,
        throttle=ThrottleRule.NONE,
    )


@dataclass(slots=True)
class _Token:
    """A device that the verifier knows, or will know once it is enabled."""

    serial: str
    kind: DeviceKind
    seed: OtpSeed
    owner: str | None = None
    account: str = ""


@dataclass(slots=True)
class _OtpTarget(Pages):
    """The verifier in one case."""

    system: OtpSystem
    verifier: OtpVerifier
    tokens: dict[str, _Token] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    together: list[tuple[str, str]] | None = None
    """What is collected in a race, in place of being judged."""

    @property
    def profile(self) -> Profile:
        """See `Target`."""
        return profile_of(self.label, self.system.capabilities)

    def kinds_of(self, identity_id: str) -> tuple[DeviceKind, ...]:
        """See `Pages`."""
        return tuple(dict.fromkeys(token.kind for token in self._tokens_of(identity_id)))

    # Furnishing

    def register_tokens(self, seeds: Iterable[TokenSeed]) -> None:
        """See `Target`."""
        for each in seeds:
            seed = OtpSeed(
                each.secret,
                algorithm=HashAlgorithm[each.algorithm],
                digits=each.digits,
                period_s=each.period_s,
            )
            self._check_declared(seed)
            self.tokens[each.serial] = _Token(each.serial, DeviceKind.HARDWARE, seed)

    def close(self) -> None:
        """See `Target`."""
        with told(self.system.label, "is closed"):
            self.verifier.close()

    # Pages

    def submit_code(self, page_id: str, code: str) -> SignedIn:
        """Have the verifier judge a code; one of any device of the chosen kind will do."""
        page, owner = self.pages[page_id], self.owners[page_id]
        verdict = Verdict(False)
        for token in self._tokens_of(owner):
            if token.kind is page.chosen:
                verdict = self._judge(token, code)
                if verdict.accepted:
                    return self.signed_in(owner, token.serial)
        raise _refusal(verdict)

    def create_virtual_device(
        self, credentials: Credentials, name: str | None = None
    ) -> dict[str, Any]:
        """Draw a seed and show it as a QR image."""
        declared = self.system.capabilities
        seed = OtpSeed(
            self.premises.random_bytes(SEED_BYTES),
            algorithm=HashAlgorithm[declared.algorithms[0]],
            digits=declared.digits[0],
            period_s=declared.periods_s[0],
        )
        serial = f"{credentials.access_key_id}/{name}"
        self.tokens[serial] = _Token(serial, DeviceKind.VIRTUAL, seed)
        issuer = self.system.label.replace(":", " ").strip()
        uri = format_key_uri(KeyUri(seed, credentials.access_key_id, issuer))
        return {"VirtualMFADevice": {"SerialNumber": serial, "QRCodePNG": qr_png(uri)}}

    def enable_device(
        self,
        credentials: Credentials,
        *,
        serial: str,
        code1: str,
        code2: str,
        user_name: str | None = None,
    ) -> None:
        """Enrol a device by its seed; the two codes are the lab's own proof of it.

        Raises:
            ServiceError: no device has this number, it belongs to a person, or the codes are not
                two neighbours of its seed.
        """
        token = self._token(serial)
        if token.owner is not None:
            raise ServiceError("EntityAlreadyExists", f"{serial} is in use", 409)
        if not _neighbours(token.seed, code1, code2, self.now_ns()):
            raise ServiceError(CODE_REFUSED, "these are not two codes of the device", 403)
        owner = self.concerned(credentials, user_name)
        token.owner, token.account = owner, self._free_name(owner)
        seed = token.seed
        with self._asked("enrol"):
            self.verifier.enrol(
                token.account, seed.secret, seed.algorithm.name, seed.digits, seed.period_s
            )

    def resync_device(
        self,
        credentials: Credentials,
        *,
        serial: str,
        code1: str,
        code2: str,
        user_name: str | None = None,
    ) -> None:
        """Have the verifier find a token's clock."""
        token = self._token(serial)
        if token.owner != self.concerned(credentials, user_name):
            raise ServiceError("NoSuchEntity", f"{serial} is not this person's", 404)
        with self._asked("resync"):
            verdict = Verdict.of(self.verifier.resync(token.account, (code1, code2)))
        self._tell("resync", token, verdict)
        if not verdict.accepted:
            raise _refusal(verdict)

    def deactivate_device(
        self, credentials: Credentials, *, serial: str, user_name: str | None = None
    ) -> None:
        """Have the verifier forget a device."""
        token = self._token(serial)
        if token.owner is None or token.owner != self.concerned(credentials, user_name):
            raise ServiceError("NoSuchEntity", f"{serial} is not this person's", 404)
        with self._asked("revoke"):
            self.verifier.revoke(token.account)
        token.owner = None

    def race(self, submit: Callable[[], object], requests: int) -> list[bool]:
        """See `Target`: the codes are collected, and judged together."""
        self.together = []
        for _ in range(requests):
            submit()
        collected, self.together = self.together, None
        account = collected[0][0]
        with self._asked("attempt_together"):
            verdicts = self.verifier.attempt_together(account, [code for _, code in collected])
            found = [Verdict.of(verdict).accepted for verdict in verdicts]
        if len(found) != len(collected):
            raise TargetFailed(
                f"{self.system.label} gave {len(found)} verdicts on {len(collected)} codes"
            )
        return found

    # Behind the pages

    def _judge(self, token: _Token, code: str) -> Verdict:
        if self.together is not None:
            self.together.append((token.account, code))
            return Verdict(True)
        with self._asked("attempt"):
            verdict = Verdict.of(self.verifier.attempt(token.account, code))
        self._tell("attempt", token, verdict)
        return verdict

    def _tell(self, operation: str, token: _Token, verdict: Verdict) -> None:
        """Tell the journal; a refusal without a reason is told by the refusal alone."""
        reasons = {each.value: each for each in Outcome}
        outcome = Outcome.ACCEPTED if verdict.accepted else reasons.get(verdict.reason)
        if outcome is None:
            return
        now_ns, declared = self.now_ns(), self.system.capabilities
        step = token.seed.step_at(now_ns)
        low, high = step - declared.window_back, step + declared.window_ahead
        self.premises.observer(
            Decision(outcome, token.serial, operation, now_ns, step, step, low, high)
        )

    @contextmanager
    def _asked(self, method: str) -> Iterator[None]:
        """Around a call of the verifier: its time is the lab's, and what it raises is an error."""
        with told(self.system.label, f"is asked to {method}"):
            if self.system.wall is not None:
                meet(self.system.wall, self.premises.timeline)
            else:
                self.verifier.set_time(self.now_ns())
            yield

    def _tokens_of(self, owner: str) -> list[_Token]:
        return [token for token in self.tokens.values() if token.owner == owner]

    def _token(self, serial: str) -> _Token:
        if serial not in self.tokens:
            raise ServiceError("NoSuchEntity", f"no device has the serial number {serial}", 404)
        return self.tokens[serial]

    def _free_name(self, owner: str) -> str:
        """An account's name at the verifier: the user's, numbered from the second device on."""
        name = user = self.users[owner].name
        number = 1
        while name in self.names:
            number += 1
            name = f"{user}-{number}"
        self.names.add(name)
        return name

    def _check_declared(self, seed: OtpSeed) -> None:
        declared = self.system.capabilities
        for what, value, known in (
            ("the hash", seed.algorithm.name, declared.algorithms),
            ("digits", seed.digits, declared.digits),
            ("a time step in seconds", seed.period_s, declared.periods_s),
        ):
            if value not in known:
                told = ", ".join(str(each) for each in known)
                raise NotOffered(
                    f"{self.system.label} cannot be given a device of {value} as {what}: "
                    f"it declares {told}"
                )


def _refusal(verdict: Verdict) -> ServiceError:
    return ServiceError(CODE_REFUSED, verdict.reason or "refused, no reason given", 403)


def _neighbours(seed: OtpSeed, first: str, second: str, now_ns: int) -> bool:
    """Whether two codes are of neighbouring steps, a day around now."""
    here, far = seed.step_at(now_ns), 86_400 // seed.period_s
    return any(
        seed.code_at_step(step) == first and seed.code_at_step(step + 1) == second
        for step in sorted(range(here - far, here + far), key=lambda step: abs(step - here))
    )
