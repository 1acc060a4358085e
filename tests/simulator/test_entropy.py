"""Named random streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.simulator.entropy import Entropy, EntropySource, SystemEntropy

LETTERS = "ab7/:\0\u00e9"


def head(source: EntropySource, name: str) -> list[float]:
    stream = source.stream(name)
    return [stream.random() for _ in range(4)]


@given(seed=st.integers() | st.text(LETTERS), name=st.text(LETTERS))
def test_same_seed_and_name_give_the_same_stream(seed: int | str, name: str) -> None:
    assert head(Entropy(seed), name) == head(Entropy(seed), name)


def test_seed_may_be_written_as_number_or_text() -> None:
    assert head(Entropy(7), "fob") == head(Entropy("7"), "fob")


def test_stream_begins_anew_each_time_it_is_asked_for() -> None:
    entropy = Entropy(7)
    entropy.stream("fob").random()
    assert head(entropy, "fob") == head(Entropy(7), "fob")


def test_other_streams_do_not_change_a_stream() -> None:
    busy = Entropy(7)
    for number in range(10):
        busy.child("fleet").stream(str(number)).random()
        busy.stream(str(number)).random()
    assert head(busy, "fob") == head(Entropy(7), "fob")


def test_seeds_names_and_children_are_all_apart() -> None:
    entropy = Entropy(7)
    heads = [
        head(source, name)
        for source in (
            entropy,
            Entropy(8),
            entropy.child("a"),
            entropy.child("b"),
            entropy.child("a").child("b"),
            entropy.child("ab"),
            entropy.child(""),
        )
        for name in ("", "a", "b", "ab")
    ]
    assert len({tuple(values) for values in heads}) == len(heads)


def test_child_depends_only_on_its_name() -> None:
    assert head(Entropy(7).child("case 3"), "fob") == head(Entropy(7).child("case 3"), "fob")


def test_first_numbers_of_seed_seven_are_what_they_always_were() -> None:
    """A change here changes every recorded run: event logs, reports, reproduced failures."""
    entropy = Entropy(7)
    assert entropy.stream("fob").getrandbits(64) == 0x82F5_6567_6B0E_9ACF
    assert entropy.child("case 3").stream("fob").getrandbits(64) == 0x69DB_3F86_D24C_8F29


def test_random_bytes_continue_their_stream() -> None:
    entropy = Entropy(7)
    take = entropy.random_bytes("seeds")
    first, second = take(20), take(20)
    assert (len(first), len(second)) == (20, 20)
    assert first != second
    assert entropy.random_bytes("seeds")(20) == first


def test_operating_system_chance_has_the_same_shape_and_never_repeats() -> None:
    source: EntropySource = SystemEntropy()
    assert head(source, "fob") != head(source, "fob")
    assert head(source.child("a"), "fob") != head(source.child("a"), "fob")
    take = source.random_bytes("seeds")
    assert len(take(20)) == 20
    assert take(20) != take(20)


def test_operating_system_chance_cannot_be_seeded() -> None:
    stream = SystemEntropy().stream("fob")
    with pytest.raises(NotImplementedError):
        stream.getstate()
