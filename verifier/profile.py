"""The figures a verifier works with: one frozen `Profile`, every open point of AWS a field.

Three profiles are complete: `AWS_OBSERVED` (as measured on AWS; AWS guarantees none of it),
`AWS_IMMEDIATE` (the same without its delays, so that a story need not wait) and `RFC6238` (the
classic server which the RFC advises). Anything between is `dataclasses.replace` of one of them;
`known_verifiers` has those of real products.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum

from mfalab.verifier.delays import Delay

_AT_ONCE = Delay()


class ReplayRule(StrEnum):
    """Which accepted codes are refused from then on (RFC 6238 section 5.2)."""

    USED_SET = "used-set"
    """Each step once, in any order."""
    HIGH_WATER = "high-water"
    """Nothing at or below the newest accepted step."""
    USED_TEXT = "used-text"
    """Each code once as a text, so a step whose code equals a used one's is refused, too."""
    NONE = "none"
    """A code is good as long as it lies in the window."""


class ThrottleRule(StrEnum):
    """The limit on the number of attempts on a device."""

    FIXED_WINDOW = "fixed-window"
    """A budget for each window of the clock; success counts as much as failure."""
    SLIDING_WINDOW = "sliding-window"
    """A budget for any stretch of time of a window's length; success counts as much as failure, and
    so does an attempt that is not looked at."""
    BACKOFF = "backoff"
    """A delay after so many failures in a row, doubled with each further failure."""
    NONE = "none"


class SmsMode(StrEnum):
    """The life of SMS as a second factor at AWS."""

    PREVIEW = "preview"
    """May be enabled and used."""
    DEPRECATED = "deprecated"
    """May be used; enabling is no longer offered."""
    ENDED = "ended"
    """Only to be found, listed and removed."""


class RoleCredentialsMfa(StrEnum):
    """What `aws:MultiFactorAuthPresent` is for credentials that AssumeRole returned."""

    FALSE = "false"
    ABSENT = "absent"
    INHERITED = "inherited"


class RoleSessionMfa(StrEnum):
    """The treatment of MFA parameters on AssumeRole from a role session; a role has no device."""

    REFUSED = "refused"
    IGNORED = "ignored"


class UserVerification(StrEnum):
    """Whether a security key has to verify its user, by PIN or biometric (WebAuthn 5.8.6)."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    DISCOURAGED = "discouraged"


class AttestationConveyance(StrEnum):
    """Which attestation is asked for when a security key is registered (WebAuthn 5.4.7)."""

    NONE = "none"
    INDIRECT = "indirect"
    DIRECT = "direct"
    ENTERPRISE = "enterprise"


class AttestationPolicy(StrEnum):
    """Which security keys may be registered. A statement that does not verify is never accepted."""

    ANY = "any"
    """All, attested or not."""
    SELF = "self"
    """Those that attest at all, be it with the credential's own key."""
    ROOTS = "roots"
    """Those whose certificates lead to one of `attestation_roots`."""
    METADATA = "metadata"
    """Those whose model has a metadata statement and no bad report, and which attest as it says."""


