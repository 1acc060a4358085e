"""The named profiles: AWS, the RFC's server, and verifiers that are in use.

Those in use are profiles in what concerns time-based codes. Their figures are the defaults of a
release, read in its source or in its maker's documents: `KNOWN` says where, and what is our choice
because no document tells. All else - devices for each user, console, STS, security keys - is as in
`AWS_IMMEDIATE`, and event-based tokens are not taken.

A verifier that cannot be resynchronised looks for a pair where it looks for a code, and its window
stays around its own time. What the rules leave out of each stands in docs/verifier.md.
"""

from dataclasses import dataclass, replace
from typing import Any

from mfalab.verifier.profile import (
    AWS_IMMEDIATE,
    AWS_OBSERVED,
    RFC6238,
    Profile,
    ReplayRule,
    ThrottleRule,
)


@dataclass(frozen=True, slots=True)
class KnownVerifier:
    """A verifier that is in use.

    Attributes:
        profile: its figures.
        source: project and release, and where the figures are from.
    """

    profile: Profile
    source: str


def _verifier(
    name: str,
    replay: ReplayRule,
    *,
    back: int,
    ahead: int,
    pairs: tuple[int, int] | None = None,
    throttle: ThrottleRule = ThrottleRule.NONE,
    **figures: Any,
) -> Profile:
    """A verifier with the figures that are given.

    Args:
        name: what it is called.
        replay: which accepted codes are refused.
        back: how many steps behind the centre a code may lie.
        ahead: how many steps ahead of it.
        pairs: the same of a pair's second code; None cannot be resynchronised.
        throttle: how the number of attempts is limited.
        figures: others of a profile.
    """
    pair_back, pair_ahead = pairs or (back, ahead)
    return replace(
        AWS_IMMEDIATE,
        name=name,
        window_back=back,
        window_ahead=ahead,
        replay=replay,
        pair_back=pair_back,
        pair_ahead=pair_ahead,
        pair_sets_offset=pairs is not None,
        drift_memory_limit_steps=None,
        throttle=throttle,
        **figures,
    )


def _lock(failures: int) -> dict[str, Any]:
    """A lock after so many failures in a row."""
    return _delay(failures, 0) | {"throttle_failures_limit": failures}


def _delay(failures: int, delay_s: int) -> dict[str, Any]:
    """A delay after so many failures in a row, which does not grow."""
    return {
        "throttle": ThrottleRule.BACKOFF,
        "throttle_failures": failures,
        "throttle_delay_s": delay_s,
        "throttle_delay_limit_s": delay_s,
    }


