"""Password hashes."""

import argon2
import pytest
from argon2.exceptions import InvalidHashError, VerificationError

from mfalab.verifier.passwords import CHEAP, RFC9106, PasswordHasher


class Salts:
    """Counts up, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, count: int) -> bytes:
        self.asked.append(count)
        return len(self.asked).to_bytes(count, "big")


@pytest.fixture
def salts() -> Salts:
    return Salts()


@pytest.fixture
def hasher(salts: Salts) -> PasswordHasher:
    return PasswordHasher(random_bytes=salts, cost=CHEAP)


def test_right_password_is_verified_and_others_are_not(hasher: PasswordHasher) -> None:
    stored = hasher.hash("correct horse")
    assert hasher.verify(stored, "correct horse")
    assert not hasher.verify(stored, "correct horse ")
    assert not hasher.verify(stored, "")


def test_same_password_gets_another_salt_each_time(hasher: PasswordHasher, salts: Salts) -> None:
    assert hasher.hash("twice") != hasher.hash("twice")
    assert salts.asked == [16, 16]


def test_same_salts_give_the_same_hash() -> None:
    hashes = {PasswordHasher(random_bytes=Salts(), cost=CHEAP).hash("x") for _ in range(2)}
    assert len(hashes) == 1


def test_hash_is_argon2id_as_argon2_cffi_reads_it(hasher: PasswordHasher) -> None:
    parameters = argon2.extract_parameters(hasher.hash("x"))
    assert parameters.type is argon2.Type.ID
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (1, 8, 1)
    assert argon2.PasswordHasher().verify(hasher.hash("x"), "x")


def test_recommended_cost_is_the_low_memory_option_of_rfc_9106() -> None:
    theirs = argon2.profiles.RFC_9106_LOW_MEMORY
    assert (RFC9106.time_cost, RFC9106.memory_kib, RFC9106.parallelism) == (
        theirs.time_cost,
        theirs.memory_cost,
        theirs.parallelism,
    )


def test_password_hashed_at_another_cost_is_still_verified(salts: Salts) -> None:
    stored = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash("old")
    assert PasswordHasher(random_bytes=salts, cost=CHEAP).verify(stored, "old")


def test_burning_verifies_at_the_same_cost_and_draws_no_chance(
    hasher: PasswordHasher, salts: Salts, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    verify = hasher.verify

    def spy(password_hash: str, password: str) -> bool:
        seen.append(password_hash)
        return verify(password_hash, password)

    monkeypatch.setattr(hasher, "verify", spy)
    hasher.burn("whatever")
    (burnt,) = seen
    assert argon2.extract_parameters(burnt) == argon2.extract_parameters(hasher.hash("x"))
    assert salts.asked == [16]


def test_half_a_surrogate_pair_is_a_wrong_password_and_no_crash(hasher: PasswordHasher) -> None:
    assert not hasher.verify(hasher.hash("x"), "\ud83d")


def test_text_that_is_no_hash_is_an_error_and_not_a_wrong_password(hasher: PasswordHasher) -> None:
    with pytest.raises((InvalidHashError, VerificationError)):
        hasher.verify("plain text", "plain text")
