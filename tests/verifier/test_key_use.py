"""The last use of an access key, told late."""

from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier.key_use import GRAIN_NS, after_use, is_news, last_use
from mfalab.verifier.records import AccessKey, Use

S = 10**9


def key(*uses: Use) -> AccessKey:
    return AccessKey("AKIA1", "secret", "AIDA1", True, 0, uses)


def test_use_is_told_from_its_time_on() -> None:
    used = key((5 * S, "iam", 23 * S))
    assert last_use(key(), 9 * S) is None
    assert last_use(used, 23 * S - 1) is None
    assert last_use(used, 23 * S) == (5 * S, "iam", 23 * S)


def test_earlier_use_is_told_until_the_newer_one_is() -> None:
    earlier = (0, "iam", 18 * S)
    used = key(*after_use((earlier,), (900 * S, "iam", 918 * S)))
    assert last_use(used, 917 * S) == earlier
    assert last_use(used, 918 * S) == (900 * S, "iam", 918 * S)


def test_news_is_another_service_or_a_quarter_of_an_hour() -> None:
    used = key((0, "iam", 18 * S))
    assert is_news(key(), "iam", 0)
    assert not is_news(used, "iam", GRAIN_NS - 1)
    assert is_news(used, "iam", GRAIN_NS)
    assert is_news(used, "sts", 1)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 60)), max_size=40))
def test_key_keeps_few_uses_and_tells_none_too_early(moves: list[tuple[int, int]]) -> None:
    now_s, used, told = 0, key(), 0
    for index, (pause_s, lag_s) in enumerate(moves):
        now_s += pause_s
        service = ("iam", "sts")[index % 2]
        news = (now_s * S, service, (now_s + lag_s) * S)
        used = key(*after_use(used.uses, news))
        assert used.uses[-1] == news
        assert len(used.uses) <= 3
        last = last_use(used, now_s * S)
        if last is not None:
            assert last[2] <= now_s * S
            assert last[0] >= told
            told = last[0]


def test_uses_at_changing_services_do_not_put_the_news_off_for_ever() -> None:
    used = key()
    for second in range(100):
        news = (second * S, ("iam", "sts")[second % 2], (second + 18) * S)
        used = key(*after_use(used.uses, news))
    last = last_use(used, 99 * S)
    assert last is not None
    assert last[0] >= 99 * S - 3 * 18 * S
