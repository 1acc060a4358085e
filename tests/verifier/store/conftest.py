"""One record of each type, with values that are easily lost on the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier.records import (
    RECORD_TYPES,
    AccessKey,
    Account,
    Attachment,
    Binding,
    Budget,
    Ceremony,
    CredentialRecord,
    CredentialReport,
    Device,
    DeviceKind,
    Identity,
    InlinePolicy,
    ManagedPolicy,
    Membership,
    MovingFactor,
    PairAtSts,
    PasswordPolicy,
    PolicyVersion,
    Recovery,
    RecoveryState,
    Role,
    Session,
    SessionKind,
    SignIn,
    SmsChallenge,
    UsedCode,
    UserGroup,
    WebAuthnChallenge,
)
from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.postgresql import PostgresqlStore
from mfalab.verifier.store.protocol import Store
from mfalab.verifier.store.sqlite import SqliteStore

ACCOUNT = Account("1", "aws", None, "root@example.com", "+1", True, 5, root_mfa_asked_ns=7)
ALICE = Identity("AIDA1", "1", "Alice", "alice", "/", False, None, 7, former_passwords=("$x",))
DEVICE = Device(
    "d1",
    DeviceKind.HARDWARE,
    "serial-1",
    "1",
    "n",
    "/",
    9,
    secret=bytes(range(40)),
    moving_factor=MovingFactor.EVENT,
    tags=(("team", "red"), ("é", "")),
    owner_id="AIDA1",
    enabled_ns=11,
    offset_steps=-3,
)
POLICY = "arn:aws:iam::1:policy/deep/Ops"
ONE_OF_EACH: list[Any] = [
    ACCOUNT,
    ALICE,
    PasswordPolicy("1", 14, True, False, True, False, True, 90, None, False),
    AccessKey("AKIA1", "secret", "AIDA1", True, 13, ((17, "iam", 19), (18, "sts", 41))),
    Role(
        "AROA1",
        "1",
        "Ops",
        "ops",
        "/",
        '{"Statement": ["é"]}',
        3600,
        17,
        trusted_ids=(("arn:aws:iam::1:user/Alice", "AIDA1"),),
    ),
    UserGroup("AGPA1", "1", "Staff", "staff", "/", 18),
    Membership("AIDA1", "AGPA1"),
    ManagedPolicy(
        POLICY, "ANPA1", "1", "Ops", "ops", "/deep/", None, 2, 3, 18, 20, (("team", "red"),)
    ),
    PolicyVersion(POLICY, 2, '{"Statement": []}', 20),
    InlinePolicy("AGPA1", "own", '{"Statement": ["é"]}'),
    Attachment("AROA1", POLICY, "1"),
    DEVICE,
    UsedCode("d1", 2**40),
    Budget("serial-1", 4, 9, 2, 2**62),
    Binding("d1", 19, "serial-1", "AIDA1", None),
    PairAtSts("d1", -3, 23, 29, 2**40, 31),
    Session("ASIA1", "s", "t", SessionKind.ROLE, "AIDA1", "AROA1", "name", 1, 2, None, None),
    SignIn("page", "AIDA1", 23, 1, DeviceKind.SMS, True),
    SmsChallenge("d1", "012345", 29, 1, False),
    CredentialRecord(
        "d1",
        b"\x00\xff",
        b"\xa1",
        2**32 - 1,
        bytes(16),
        ("nfc", "usb"),
        True,
        False,
        True,
        "packed",
        (("FIDO", "L1"),),
        cloned_ns=43,
    ),
    WebAuthnChallenge("AA_-", Ceremony.REGISTRATION, "AIDA1", "ASIA1", "key", 47, True),
    Recovery("r", "1", RecoveryState.CALLED, "mail", 31, "012345", 37, 1),
    CredentialReport("1", "user,arn\r\n", 41, 43),
]


@pytest.fixture
def one_of_each() -> list[Any]:
    """In the order of `RECORD_TYPES`."""
    return list(ONE_OF_EACH)


@pytest.fixture(params=RECORD_TYPES, ids=lambda each: each.__name__)
def record(request: pytest.FixtureRequest) -> Any:
    """Each of the records in turn."""
    return ONE_OF_EACH[RECORD_TYPES.index(request.param)]


@pytest.fixture
def device() -> Device:
    """The device among the records."""
    return DEVICE


@pytest.fixture(scope="session")
def database(postgresql: Any) -> Iterator[PostgresqlStore]:
    """One store on PostgreSQL for all tests of the contract."""
    with PostgresqlStore(postgresql.database("contract")) as store:
        yield store


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        with SqliteStore(tmp_path / "verifier.db") as sqlite:
            yield sqlite
    else:
        database: PostgresqlStore = request.getfixturevalue("database")
        with database.transaction() as tx:
            for record_type in reversed(RECORD_TYPES):
                for record in tx.find(record_type):
                    tx.delete(record)
        yield database


@pytest.fixture
def filled(store: Store) -> Store:
    with store.transaction() as tx:
        for record in ONE_OF_EACH:
            tx.insert(record)
    return store
