"""A damaged store is told as such wherever the damage shows, and nothing is half-written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfalab.simulator.entropy import Entropy, Stream
from mfalab.verifier import ServiceError, SignedIn
from mfalab.verifier.records import Account, Budget, Device, DeviceKind, Identity, UsedCode
from mfalab.verifier.store.protocol import StoreUnusable
from mfalab.verifier.store.sqlite import SqliteStore

DEVICE = Device("d1", DeviceKind.VIRTUAL, "serial-1", "1", "phone", "/", 0, b"seed")
ALICE = Identity(
    id="AIDA1",
    account_id="1",
    name="alice",
    name_key="alice",
    path="/",
    root=False,
    password_hash=None,
    created_ns=7,
)
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with some records, closed."""
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store, store.transaction() as tx:
        tx.insert(Account("1", "aws", None, "root@example.com", "+1", True, 5))
        tx.insert(ALICE)
        tx.insert(DEVICE)
        for step in range(5_000):
            tx.insert(UsedCode("d1", step))
    return path


def spoil(path: Path, *statements: str) -> None:
    """Change the file as no release does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)


NO_RECORDS = [
    ("UPDATE device SET kind = 'laser'", Device),
    ("UPDATE device SET tags = '[[['", Device),
    ("UPDATE account SET alternative_factors = 2", Account),
    ("UPDATE account SET alternative_factors = -3", Account),
    ("UPDATE account SET root_email = CAST(x'ff' AS TEXT)", Account),
]


def use(store: SqliteStore, record_type: type, *, by_key: bool) -> None:
    with store.transaction() as tx:
        tx.insert(Budget("before"))
        # A caller that goes on does not get half a transaction.
        with suppress(StoreUnusable):
            _ = tx.get(record_type, "1" if record_type is Account else "d1") if by_key else None
            tx.find(record_type)


@pytest.mark.parametrize(("statement", "record_type"), NO_RECORDS)
def test_row_that_is_no_record(path: Path, statement: str, record_type: type) -> None:
    spoil(path, statement)
    with SqliteStore(path) as store:
        for read in ("get", "find"):
            with pytest.raises(StoreUnusable, match=r"no (Device|Account)|UTF-8"):
                use(store, record_type, by_key=read == "get")
        with store.transaction() as tx:
            assert tx.find(Budget) == []


CHANGES = [
    ("DROP INDEX device_by_owner_id", "device_by_owner_id"),
    ("DROP TABLE used_code", "used_code"),
    ("CREATE TABLE poem (line TEXT)", "poem"),
    ("ALTER TABLE budget RENAME COLUMN window TO door", "budget"),
    ("UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, ', '') WHERE name = 'budget'", "budget"),
    ("UPDATE sqlite_schema SET sql = 'CREATE TABLE budget' WHERE name = 'budget'", "budget"),
    ("UPDATE sqlite_schema SET sql = x'ff' WHERE name = 'budget'", "malformed"),
    ("DELETE FROM account", "a identity belongs to a account that is not there"),
    ("UPDATE device SET algorithm = 'MD5'", "CHECK"),
    ("UPDATE device SET period_s = 0", "CHECK"),
]


@pytest.mark.parametrize(("statement", "reason"), CHANGES)
def test_changed_file_is_refused_when_it_is_opened(path: Path, statement: str, reason: str) -> None:
    spoil(path, statement)
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=reason) as caught:
        SqliteStore(path)
    assert caught.value.args[2] == "Name another database, or restore this one"
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["DROP TABLE used_code", "DELETE FROM account"])
def test_file_changed_under_an_open_store(path: Path, statement: str) -> None:
    def create_device(store: SqliteStore) -> None:
        with store.transaction() as tx:
            tx.insert(Budget("before"))
            tx.find(UsedCode, device_id="d1")
            account = tx.get(Account, "1")
            assert account is not None  # as the verifier's own operations do
            tx.insert(replace(DEVICE, id="d2", serial="serial-2"))

    with SqliteStore(path) as store:
        spoil(path, statement)
        with pytest.raises(StoreUnusable, match=r"used_code|belongs to a account"):
            create_device(store)
        with store.transaction() as tx:
            assert tx.find(Budget) == []


def fail(store: SqliteStore, mistake: Exception) -> None:
    with store.transaction() as tx:
        tx.insert(Budget("before"))
        raise mistake


def test_mistake_of_the_caller_in_a_sound_store_stays_what_it_is(path: Path) -> None:
    with SqliteStore(path) as store:
        for mistake in (ValueError("mine"), AssertionError("mine"), KeyError("mine")):
            with pytest.raises(type(mistake), match="mine"):
                fail(store, mistake)
        with store.transaction() as tx:
            assert tx.find(Budget) == []


@pytest.mark.parametrize("content", [bytes(PAGE), b"\xa5" * PAGE])
def test_page_damaged_under_an_open_store_shows_when_it_is_read(path: Path, content: bytes) -> None:
    with SqliteStore(path) as store:
        pages = path.stat().st_size // PAGE
        with path.open("r+b") as file:
            for page in range(pages // 2, pages):
                file.seek(page * PAGE)
                file.write(content)
        assert store._connection is not None
        store._connection.execute("PRAGMA shrink_memory")  # forget what opening it has read
        with pytest.raises(StoreUnusable, match="malformed"):
            use(store, UsedCode, by_key=False)


@pytest.mark.parametrize("place", ["nul\0byte", "half a pair \ud800", "x" * 5000])
def test_place_that_no_file_system_has(tmp_path: Path, place: str) -> None:
    with pytest.raises(StoreUnusable, match="Name a file in a folder"):
        SqliteStore(tmp_path / place)


@pytest.mark.parametrize("lost", ["password", "key"])
def test_record_that_reads_and_cannot_be_used(
    tmp_path: Path, new_company: Callable[[Any], Any], lost: str
) -> None:
    path = tmp_path / "verifier.db"
    with SqliteStore(path) as store:
        company = new_company(store)
        assert isinstance(company.signed_in("alice"), SignedIn)
        if lost == "password":
            spoil(path, "UPDATE identity SET password_hash = '$argon2id$v=19$m=8'")
            with pytest.raises(StoreUnusable, match="a password hash is damaged"):
                company.console.sign_in("123456789012", "alice", "alice pw")
        else:
            spoil(path, "UPDATE identity SET account_id = '999999999999' WHERE name <> ''")
            with pytest.raises(StoreUnusable, match="a identity belongs to a account"):
                company.sts("alice").get_caller_identity()


def spoilt(data: bytes, chance: Stream) -> bytes:
    """A file with one thing wrong."""
    made = bytearray(data)
    pages = len(data) // PAGE
    match chance.choice(["bytes", "bit", "page", "cut", "swap"]):
        case "bytes":
            at = chance.randrange(len(made) - 40)
            made[at : at + 40] = chance.randbytes(40)
        case "bit":
            at = chance.choice([at for at, byte in enumerate(made) if byte])
            made[at] ^= 1 << chance.randrange(8)
        case "page":
            at = chance.randrange(pages) * PAGE
            made[at : at + PAGE] = chance.choice([bytes(PAGE), chance.randbytes(PAGE)])
        case "cut":
            del made[chance.randrange(len(made)) :]
        case _:
            one, two = (PAGE * page for page in chance.sample(range(pages), 2))
            made[one : one + PAGE], made[two : two + PAGE] = (
                made[two : two + PAGE],
                made[one : one + PAGE],
            )
    return bytes(made)


@pytest.mark.parametrize("seed", range(40))
def test_file_with_anything_wrong_is_usable_or_refused(
    tmp_path: Path, new_company: Callable[[Any], Any], seed: int
) -> None:
    """Closed or open when it happens: answers of the service or StoreUnusable, nothing else."""
    path, chance = tmp_path / "verifier.db", Entropy(seed).stream("damage")
    with SqliteStore(path) as store:
        company = new_company(store)
        phone = company.enrol()
        company.clock.advance(90)
    whole, opened = path.read_bytes(), seed % 3 == 0
    path.write_bytes(whole if opened else spoilt(whole, chance))

    def sign_in() -> None:
        page = company.page()
        company.console.submit_code(page.id, phone.code())

    ways: list[Callable[[], object]] = [
        sign_in,
        lambda: company.iam("ada").list_virtual_mfa_devices(),
        lambda: company.iam("ada").generate_credential_report(),
        lambda: company.sts("alice").get_session_token(
            SerialNumber=phone.serial, TokenCode=phone.code(1)
        ),
        lambda: company.iam("ada").create_virtual_mfa_device(VirtualMFADeviceName="other"),
        lambda: company.iam("ada").deactivate_mfa_device(
            UserName="alice", SerialNumber=phone.serial
        ),
    ]
    with suppress(StoreUnusable), SqliteStore(path) as store:
        company.verifier._service.store = store
        if opened:
            path.write_bytes(spoilt(whole, chance))
        for way in ways:
            with suppress(StoreUnusable, ServiceError):
                way()
