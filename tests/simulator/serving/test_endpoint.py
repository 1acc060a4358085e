"""What is served together."""

import stat
from pathlib import Path

import pytest

from mfalab.simulator.entropy import Entropy
from mfalab.simulator.serving.endpoint import ServedEndpoint, open_endpoint
from mfalab.verifier import StoreUnusable


def opened(db: Path | str, *, virtual: bool = False) -> ServedEndpoint:
    return open_endpoint(
        db,
        profile="aws-immediate",
        virtual=virtual,
        users={"alice": False},
        url="http://127.0.0.1:8765",
        random_bytes=Entropy(1).random_bytes("test"),
    )


def test_what_clients_must_know(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with opened(path) as served:
        told = served.told("http://localhost:1")
        keys = served.account.users["alice"]
        assert told["users"] == {
            "alice": {
                "password": served.account.passwords["alice"],
                "access_key_id": keys.access_key_id,
                "secret_access_key": keys.secret_access_key,
            }
        }
        assert (told["endpoint"], told["clock"]) == ("http://localhost:1", "system")
        assert told["console"] == "http://localhost:1/console"
        assert told["inbox"] == f"http://localhost:1/console/inbox#token={served.token}"
        assert (told["root"]["email"], bool(told["root"]["password"])) == ("root@example.com", True)
        profile = served.verifier.profile
        assert (profile.rp_id, profile.origins) == ("localhost", ("http://localhost:8765",))
        assert len(told["token"]) == 48
        assert told["token"] == served.token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["db"]


def test_virtual_clock_stands_until_it_is_moved() -> None:
    with opened(":memory:", virtual=True) as served:
        assert served.clock is not None
        before = served.verifier.clock.now_ns()
        assert served.verifier.clock.now_ns() == before
        served.clock.advance("1 h")
        assert served.verifier.clock.now_ns() == before + 3_600 * 10**9
        assert served.told("")["clock"] == "virtual"


def test_file_that_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("something else, and long enough to be looked at by SQLite" * 9)
    with pytest.raises(StoreUnusable):
        opened(tmp_path / "db")
