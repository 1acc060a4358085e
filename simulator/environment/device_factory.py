"""Makes the things that a setting names: phones, tokens and apps, with clocks and batteries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fido2.ctap2.base import Ctap2
from fido2.ctap2.pin import ClientPin

from mfalab.devices.ctap.model import load_model
from mfalab.devices.ctap.user import absent, presenting
from mfalab.devices.otp.app import AuthenticatorApp
from mfalab.devices.otp.hotp import HashAlgorithm
from mfalab.devices.otp.quirks import APP_PRESETS
from mfalab.devices.otp.seed import OtpKind, OtpSeed, SeedRecord
from mfalab.devices.otp.token import HardwareToken, HotpToken
from mfalab.devices.phone import Phone
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.sms.carrier import Carrier
from mfalab.devices.sms.phone import SmsPhone
from mfalab.simulator.clocks import (
    OSCILLATORS,
    DeviceClock,
    FrozenClock,
    PhoneClock,
    QuartzClock,
    ageing_ppm,
)
from mfalab.simulator.clocks.battery import Battery, PowerNow
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.climates import climate
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from mfalab.simulator.environment.devices import HeldApp, HeldDevice, HeldKey, HeldSms, HeldToken
from mfalab.simulator.environment.key_access import SimulatedKey, enrol_finger
from mfalab.simulator.environment.key_recording import KeyRecording
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.environment.stand_ins import StandIns, Watch
from mfalab.simulator.language.seed_files import NoSeed, SeedFiles
from mfalab.simulator.language.setting import (
    DeviceSpec,
    HardwareHotpSpec,
    HardwareTotpSpec,
    PhoneSpec,
    SecurityKeySpec,
    SmsPhoneSpec,
    TokenSpec,
    TotpAppSpec,
)
from mfalab.verifier import MovingFactor, TokenSeed

_SEED_BYTES = 20
"""160 bits, as RFC 4226 section 4 recommends and makers programme."""


@dataclass(slots=True)
class DeviceFactory:
    """Makes devices on one timeline with one source of chance.

    Attributes:
        phones: every phone made so far, by the scenario's name for it.
        shipped: seeds of the hardware tokens whose maker hands them to the verifier.
        batch: what makes security keys others than those of the same seed: what is under test may
            remember a key of an earlier run.
    """

    timeline: Timeline
    entropy: Entropy
    carrier: Carrier
    clients: BlockingClients
    stand_ins: StandIns
    recording: KeyRecording | None = None
    batch: str = ""
    phones: dict[str, Phone] = field(default_factory=dict)
    shipped: list[TokenSeed] = field(default_factory=list)
    seed_files: SeedFiles = field(default_factory=SeedFiles)

    def phone(self, name: str, spec: PhoneSpec) -> Phone:
        """A phone whose clock the network keeps, or does not."""
        clock = PhoneClock(self.timeline, self.entropy.stream(f"{name}.clock"))
        if spec.clock == "airplane":
            clock.airplane(True)
        elif spec.clock == "manual" or spec.offset:
            clock.set_by_hand(self.timeline.now_ns() + spec.offset)
        self.phones[name] = Phone(name, clock)
        return self.phones[name]

    def device(self, name: str, spec: DeviceSpec) -> HeldDevice:
        """A device as its specification says, in its owner's hands."""
        match spec:
            case HardwareTotpSpec():
                return self._totp_token(name, spec)
            case HardwareHotpSpec():
                return self._hotp_token(name, spec)
            case TotpAppSpec():
                phone = self._phone_for(name, spec.on)
                app = AuthenticatorApp(phone, APP_PRESETS[spec.quirks], name=name)
                return HeldApp(name, spec.owner, _clock_of(phone), app)
            case SmsPhoneSpec():
                phone = self._phone_for(name, spec.on)
                sms = SmsPhone(phone)
                self.carrier.issue_sim(spec.number or self._number(name), sms)
                return HeldSms(name, spec.owner, _clock_of(phone), sms)
            case SecurityKeySpec():
                return self._security_key(name, spec)
        raise TypeError(f"{type(spec).__name__} is no kind of device that the workshop makes")

    def _phone_for(self, device: str, on: str | None) -> Phone:
        name = on or device
        return self.phones.get(name) or self.phone(name, PhoneSpec())

    def _number(self, name: str) -> str:
        return f"+1202555{self.entropy.stream(f'{name}.number').randrange(10_000):04d}"

    def _totp_token(self, name: str, spec: HardwareTotpSpec) -> HeldDevice:
        real = self.stand_ins.token(name, spec, self.timeline)
        if real is not None:
            device, told = real
            self._ship(spec, device.known_serial(), told.seed, told.drift_steps)
            return device
        made_ns = self.timeline.now_ns() - spec.age
        battery = Battery(made_ns, spec.battery)
        quartz = OSCILLATORS[spec.crystal].draw(self.entropy.stream(f"{name}.crystal"))
        if spec.drift is not None:
            quartz = replace(quartz, offset_ppm=spec.drift)
        if spec.turnover is not None:
            quartz = replace(quartz, turnover_c=spec.turnover)
        if spec.ageing is not None:
            quartz = replace(quartz, ageing_ppm=ageing_ppm(spec.ageing))
        record = self._record(name, spec)
        offset_ns = spec.offset
        if record is not None and "offset" not in spec.model_fields_set:
            # RFC 6030 TimeDrift: by how many steps its clock was found off.
            offset_ns = record.drift_steps * record.seed.period_s * NS_PER_S
        clock: DeviceClock = QuartzClock(
            self.timeline,
            quartz,
            climate=climate(spec.climate),
            supply=battery,
            offset_ns=offset_ns,
            set_ns=made_ns,
            noise=self.entropy.stream(f"{name}.wander"),
        )
        if spec.frozen:
            clock = FrozenClock(self.timeline, clock.now_ns())
        seed = self._seed(name, spec, period_s=spec.period // NS_PER_S)
        power = PowerNow(battery, self.timeline)
        token = HardwareToken(self._serial(name, spec), seed, clock, power)
        drift_steps = 0 if record is None else record.drift_steps
        self._ship(spec, token.serial, token.seed, drift_steps)
        return HeldToken(name, spec.owner, clock, token)

    def _hotp_token(self, name: str, spec: HardwareHotpSpec) -> HeldToken:
        made_ns = self.timeline.now_ns() - spec.age
        battery = Battery(made_ns, spec.battery)
        quartz = OSCILLATORS["quartz"].draw(self.entropy.stream(f"{name}.crystal"))
        clock = QuartzClock(self.timeline, quartz, supply=battery, set_ns=made_ns)
        seed = self._seed(name, spec, counter=spec.counter)
        power = PowerNow(battery, self.timeline)
        token = HotpToken(self._serial(name, spec), seed, clock, power)
        self._ship(spec, token.serial, token.seed)
        return HeldToken(name, spec.owner, clock, token)

    def _security_key(self, name: str, spec: SecurityKeySpec) -> HeldKey:
        recording = self.recording
        watch: Watch = recording.of_fixture if recording else lambda _, fixture: fixture
        stand_in = self.stand_ins.key(name, spec, self.timeline, watch)
        if stand_in is not None:
            return stand_in
        spec = self.stand_ins.described(name, spec)
        model = load_model(spec.model)
        if spec.slots is not None:
            model = replace(model, slots=spec.slots)
        thing = SecurityKey(
            model,
            random_bytes=self.entropy.random_bytes(f"{name}.key{self.batch}"),
            scheduler=self.clients,
            name=name,
        )
        if self.recording is not None:
            self.recording.of_key(name, thing)
        thing.plug()
        access = SimulatedKey(thing, self.clients, self.timeline)
        key = HeldKey(name, spec.owner, access, built_in=spec.attachment == "platform")
        if spec.pin is not None:
            key.pin = spec.pin
            access.work(lambda device: ClientPin(Ctap2(device)).set_pin(key.known_pin()), absent)
        for finger in spec.fingers:
            access.work(
                lambda device: enrol_finger(Ctap2(device), key.known_pin()), presenting(finger)
            )
            key.fingers.append(finger)
        return key

    def _serial(self, name: str, spec: TokenSpec) -> str:
        digits = self.entropy.stream(f"{name}.serial").randrange(10**8)
        return spec.serial or f"GAHT{digits:08d}"

    def _record(self, name: str, spec: TokenSpec) -> SeedRecord | None:
        """What the seed file says of the token, if there is one.

        Raises:
            ScenarioError: the file has no such token.
        """
        if spec.seeds is None:
            return None
        try:
            return self.seed_files.record(spec)
        except NoSeed as error:
            raise ScenarioError(f"{name}: {error}") from None

    def _seed(self, name: str, spec: TokenSpec, *, period_s: int = 30, counter: int = 0) -> OtpSeed:
        record = self._record(name, spec)
        if record is not None:
            return record.seed
        return OtpSeed(
            self.entropy.random_bytes(f"{name}.seed")(_SEED_BYTES),
            kind=spec.otp_kind,
            algorithm=HashAlgorithm[spec.algorithm],
            digits=spec.digits,
            period_s=period_s,
            counter=counter,
        )

    def _ship(self, spec: TokenSpec, serial: str, seed: OtpSeed, drift_steps: int = 0) -> None:
        """Hand the seed to the verifier's side, as makers do, unless the scenario says not."""
        if not spec.registered:
            return
        event = seed.kind is OtpKind.HOTP
        self.shipped.append(
            TokenSeed(
                serial=serial,
                secret=seed.secret,
                algorithm=seed.algorithm.name,
                digits=seed.digits,
                period_s=seed.period_s,
                moving_factor=MovingFactor.EVENT if event else MovingFactor.TIME,
                counter=seed.counter,
                drift_steps=drift_steps,
            )
        )


def _clock_of(phone: Phone) -> DeviceClock:
    """A phone's clock, which this workshop gave it."""
    clock = phone.clock
    assert isinstance(clock, DeviceClock)
    return clock
