"""The system under test: an MFA verifier with the rules of AWS IAM and STS.

The names are imported when they are first used: who wants a profile needs no store and no policies.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mfalab.verifier.authorization import Credentials as Credentials
    from mfalab.verifier.clock import Clock as Clock
    from mfalab.verifier.console import Console as Console
    from mfalab.verifier.console_login import SecondPage as SecondPage
    from mfalab.verifier.console_login import SignedIn as SignedIn
    from mfalab.verifier.credential_report import REPORT_COLUMNS as REPORT_COLUMNS
    from mfalab.verifier.decision import Decision as Decision
    from mfalab.verifier.decision import Outcome as Outcome
    from mfalab.verifier.delays import Delay as Delay
    from mfalab.verifier.errors import ServiceError as ServiceError
    from mfalab.verifier.iam import Iam as Iam
    from mfalab.verifier.known_verifiers import KNOWN as KNOWN
    from mfalab.verifier.known_verifiers import PROFILES as PROFILES
    from mfalab.verifier.known_verifiers import KnownVerifier as KnownVerifier
    from mfalab.verifier.outbox import Outbox as Outbox
    from mfalab.verifier.outbox import Silence as Silence
    from mfalab.verifier.passwords import CHEAP as CHEAP
    from mfalab.verifier.passwords import RFC9106 as RFC9106
    from mfalab.verifier.passwords import PasswordCost as PasswordCost
    from mfalab.verifier.profile import AWS_IMMEDIATE as AWS_IMMEDIATE
    from mfalab.verifier.profile import AWS_OBSERVED as AWS_OBSERVED
    from mfalab.verifier.profile import RFC6238 as RFC6238
    from mfalab.verifier.profile import AttestationConveyance as AttestationConveyance
    from mfalab.verifier.profile import AttestationPolicy as AttestationPolicy
    from mfalab.verifier.profile import CounterRule as CounterRule
    from mfalab.verifier.profile import Profile as Profile
    from mfalab.verifier.profile import ReplayRule as ReplayRule
    from mfalab.verifier.profile import RoleCredentialsMfa as RoleCredentialsMfa
    from mfalab.verifier.profile import RoleSessionMfa as RoleSessionMfa
    from mfalab.verifier.profile import SmsMode as SmsMode
    from mfalab.verifier.profile import ThrottleRule as ThrottleRule
    from mfalab.verifier.profile import UserVerification as UserVerification
    from mfalab.verifier.records import Account as Account
    from mfalab.verifier.records import Demand as Demand
    from mfalab.verifier.records import DeviceKind as DeviceKind
    from mfalab.verifier.records import Identity as Identity
    from mfalab.verifier.records import MovingFactor as MovingFactor
    from mfalab.verifier.records import Role as Role
    from mfalab.verifier.recovery import RootRecovery as RootRecovery
    from mfalab.verifier.request_context import MfaContext as MfaContext
    from mfalab.verifier.store.memory import MemoryStore as MemoryStore
    from mfalab.verifier.store.places import open_store as open_store
    from mfalab.verifier.store.protocol import Conflict as Conflict
    from mfalab.verifier.store.protocol import Store as Store
    from mfalab.verifier.store.protocol import StoreUnusable as StoreUnusable
    from mfalab.verifier.store.protocol import Transaction as Transaction
    from mfalab.verifier.store.sqlite import SqliteStore as SqliteStore
    from mfalab.verifier.sts import Sts as Sts
    from mfalab.verifier.trail import TrailEvent as TrailEvent
    from mfalab.verifier.verifier import TokenSeed as TokenSeed
    from mfalab.verifier.verifier import Verifier as Verifier
    from mfalab.verifier.webauthn.outcomes import CeremonyDecision as CeremonyDecision
    from mfalab.verifier.webauthn.outcomes import CeremonyOutcome as CeremonyOutcome

_HOMES = {
    "AWS_IMMEDIATE": "profile",
    "AWS_OBSERVED": "profile",
    "Account": "records",
    "AttestationConveyance": "profile",
    "AttestationPolicy": "profile",
    "CHEAP": "passwords",
    "CeremonyDecision": "webauthn.outcomes",
    "CeremonyOutcome": "webauthn.outcomes",
    "Clock": "clock",
    "Conflict": "store.protocol",
    "Console": "console",
    "CounterRule": "profile",
    "Credentials": "authorization",
    "Decision": "decision",
    "Delay": "delays",
    "Demand": "records",
    "DeviceKind": "records",
    "Iam": "iam",
    "Identity": "records",
    "KNOWN": "known_verifiers",
    "KnownVerifier": "known_verifiers",
    "MemoryStore": "store.memory",
    "MfaContext": "request_context",
    "MovingFactor": "records",
    "Outbox": "outbox",
    "Outcome": "decision",
    "PROFILES": "known_verifiers",
    "PasswordCost": "passwords",
    "Profile": "profile",
    "REPORT_COLUMNS": "credential_report",
    "RFC6238": "profile",
    "RFC9106": "passwords",
    "ReplayRule": "profile",
    "Role": "records",
    "RoleCredentialsMfa": "profile",
    "RoleSessionMfa": "profile",
    "RootRecovery": "recovery",
    "SecondPage": "console_login",
    "ServiceError": "errors",
    "SignedIn": "console_login",
    "Silence": "outbox",
    "SmsMode": "profile",
    "SqliteStore": "store.sqlite",
    "Store": "store.protocol",
    "StoreUnusable": "store.protocol",
    "Sts": "sts",
    "ThrottleRule": "profile",
    "TokenSeed": "verifier",
    "TrailEvent": "trail",
    "Transaction": "store.protocol",
    "UserVerification": "profile",
    "Verifier": "verifier",
    "open_store": "store.places",
}


def __getattr__(name: str) -> Any:
    """A public name, imported from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
