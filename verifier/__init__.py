"""The system under test: an MFA verifier with the rules of AWS IAM and STS."""

from mfalab.verifier.authorization import Credentials
from mfalab.verifier.clock import Clock
from mfalab.verifier.console import Console
from mfalab.verifier.console_login import SecondPage, SignedIn
from mfalab.verifier.credential_report import COLUMNS as REPORT_COLUMNS
from mfalab.verifier.decision import Decision, Outcome
from mfalab.verifier.delays import Delay
from mfalab.verifier.errors import ServiceError
from mfalab.verifier.iam import Iam
from mfalab.verifier.known_verifiers import KNOWN, PROFILES, KnownVerifier
from mfalab.verifier.outbox import Outbox, Silence
from mfalab.verifier.passwords import CHEAP, RFC9106, PasswordCost
from mfalab.verifier.profile import (
    AWS_IMMEDIATE,
    AWS_OBSERVED,
    RFC6238,
    AttestationConveyance,
    AttestationPolicy,
    CounterRule,
    Profile,
    ReplayRule,
    RoleCredentialsMfa,
    RoleSessionMfa,
    SmsMode,
    ThrottleRule,
    UserVerification,
)
from mfalab.verifier.records import Account, Demand, DeviceKind, Identity, MovingFactor, Role
from mfalab.verifier.recovery import RootRecovery
from mfalab.verifier.request_context import MfaContext
from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.places import open_store
from mfalab.verifier.store.protocol import Conflict, Store, StoreUnusable, Transaction
from mfalab.verifier.store.sqlite import SqliteStore
from mfalab.verifier.sts import Sts
from mfalab.verifier.trail import TrailEvent
from mfalab.verifier.verifier import TokenSeed, Verifier
from mfalab.verifier.webauthn.outcomes import CeremonyDecision, CeremonyOutcome

__all__ = [
    "AWS_IMMEDIATE",
    "AWS_OBSERVED",
    "CHEAP",
    "KNOWN",
    "PROFILES",
    "REPORT_COLUMNS",
    "RFC6238",
    "RFC9106",
    "Account",
    "AttestationConveyance",
    "AttestationPolicy",
    "CeremonyDecision",
    "CeremonyOutcome",
    "Clock",
    "Conflict",
    "Console",
    "CounterRule",
    "Credentials",
    "Decision",
    "Delay",
    "Demand",
    "DeviceKind",
    "Iam",
    "Identity",
    "KnownVerifier",
    "MemoryStore",
    "MfaContext",
    "MovingFactor",
    "Outbox",
    "Outcome",
    "PasswordCost",
    "Profile",
    "ReplayRule",
    "Role",
    "RoleCredentialsMfa",
    "RoleSessionMfa",
    "RootRecovery",
    "SecondPage",
    "ServiceError",
    "SignedIn",
    "Silence",
    "SmsMode",
    "SqliteStore",
    "Store",
    "StoreUnusable",
    "Sts",
    "ThrottleRule",
    "TokenSeed",
    "TrailEvent",
    "Transaction",
    "UserVerification",
    "Verifier",
    "open_store",
]
