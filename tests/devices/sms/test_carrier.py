import heapq
import random  # noqa: TID251 - the seeded stream that a carrier takes
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.devices.phone import Phone
from mfalab.devices.sms.carrier import Carrier, Delivery, Fate
from mfalab.devices.sms.phone import SmsPhone

S = 1_000_000_000
BOB = "+12025550101"
EVE = "+12025550666"


class HandScheduler:
    """Time that moves when told to; also the clock of the phones."""

    def __init__(self) -> None:
        self.time_ns = 0
        self.count = 0
        self.events: list[tuple[int, int, Callable[[], None]]] = []

    def now_ns(self) -> int:
        return self.time_ns

    def after(self, delay_ns: int, callback: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (self.time_ns + delay_ns, self.count, callback))

    def run(self, until_s: int = 1_000_000) -> None:
        while self.events and self.events[0][0] <= until_s * S:
            self.time_ns, _, callback = heapq.heappop(self.events)
            callback()
        self.time_ns = until_s * S


@pytest.fixture
def scheduler() -> HandScheduler:
    return HandScheduler()


@pytest.fixture
def phone(scheduler: HandScheduler) -> SmsPhone:
    return SmsPhone(Phone("bob's phone", scheduler))


@pytest.fixture
def carrier(scheduler: HandScheduler, phone: SmsPhone) -> Carrier:
    carrier = Carrier(scheduler, random.Random(1))
    carrier.issue_sim(BOB, phone)
    return carrier