KNOWN = (
    KnownVerifier(
        _verifier(
            "privacyidea",
            ReplayRule.HIGH_WATER,
            back=6,  # 180 s; the search leaves its upper end out
            ahead=5,
            pairs=(1000, 999),
            drift_memory=True,
            pair_consumes_codes=True,
            **_lock(10),
        ),
        source="privacyIDEA 3: lib/tokens/totptoken.py (check_otp, resync, timeWindow 180), "
        "lib/tokens/HMAC.py; locked by DefaultMaxFailCount, lib/tokenclass.py.",
    ),
    KnownVerifier(
        _verifier(
            "linotp",
            ReplayRule.HIGH_WATER,
            back=15,  # the count window, in steps; the time window is not asked for
            ahead=14,
            pairs=(1000, 999),
            drift_memory=True,
            pair_consumes_codes=True,
            **_lock(15),
        ),
        source="LinOTP 3: linotp/tokens/totptoken.py, linotp/lib/token.py; the number of failures "
        "is a setting.",
    ),
    KnownVerifier(
        _verifier(
            "freeipa",
            ReplayRule.HIGH_WATER,
            back=9,  # 300 s, ends left out
            ahead=9,
            pairs=(2878, 2880),  # 86,400 s, ends left out, for the first code
            pair_consumes_codes=True,
            throttle_failures_forgotten_s=60,
            **_delay(6, 600),
        ),
        source="FreeIPA 4: daemons/ipa-slapi-plugins/libotp/otp_token.c; the password policy's "
        "default lockout: krbPwdMaxFailure 6, krbPwdFailureCountInterval 60, "
        "krbPwdLockoutDuration 600.",
    ),
    KnownVerifier(
        _verifier("keycloak", ReplayRule.USED_TEXT, back=1, ahead=1),
        source="Keycloak since 2022: TimeBasedOTP.java (look-around window 1; only back before PR "
        "8383); single use by issue 13607 and PR 13867; brute force detection is off by default.",
    ),
    KnownVerifier(
        _verifier("pam-oath", ReplayRule.HIGH_WATER, back=5, ahead=5),
        source="OATH Toolkit 2.6: pam_oath/pam_oath.c (window 5), liboath/usersfile.c.",
    ),
    KnownVerifier(
        _verifier(
            "google-authenticator",
            ReplayRule.USED_SET,
            back=1,
            ahead=1,
            throttle=ThrottleRule.SLIDING_WINDOW,
            throttle_budget=3,
            throttle_window_s=30,
        ),
        source="google-authenticator-libpam 1: src/pam_google_authenticator.c, with what its tool "
        "proposes: WINDOW_SIZE 3, DISALLOW_REUSE, RATE_LIMIT 3 30.",
    ),
    KnownVerifier(
        _verifier(
            "multiotp",
            ReplayRule.HIGH_WATER,
            back=19,  # 600 s, ends left out
            ahead=19,
            pairs=(3000, 3000),
            drift_memory=True,
            pair_consumes_codes=True,
            throttle_failures_limit=6,
            **_delay(3, 300),
        ),
        source="multiOTP 5: multiotp.class.php (600 s, 90,000 s for a pair, 300 s after 3 "
        "failures, a lock after 6).",
    ),
    KnownVerifier(
        _verifier(
            "django-otp",
            ReplayRule.HIGH_WATER,
            back=1,
            ahead=1,
            drift_memory=True,
            **_delay(1, 1) | {"throttle_delay_limit_s": 100 * 365 * 24 * 3600},
        ),
        source="django-otp 1.7.5: plugins/otp_totp/models.py (tolerance 1, OTP_TOTP_SYNC), "
        "models.py (OTP_TOTP_THROTTLE_FACTOR 1, doubled, at most 100 years).",
    ),
    KnownVerifier(
        _verifier(
            "vault",
            ReplayRule.USED_TEXT,
            back=1,
            ahead=1,
            throttle=ThrottleRule.FIXED_WINDOW,
            throttle_budget=5,
            throttle_window_s=30,
        ),
        source="HashiCorp Vault 1: builtin/logical/totp/path_code.go (skew 1); the attempts are "
        "login MFA's, vault/login_mfa.go (5 for each period).",
    ),
    KnownVerifier(
        _verifier("pquerna-otp", ReplayRule.NONE, back=1, ahead=1),
        source="pquerna/otp 1: totp/totp.go (Validate, skew 1); replay is the caller's duty.",
    ),
    KnownVerifier(
        _verifier("pyotp", ReplayRule.NONE, back=0, ahead=0),
        source="pyotp 2.12: pyotp/totp.py (verify, valid_window 0); replay is the caller's duty.",
    ),
    KnownVerifier(
        _verifier(
            "authelia",
            ReplayRule.USED_SET,
            back=1,
            ahead=1,
            throttle_failures_forgotten_s=120,
            **_delay(3, 300),
        ),
        source="Authelia 4: internal/handlers/handler_sign_totp.go (skew 1, a row for each step), "
        "internal/configuration/schema/regulation.go (3 failures in 2 min, a ban of 5 min).",
    ),
    KnownVerifier(
        _verifier(
            "rsa-securid",
            ReplayRule.HIGH_WATER,
            back=10,  # software tokens, which are virtual devices here
            ahead=10,
            pairs=(70, 70),
            hardware_window_back=1,
            hardware_window_ahead=1,
            hardware_pair_back=10,
            hardware_pair_ahead=10,
            drift_memory=True,
            pair_consumes_codes=True,
            pair_forgives_failures=True,
            **_lock(3),
        ),
        source="RSA Authentication Manager 8: article a19272. Steps are of 60 s; after 3 failures "
        "it wants two codes.",
    ),
    KnownVerifier(
        _verifier(
            "onespan",
            ReplayRule.HIGH_WATER,
            back=5,
            ahead=5,
            pairs=(360, 360),  # 3 h, at first use
            drift_memory=True,
            window_growth_s_per_day=8,
        ),
        source="OneSpan: its documents on time windows (5 steps, 8 s for each idle day, 3 h at "
        "first use); attempts are limited by the product around it.",
    ),
    KnownVerifier(
        _verifier("entra", ReplayRule.USED_SET, back=4, ahead=4, pairs=(20, 20), drift_memory=True),
        source="Microsoft Entra since 2025: 2 min and drift memory, as Token2 and Deepnet tell. "
        "Our choice: 10 min for a pair, each code once, no limit on attempts.",
    ),
    KnownVerifier(
        _verifier("okta", ReplayRule.USED_SET, back=4, ahead=4, **_lock(5)),
        source="Okta: 2 min and 5 failures, as Token2 tells. Our choice: each code once. Duo has "
        "no resynchronisation either and publishes no figures.",
    ),
)
"""Verifiers in use, beside `AWS_OBSERVED`."""

PROFILES = {
    profile.name: profile
    for profile in (AWS_IMMEDIATE, AWS_OBSERVED, RFC6238, *(known.profile for known in KNOWN))
}
"""Every named profile."""
SOURCES = {known.profile.name: known.source for known in KNOWN}
"""Where the figures of verifiers in use are from."""
