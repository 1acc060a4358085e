"""Which store a place names."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mfalab.verifier import MemoryStore, SqliteStore, StoreUnusable, open_store
from mfalab.verifier.store.postgresql import PostgresqlStore


def test_place_is_a_file_or_memory_or_a_database(tmp_path: Path, postgresql: Any) -> None:
    for place, kind in (
        (":memory:", MemoryStore),
        (tmp_path / "a.db", SqliteStore),
        (str(tmp_path / "b.db"), SqliteStore),
        (postgresql.database("places"), PostgresqlStore),
    ):
        store = open_store(place)
        assert type(store) is kind
        store.close()
    url = postgresql.database("places").replace("postgresql:", "postgres:")
    open_store(url).close()


def test_url_of_something_else_is_told_without_its_password() -> None:
    with pytest.raises(StoreUnusable, match="no kind of URL but postgresql://") as caught:
        open_store("mysql://root:hunter2@db/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["psycopg", "sqlalchemy"])
def test_missing_package_is_one_line(missing: str) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from mfalab.verifier import StoreUnusable, open_store\n"
        "try: open_store('postgresql://user:hunter2@db/x')\n"
        "except StoreUnusable as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert f"{missing} is not installed. pip install 'mfalab[postgresql]'" in said
    assert "hunter2" not in said