def arrivals(phone: SmsPhone) -> list[tuple[str, int]]:
    return [(message.text, message.received_ns // S) for message in phone.inbox]


def test_text_arrives_after_the_median_delay(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    assert carrier.send(BOB, "123456") == Fate((4 * S,))
    assert phone.inbox == ()
    scheduler.run()
    assert arrivals(phone) == [("123456", 4)]


def test_next_text_can_be_lost(carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone) -> None:
    carrier.lose_next()
    assert carrier.send(BOB, "111111").lost
    assert not carrier.send(BOB, "222222").lost
    scheduler.run()
    assert phone.codes() == ("222222",)


def test_delayed_text_is_passed_by_the_one_sent_after_it(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier.delay_next(300 * S)
    carrier.send(BOB, "111111")
    carrier.send(BOB, "222222")
    scheduler.run(until_s=10)
    assert phone.newest_code() == "222222"
    scheduler.run()
    assert arrivals(phone) == [("222222", 4), ("111111", 300)]
    assert phone.newest_code() == "111111"


def test_next_text_can_be_doubled(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier.duplicate_next()
    carrier.send(BOB, "111111")
    carrier.send(BOB, "222222")
    scheduler.run()
    assert arrivals(phone) == [("111111", 4), ("222222", 4), ("111111", 34)]


def test_delay_into_the_past_is_refused(carrier: Carrier) -> None:
    with pytest.raises(ValueError, match="5 ns before it is sent"):
        carrier.delay_next(-5)


def test_texts_keep_their_order_however_much_delays_vary(
    scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier = Carrier(scheduler, random.Random(7), Delivery(spread=2.0))
    carrier.issue_sim(BOB, phone)
    fates = [carrier.send(BOB, str(i)) for i in range(50)]
    assert fates != sorted(fates, key=lambda fate: fate.delays_ns)
    scheduler.run()
    assert [message.text for message in phone.inbox] == [str(i) for i in range(50)]


def test_texts_to_two_numbers_wait_for_each_other_not_at_all(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    eve = SmsPhone(Phone("eve's phone", scheduler))
    carrier.issue_sim(EVE, eve)
    carrier.conditions = Delivery(median_ns=60 * S)
    carrier.send(BOB, "111111")
    carrier.conditions = Delivery(median_ns=1 * S)
    carrier.send(EVE, "222222")
    carrier.send(BOB, "333333")
    scheduler.run()
    assert arrivals(eve) == [("222222", 1)]
    assert arrivals(phone) == [("111111", 60), ("333333", 60)]


def test_reordered_text_is_held_back(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier.conditions = Delivery(reorder=1.0)
    assert carrier.send(BOB, "111111").held_back
    carrier.conditions = Delivery()
    carrier.send(BOB, "222222")
    scheduler.run()
    assert arrivals(phone) == [("222222", 4), ("111111", 94)]


@given(st.integers(0, 1000))
def test_same_seed_gives_the_same_deliveries(seed: int) -> None:
    def deliveries() -> list[tuple[str, int]]:
        scheduler = HandScheduler()
        phone = SmsPhone(Phone("phone", scheduler))
        rough = Delivery(spread=1.0, loss=0.2, duplicate=0.2, reorder=0.2)
        carrier = Carrier(scheduler, random.Random(seed), rough)
        carrier.issue_sim(BOB, phone)
        for i in range(10):
            carrier.send(BOB, str(i))
        scheduler.run()
        return [(message.text, message.received_ns) for message in phone.inbox]

    assert deliveries() == deliveries()


def test_rates_are_those_asked_for(scheduler: HandScheduler) -> None:
    rough = Delivery(spread=0.5, loss=0.1, duplicate=0.2, reorder=0.3)
    carrier = Carrier(scheduler, random.Random(3), rough)
    fates = [carrier.send(BOB, "x") for _ in range(2000)]
    arriving = [fate for fate in fates if not fate.lost]
    in_turn = sorted(fate.delays_ns[0] for fate in arriving if not fate.held_back)
    assert 0.07 < 1 - len(arriving) / 2000 < 0.13
    assert 0.17 < sum(len(fate.delays_ns) == 2 for fate in arriving) / len(arriving) < 0.23
    assert 0.26 < sum(fate.held_back for fate in arriving) / len(arriving) < 0.34
    assert 3.6 * S < in_turn[len(in_turn) // 2] < 4.4 * S


def test_override_of_one_text_leaves_the_fates_of_the_others() -> None:
    def fates(change: Callable[[Carrier], None]) -> list[Fate]:
        rough = Delivery(spread=1.0, loss=0.3, duplicate=0.3, reorder=0.3)
        carrier = Carrier(HandScheduler(), random.Random(5), rough)
        first = [carrier.send(BOB, "x") for _ in range(5)]
        change(carrier)
        return first + [carrier.send(BOB, "x") for _ in range(20)]

    plain = fates(lambda _: None)
    for change in (Carrier.lose_next, Carrier.duplicate_next, lambda c: c.delay_next(7)):
        changed = fates(change)
        assert changed[:5] == plain[:5]
        assert changed[6:] == plain[6:]


def test_text_waits_for_a_phone_that_is_off(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    phone.phone.switch_off()
    carrier.send(BOB, "111111")
    carrier.send(BOB, "222222")
    scheduler.run(until_s=3600)
    phone.phone.switch_on()
    assert arrivals(phone) == [("111111", 3600), ("222222", 3600)]
    scheduler.run()
    assert len(phone.inbox) == 2


def test_text_that_waited_too_long_is_thrown_away(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier.conditions = Delivery(validity_ns=600 * S)
    phone.phone.switch_off()
    carrier.send(BOB, "111111")
    scheduler.run(until_s=500)
    carrier.send(BOB, "222222")
    scheduler.run(until_s=700)
    phone.phone.switch_on()
    assert phone.codes() == ("222222",)


def test_waiting_text_comes_with_the_next_one_that_gets_through(scheduler: HandScheduler) -> None:
    class Battery:
        full = False

        def alive(self) -> bool:
            return self.full

    battery = Battery()
    phone = SmsPhone(Phone("phone", scheduler, battery))
    carrier = Carrier(scheduler, random.Random(1))
    carrier.issue_sim(BOB, phone)
    carrier.send(BOB, "111111")
    scheduler.run(until_s=60)
    battery.full = True
    carrier.send(BOB, "222222")
    scheduler.run()
    assert arrivals(phone) == [("111111", 64), ("222222", 64)]


def test_swapped_sim_takes_the_number_and_texts_under_way(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    thief = SmsPhone(Phone("thief's phone", scheduler))
    carrier.send(BOB, "111111")
    carrier.issue_sim(BOB, thief)
    assert phone.number is None
    assert thief.number == BOB
    scheduler.run()
    assert thief.codes() == ("111111",)
    assert phone.codes() == ()


def test_changed_number_leaves_the_old_one_ringing_nowhere(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier.issue_sim(EVE, phone)
    assert phone.number == EVE
    carrier.send(BOB, "111111")
    carrier.send(EVE, "222222")
    scheduler.run()
    assert phone.codes() == ("222222",)


def test_new_sim_in_the_same_phone_changes_nothing(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    carrier.issue_sim(BOB, phone)
    carrier.send(BOB, "111111")
    scheduler.run()
    assert phone.codes() == ("111111",)


def test_phone_switched_on_without_its_number_gets_nothing(
    carrier: Carrier, scheduler: HandScheduler, phone: SmsPhone
) -> None:
    phone.phone.switch_off()
    carrier.send(BOB, "111111")
    scheduler.run(until_s=60)
    thief = SmsPhone(Phone("thief's phone", scheduler))
    carrier.issue_sim(BOB, thief)
    assert thief.codes() == ("111111",)
    phone.phone.switch_on()
    assert phone.codes() == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loss", 1.5),
        ("duplicate", -0.1),
        ("reorder", 2.0),
        ("median_ns", -1),
        ("spread", -1.0),
        ("spread", 6.0),
    ],
)
def test_impossible_conditions_are_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}"):
        Delivery(**{field: value})  # type: ignore[arg-type]