class CounterRule(StrEnum):
    """The consequence of a signature counter that does not grow: a sign of a cloned key."""

    REFUSE = "refuse"
    """The assertion is refused and the key is marked."""
    LOCK = "lock"
    """As `REFUSE`, and the marked key signs in no more."""
    REPORT = "report"
    """The key is marked, and the assertion is accepted."""
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Every figure and choice of the verifier. Units are in the names; steps are time steps."""

    name: str

    # Single codes
    window_back: int = 2
    """How many steps behind the centre of the window a code may lie."""
    window_ahead: int = 2
    """How many steps ahead of the centre a code may lie."""
    replay: ReplayRule = ReplayRule.USED_SET
    """Which accepted codes are refused from then on."""
    drift_memory: bool = False
    """Whether a success moves the centre of the window to the step that matched."""
    drift_memory_limit_steps: int | None = 10
    """How far from the last pair's offset drift memory may carry the window; None is anywhere."""
    window_growth_s_per_day: int = 0
    """Seconds by which the window grows at either end for each day since the last accepted code, as
    far as the window of pairs."""

    # Pairs: enabling and resynchronisation
    pair_back: int = 998
    """How many steps behind the centre the *second* code of a pair may lie."""
    pair_ahead: int = 1000
    """How many steps ahead of the centre the second code of a pair may lie."""
    pair_counts_as_attempt: bool = False
    """Whether a pair uses up attempts."""
    pair_consumes_codes: bool = False
    """Whether the codes of an accepted pair are used, so that they sign in no more."""
    pair_sets_offset: bool = True
    """Whether an accepted pair centres the window on the device. A verifier that cannot be
    resynchronised does not."""
    pair_forgives_failures: bool = False
    """Whether an accepted pair ends the delay, or the lock, that failures led to."""

    # Hardware tokens; None is as for virtual devices
    hardware_window_back: int | None = None
    """As `window_back`, for hardware tokens."""
    hardware_window_ahead: int | None = None
    """As `window_ahead`, for hardware tokens."""
    hardware_pair_back: int | None = None
    """As `pair_back`, for hardware tokens."""
    hardware_pair_ahead: int | None = None
    """As `pair_ahead`, for hardware tokens."""

    # Event-based tokens (RFC 4226 section 7.4)
    hotp_tokens: bool = False
    """Whether event-based hardware tokens may be enabled at all."""
    hotp_look_ahead: int = 10
    """How many counters ahead of the expected one a code may lie."""
    hotp_resync_look_ahead: int = 1000
    """How many counters ahead a pair may lie."""

    # Attempts
    throttle: ThrottleRule = ThrottleRule.FIXED_WINDOW
    """How the number of attempts is limited."""
    throttle_budget: int = 9
    """Attempts in each window of `fixed-window` and `sliding-window`, whatever they end in."""
    throttle_window_s: int = 180
    """Length of a window of `fixed-window` and `sliding-window`."""
    throttle_failures: int = 5
    """Failures in a row after which `backoff` delays."""
    throttle_delay_s: int = 60
    """The first delay of `backoff`."""
    throttle_delay_limit_s: int = 24 * 3600
    """The longest delay that doubling reaches."""
    throttle_failures_limit: int | None = None
    """Failures in a row after which `backoff` takes no code any more; None never does (NIST SP
    800-63B section 5.2.2: at most 100)."""
    throttle_failures_forgotten_s: int | None = None
    """How long after the last failure `backoff` forgets failures; None forgets them at a success
    only."""
    throttled_code_is_used: bool = False
    """Whether a right code that is not looked at is used by that."""

    # Devices
    devices_per_identity: int = 8
    """MFA devices that one user, or root, may have."""
    device_names_ignore_case: bool = True
    """Whether names of devices that differ in case only are the same."""
    tags_per_device: int = 50
    """Tags that one virtual device may have."""
    self_management_gate: bool = True
    """Whether users with MFA devices need a session with MFA to manage them."""
    propagation_enable_s: Delay = _AT_ONCE
    """How long after enabling STS does not know a device."""
    propagation_disable_s: Delay = _AT_ONCE
    """How long after deactivation STS still knows a device."""
    propagation_resync_old_s: Delay = _AT_ONCE
    """How long after a resynchronisation STS still takes codes around the old offset."""
    propagation_resync_s: Delay = _AT_ONCE
    """How long after a resynchronisation STS takes no codes around the new offset."""
    propagation_pair_code_s: Delay = _AT_ONCE
    """How long after a pair was accepted STS does not take its second code."""
    virtual_devices_per_account: int = 5000
    """Assigned or not; at AWS the account's quota of users."""
    delete_user_says_tokens: bool = True
    """Whether DeleteUser calls MFA devices tokens that must be removed from the principal (2024 and
    later), or an MFA device that must be deleted (2018)."""
    fips_certification_prefix: str = "FIDO-"
    """What GetMFADevice puts before `FIPS-140-2`: AWS's sample has `FIDO-`, its text nothing."""
    summary_counts_unassigned: bool = True
    """Whether `MFADevices` of the account summary counts unassigned devices."""

    # Console
    console_shares_used_codes: bool = True
    """Whether a code is used once for console and STS together, or once for each. A high-water mark
    is always common to both."""
    console_resync_offered_after: int = 3
    """Refusals on one second page after which it offers an IAM user to resynchronise; root finds
    that there at any time."""
    console_locked_after: int | None = None
    """Refused codes and signatures in a row, on any pages, that lock an identity's sign-in; None
    locks never."""
    console_lock_s: int = 900
    """How long a sign-in is locked."""
    sign_in_page_lifetime_s: int = 900
    """How long the second page may stay open."""
    console_session_s: int = 12 * 3600
    """How long a console session lasts."""

    root_mail_code: bool = False
    """Whether a root user without MFA who signs in from an unusual place is mailed a code."""
    root_mail_code_tries: int = 3
    """Tries for the code in that mail."""
    sign_in_tries_every_device: bool = True
    """Whether a code may come from any device of the chosen kind, or only from the one that was
    enabled last."""

    root_mfa_required_from_ns: int | None = None
    """From when on root users need an MFA device to sign in; None never asks for one. AWS began
    with management accounts in May 2024; standalone accounts followed in June 2024, members of
    organisations in 2025."""
    root_mfa_grace_s: int = 35 * 24 * 3600
    """How long after the first sign-in without a device a root user may put that off."""

    # STS
    role_session_mfa: RoleSessionMfa = RoleSessionMfa.REFUSED
    """What becomes of MFA parameters on AssumeRole from a role session."""
    role_credentials_mfa: RoleCredentialsMfa = RoleCredentialsMfa.FALSE
    """What `aws:MultiFactorAuthPresent` is for a role's credentials."""

    root_credentials_management: bool = False
    """Whether AssumeRoot offers the tasks on root's credentials (November 2024, if enabled)."""
    root_sessions: bool = False
    """Whether AssumeRoot offers the tasks on locked buckets and queues (as above)."""
    root_session_mfa: bool = True
    """Whether a code makes root's GetSessionToken a session with MFA. The guide says that MFA
    protects no API calls of root; a correction of 2018 says that the key is true."""

    # SMS
    sms: SmsMode = SmsMode.ENDED
    """How far SMS is still offered."""
    sms_code_lifetime_s: int = 300
    """How long a texted code is good."""
    sms_tries: int = 3
    """Tries for each texted code."""
    sms_resend_after_s: int = 30
    """How long to wait until another code may be asked for."""

    # Security keys (WebAuthn Level 3 section 7)
    rp_id: str = "aws.amazon.com"
    """The relying party's identifier: the origins' host, or a domain above it."""
    rp_name: str = "Amazon Web Services"
    """The relying party's name, as clients show it."""
    origins: tuple[str, ...] = (
        "https://console.aws.amazon.com",
        "https://signin.aws.amazon.com",
    )
    """Where ceremonies take place: keys are registered at the one, and sign in at the other."""
    cross_origin: bool = False
    """Whether ceremonies may take place in a frame."""
    top_origins: tuple[str, ...] = ()
    """Pages that may hold such a frame."""
    app_id: str | None = "https://signin.aws.amazon.com"
    """What keys of the U2F API were registered for; None forgets them."""
    user_verification: UserVerification = UserVerification.DISCOURAGED
    """Whether a key has to verify its user."""
    challenge_lifetime_s: int = 300
    """How long a challenge may be answered."""
    counter_rule: CounterRule = CounterRule.REFUSE
    """What follows when a signature counter does not grow."""
    algorithms: tuple[int, ...] = (-7, -8, -257)
    """COSE identifiers, the preferred first: ES256, EdDSA, RS256."""
    passkeys: bool = False
    """Whether keys may be passkeys (AWS since June 2024): platform authenticators are taken, and
    keys are asked to make discoverable credentials."""
    attestation: AttestationConveyance = AttestationConveyance.DIRECT
    """Which attestation is asked for."""
    attestation_policy: AttestationPolicy = AttestationPolicy.ANY
    """Which security keys may be registered."""
    attestation_roots: tuple[str, ...] = ()
    """Trusted certificates, as PEM."""
    metadata_statements: tuple[str, ...] = ()
    """Metadata statements or entries of the FIDO Metadata Service (MDS3), as JSON."""

    # Root recovery by alternative factors
    recovery_mail_lifetime_s: int = 3600
    """How long the link in the recovery e-mail is good."""
    recovery_call_lifetime_s: int = 600
    """How long after a call was placed its digits may be entered."""
    recovery_call_tries: int = 3
    """Wrong entries that end a recovery, in all its calls together."""
    recovery_counts_as_mfa: bool = False
    """Whether a session by alternative factors counts as one with MFA."""

    # Credential report
    credential_report_interval_s: int = 4 * 3600
    """How long a report is current, from its request on: so long it is handed out, and no newer one
    is made."""
    credential_report_root_password: bool = True
    """Whether root's row says if it has a password, and since when (2026), or `not_supported`
    (2023)."""
    credential_report_takes_s: Delay = _AT_ONCE
    """How long a report is in progress."""
    access_key_last_used_lag_s: Delay = _AT_ONCE
    """How long after the use of an access key a report does not tell of it."""
    password_last_used_interval_s: int = 0
    """How long after the use of a password further uses do not move its last use."""

    def __post_init__(self) -> None:
        """Refuse figures that no verifier could work with.

        Raises:
            ValueError: a figure is negative, a delay ends before it begins, or the throttle's
                window has no length.
        """
        for figure in fields(self):
            value = getattr(self, figure.name)
            least = value[0] if isinstance(value, Delay) else value
            if isinstance(least, int) and least < 0:
                raise ValueError(f"{figure.name} is {value}; a figure cannot be negative")
            if isinstance(value, Delay) and value.most_s < value.least_s:
                raise ValueError(f"{figure.name} is {value}; a delay's longest comes last")
        if self.throttle_window_s == 0:
            raise ValueError(
                "throttle_window_s is 0; attempts are counted in windows of 1 s or more"
            )


AWS_IMMEDIATE = Profile(name="aws-immediate")
AWS_OBSERVED = replace(
    AWS_IMMEDIATE,
    name="aws-observed",
    propagation_enable_s=Delay(7, 9),
    propagation_disable_s=Delay(3, 13),
    propagation_resync_old_s=Delay(2, 3),
    propagation_resync_s=Delay(12, 14),
    propagation_pair_code_s=Delay(16, 20),
    credential_report_takes_s=Delay(2, 3),
    access_key_last_used_lag_s=Delay(18, 60),
    password_last_used_interval_s=300,
)
"""The delays are measurements of 2026; the upper end of the access keys' lag is ours, as only its
lower end was seen. The password's five minutes are from the guide."""
RFC6238 = Profile(
    name="rfc6238",
    window_back=1,
    window_ahead=1,
    replay=ReplayRule.HIGH_WATER,
    drift_memory=True,
    pair_back=100,
    pair_ahead=100,
    pair_counts_as_attempt=True,
    pair_consumes_codes=True,
    hotp_tokens=True,
    throttle=ThrottleRule.BACKOFF,
)
