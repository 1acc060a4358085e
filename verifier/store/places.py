"""Which store a place names."""

from __future__ import annotations

from pathlib import Path

from mfalab.verifier.store.memory import MemoryStore
from mfalab.verifier.store.protocol import Store, StoreUnusable
from mfalab.verifier.store.sqlite import SqliteStore

IN_MEMORY = ":memory:"
_POSTGRESQL = ("postgresql://", "postgres://")


def open_store(place: str | Path) -> Store:
    """The store at a place: a SQLite file, a `postgresql://` URL, or `:memory:`.

    Raises:
        StoreUnusable: it cannot be opened, is none of ours, or its packages are not installed.
    """
    url = str(place)
    if isinstance(place, Path) or "://" not in url:
        return MemoryStore() if url == IN_MEMORY else SqliteStore(place)
    if not url.startswith(_POSTGRESQL):
        raise StoreUnusable(
            "the database that was named",
            f"no kind of URL but {_POSTGRESQL[0]} is known",
            "Name a file, or a database of PostgreSQL's",
        )
    try:
        from mfalab.verifier.store.postgresql import PostgresqlStore
    except ImportError as error:
        if error.name not in {"psycopg", "sqlalchemy"}:
            raise
        raise StoreUnusable(
            "PostgreSQL", f"{error.name} is not installed", "pip install 'mfalab[postgresql]'"
        ) from None
    return PostgresqlStore(url)
