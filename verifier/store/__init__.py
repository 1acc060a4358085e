"""Where the verifier's records live: one protocol, in memory or in SQLite."""

from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.protocol import Conflict, Store, Transaction

__all__ = ["Conflict", "MemoryStore", "Store", "Transaction"]
