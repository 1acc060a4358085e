"""The verifier's records: one protocol, in memory or in SQLite."""

from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.protocol import (
    Conflict,
    Store,
    StoreUnusable,
    Transaction,
    TransactionError,
)
from mfalab.verifier.store.sqlite import SqliteStore

__all__ = [
    "Conflict",
    "MemoryStore",
    "SqliteStore",
    "Store",
    "StoreUnusable",
    "Transaction",
    "TransactionError",
]
