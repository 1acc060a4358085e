"""Blocking clients of python-fido2 on a timeline: nothing waits for real."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fido2.client import (
    ClientError,
    DefaultClientDataCollector,
    Fido2Client,
    UserInteraction,
)
from fido2.ctap import STATUS, CtapError
from fido2.ctap1 import ApduError, Ctap1
from fido2.ctap2 import Ctap2
from fido2.webauthn import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    UserVerificationRequirement,
)

from mfalab.devices.ctap.user import Gesture, Reaction, User, absent, declining, in_turn, touching
from mfalab.devices.schedule import NothingWillHappen
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.simulator.clocks.blocking import BlockingClients, NotAClient, WaitedTooLong
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy

MS = 1_000_000
S = 1000 * MS
START_NS = 1_700_000_000 * S

REPLACED = [
    (time, "sleep"),
    (threading.Event, "wait"),
    (threading.Event, "set"),
    (threading.Thread, "start"),
    (threading.Thread, "join"),
    (threading.Thread, "is_alive"),
]

MakeKey = Callable[..., SecurityKey]


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(START_NS)


@pytest.fixture
def clients(timeline: Timeline) -> BlockingClients:
    return BlockingClients(timeline)


@pytest.fixture
def make_key(clients: BlockingClients) -> MakeKey:
    def make(user: User = absent, model: str = "ctap-2.1-pin", **more: object) -> SecurityKey:
        random_bytes = Entropy(7).random_bytes("key")
        key = SecurityKey(model, random_bytes=random_bytes, scheduler=clients, user=user, **more)
        key.plug()
        return key

    return make


@pytest.fixture
def elapsed(timeline: Timeline) -> Callable[[], float]:
    return lambda: (timeline.now_ns() - START_NS) / S


def sleep(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - in a client it takes virtual time


def creation(timeout_ms: int | None = None) -> PublicKeyCredentialCreationOptions:
    return PublicKeyCredentialCreationOptions(
        rp=PublicKeyCredentialRpEntity(id="example.com", name="Example"),
        user=PublicKeyCredentialUserEntity(id=b"alice", name="alice"),
        challenge=b"challenge",
        pub_key_cred_params=[
            PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=-7)
        ],
        timeout=timeout_ms,
        attestation=AttestationConveyancePreference.DIRECT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement.DISCOURAGED
        ),
    )


def browser(key: SecurityKey, interaction: UserInteraction | None = None) -> Fido2Client:
    return Fido2Client(
        key.device(),
        DefaultClientDataCollector("https://example.com"),
        user_interaction=interaction or UserInteraction(),
    )


def register(key: SecurityKey, timeout_ms: int | None = None) -> Callable[[], object]:
    return lambda: browser(key).make_credential(creation(timeout_ms))


def make_credential(key: SecurityKey, **more: object) -> object:
    return Ctap2(key.device()).make_credential(
        bytes(32),
        {"id": "example.com", "name": "Example"},
        {"id": b"alice", "name": "alice"},
        [{"type": "public-key", "alg": -7}],
        **more,
    )


class TestOneClient:
    def test_a_person_who_needs_seven_seconds_costs_seven_simulated_ones(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        key = make_key(touching(7 * S))
        response = clients.call(register(key))
        assert response.response.attestation_object.fmt == "packed"
        assert elapsed() == 7.0

    def test_the_rest_of_the_world_goes_on_while_it_waits(
        self, timeline: Timeline, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        key = make_key(touching(7 * S))
        seen: list[object] = []
        timeline.after(3 * S, lambda: seen.append(key.asks))
        clients.call(register(key))
        assert [asked.rp_id for asked in seen] == ["example.com"]

    def test_it_hears_of_the_touch_once_and_then_waits(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        key, heard = make_key(touching(60 * MS)), []
        clients.call(lambda: make_credential(key, on_keepalive=heard.append))
        assert heard == [STATUS.UPNEEDED]

    def test_nobody_there_ends_after_thirty_seconds_by_the_keys_own_limit(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        key = make_key()
        with pytest.raises(CtapError) as caught:
            clients.call(lambda: make_credential(key))
        assert caught.value.code is CtapError.ERR.USER_ACTION_TIMEOUT
        assert elapsed() == 30.0

    def test_the_timeout_of_a_ceremony_passes_on_the_timeline(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        """A set event is noticed when the next keepalive comes, so at most 100 ms late."""
        key = make_key()
        threads = threading.active_count()
        with pytest.raises(ClientError) as caught:
            clients.call(register(key, timeout_ms=5050))
        assert caught.value.code is ClientError.ERR.TIMEOUT
        assert elapsed() == 5.1
        assert threading.active_count() == threads
        assert key.asks is None

    def test_a_ceremony_in_time_is_not_ended_by_its_timeout(
        self, timeline: Timeline, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        key = make_key(in_turn(touching(4 * S), then=touching(4 * S)))
        clients.call(register(key, timeout_ms=5000))
        timeline.advance(2 * S)
        clients.call(register(key, timeout_ms=5000))
        assert key.state.counter == 2

    def test_a_declined_touch_is_what_the_client_says_it_is(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        key = make_key(declining(2 * S))
        with pytest.raises(CtapError) as caught:
            clients.call(lambda: make_credential(key))
        assert caught.value.code is CtapError.ERR.OPERATION_DENIED

    def test_a_late_touch_finds_the_key_dark(
        self, clients: BlockingClients, make_key: MakeKey, timeline: Timeline
    ) -> None:
        key = make_key(in_turn(touching(31 * S)))
        with pytest.raises(CtapError):
            clients.call(lambda: make_credential(key))
        timeline.advance(5 * S)
        assert key.state.counter == 0

    def test_a_u2f_client_polls_until_the_touch_comes(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        asked = []

        def user(prompt: object) -> object:
            asked.append(prompt)
            return touching(3 * S)(prompt)

        key = make_key(user, model="u2f-2016")
        response = clients.call(register(key))
        assert response.response.attestation_object.fmt == "fido-u2f"
        assert elapsed() == 3.0
        assert len(asked) == 1

    def test_a_key_pulled_out_is_an_oserror_at_that_moment(
        self,
        timeline: Timeline,
        clients: BlockingClients,
        make_key: MakeKey,
        elapsed: Callable[[], float],
    ) -> None:
        key = make_key()
        timeline.after(2 * S, key.unplug)
        with pytest.raises(OSError, match="not plugged in") as caught:
            clients.call(lambda: make_credential(key))
        assert isinstance(caught.value, KeyUnplugged)
        assert elapsed() == 2.0

    def test_a_person_may_take_time_in_the_middle_of_the_client(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        class Reader(UserInteraction):
            def prompt_up(self) -> None:
                sleep(20)

        key = make_key(touching(25 * S))
        clients.call(lambda: browser(key, Reader()).make_credential(creation()))
        assert elapsed() == 25.0


class TestSeveralClients:
    def test_two_block_on_two_keys_at_the_same_time(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        slow, quick = make_key(touching(7 * S)), make_key(touching(5 * S))
        clients.run(register(slow), register(quick))
        assert elapsed() == 7.0

    def test_on_one_key_the_second_is_told_busy_and_has_its_turn(
        self, clients: BlockingClients, make_key: MakeKey, timeline: Timeline
    ) -> None:
        key = make_key(touching(2 * S))
        ends: list[tuple[str, float]] = []

        def client(name: str) -> Callable[[], None]:
            def work() -> None:
                make_credential(key)
                ends.append((name, (timeline.now_ns() - START_NS) / S))

            return work

        clients.run(client("first"), client("second"))
        assert ends == [("first", 2.0), ("second", 4.0)]

    def test_one_may_ping_while_the_other_opens_a_channel(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        key = make_key(touching(S))

        def ping() -> bytes:
            sleep(0.5)
            return key.device().ping(bytes(500))

        assert clients.run(lambda: make_credential(key), ping)[1] == bytes(500)

    def test_one_cancels_by_its_event_and_the_other_gets_the_key(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        key = make_key()
        stop = threading.Event()

        def gives_up() -> int:
            with pytest.raises(CtapError) as caught:
                make_credential(key, event=stop)
            return caught.value.code

        def other() -> float:
            sleep(3)
            stop.set()
            sleep(0.2)
            key.user = touching()
            make_credential(key)
            return elapsed()

        assert clients.run(gives_up, other) == [CtapError.ERR.KEEPALIVE_CANCEL, 3.2]

    def test_a_touch_at_the_wrong_moment_goes_to_the_other_ones_request(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        """The person means the first request, which is over when the hand arrives."""
        key = make_key(in_turn(touching(3 * S, regardless=True)))
        stop = threading.Event()

        def own() -> None:
            with pytest.raises(CtapError):
                make_credential(key, event=stop)

        def foreign() -> None:
            sleep(1)
            stop.set()
            sleep(1)
            make_credential(key)

        clients.run(own, foreign)
        assert key.state.counter == 1

    def test_the_same_seed_gives_the_same_course(self) -> None:
        def course() -> list[tuple[int, str]]:
            timeline = Timeline(START_NS)
            clients = BlockingClients(timeline)
            chance = Entropy(3).stream("chance")
            key = SecurityKey("ctap-2.1-pin", random_bytes=chance.randbytes, scheduler=clients)
            key.user = lambda asked: Reaction(Gesture.TOUCH, chance.randrange(S))
            key.plug()
            log: list[tuple[int, str]] = []

            def client(name: str) -> Callable[[], None]:
                def work() -> None:
                    for _ in range(3):
                        made = make_credential(key)
                        log.append((timeline.now_ns(), f"{name} {made.auth_data.hex()}"))

                return work

            clients.run(client("a"), client("b"), client("c"))
            return log

        first = course()
        assert len(first) == 9
        assert course() == first

    def test_a_client_started_before_is_run_along(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        started = clients.start(register(make_key(touching(9 * S))))
        with pytest.raises(RuntimeError, match="client 1 is not done yet"):
            started.result()
        clients.run(register(make_key(touching(S))))
        assert started.result() is not None

    @pytest.mark.slow
    def test_a_hundred_clients_block_on_a_hundred_keys(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        keys = [make_key(touching(n * 10 * MS + S)) for n in range(100)]
        clients.run(*(lambda key=key: make_credential(key) for key in keys))
        assert elapsed() == 1.99


class TestWaiting:
    def test_sleep_and_events_take_virtual_time(
        self, clients: BlockingClients, elapsed: Callable[[], float]
    ) -> None:
        event = threading.Event()

        def waits() -> tuple[bool, bool, bool]:
            sleep(10)
            early = event.wait(20)
            return early, event.wait(), event.wait(0)

        def sets() -> None:
            sleep(40)
            event.set()

        assert clients.run(waits, sets)[0] == (False, True, True)
        assert elapsed() == 40.0

    def test_a_timer_runs_on_the_timeline_and_can_be_cancelled(
        self, clients: BlockingClients
    ) -> None:
        fired: list[str] = []

        def work() -> None:
            timers = [threading.Timer(s, fired.append, [name]) for s, name in [(1, "a"), (2, "b")]]
            for timer in timers:
                timer.start()
            sleep(1.5)
            timers[1].cancel()
            sleep(5)

        clients.call(work)
        assert fired == ["a"]

    def test_a_timer_is_joined_in_virtual_time(
        self, clients: BlockingClients, elapsed: Callable[[], float]
    ) -> None:
        seen: list[object] = []

        def slow() -> None:
            sleep(2)
            seen.append(("done", elapsed()))

        def work() -> None:
            timer = threading.Timer(3, slow)
            timer.start()
            timer.join(1)
            seen.append((timer.is_alive(), elapsed()))
            timer.join(3)
            seen.append((timer.is_alive(), elapsed()))
            timer.join()
            seen.append((timer.is_alive(), elapsed()))
            with pytest.raises(RuntimeError, match="only be started once"):
                timer.start()

        clients.call(work)
        assert seen == [(True, 1.0), (True, 4.0), ("done", 5.0), (False, 5.0)]

    def test_a_cancelled_timer_is_joined_at_once(
        self, clients: BlockingClients, elapsed: Callable[[], float]
    ) -> None:
        def work() -> bool:
            timer = threading.Timer(9, lambda: None)
            timer.start()
            timer.cancel()
            timer.join()
            return timer.is_alive()

        assert clients.call(work) is False
        assert elapsed() == 0.0

    def test_a_timer_that_raises_is_told_and_over(
        self, clients: BlockingClients, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[object] = []
        monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))

        def work() -> None:
            timer = threading.Timer(1, [].pop)
            timer.start()
            timer.join()

        clients.call(work)
        assert told == [IndexError]

    def test_a_real_thread_is_joined_for_real_by_a_client(self, clients: BlockingClients) -> None:
        seen: list[int] = []

        def work() -> bool:
            thread = threading.Thread(target=lambda: seen.append(1))
            thread.start()
            thread.join(10)
            return thread.is_alive()

        assert clients.call(work) is False
        assert seen == [1]

    def test_advance_waits_in_a_client_and_runs_the_timeline_elsewhere(
        self, clients: BlockingClients, elapsed: Callable[[], float]
    ) -> None:
        clients.call(lambda: clients.advance(2 * S))
        clients.advance(3 * S)
        assert elapsed() == 5.0

    def test_a_call_inside_a_client_is_a_plain_call(self, clients: BlockingClients) -> None:
        assert clients.call(lambda: clients.call(lambda: 7)) == 7

    def test_a_client_may_run_others_and_wait_for_them(
        self, clients: BlockingClients, elapsed: Callable[[], float]
    ) -> None:
        def outer() -> list[float]:
            return clients.run(lambda: sleep(5) or elapsed(), lambda: sleep(3) or elapsed())

        assert clients.call(outer) == [5.0, 3.0]

    def test_other_threads_wait_for_real_meanwhile(self, clients: BlockingClients) -> None:
        results: list[bool] = []

        def work() -> None:
            thread = threading.Thread(target=lambda: results.append(threading.Event().wait(0.001)))
            thread.start()
            thread.join()

        clients.call(work)
        assert results == [False]

    @pytest.fixture
    def methods(self) -> Iterator[None]:
        before = [getattr(*place) for place in REPLACED]
        yield
        assert [getattr(*place) for place in REPLACED] == before

    @pytest.mark.usefixtures("methods")
    def test_the_real_methods_are_back_afterwards_even_when_it_failed(
        self, clients: BlockingClients
    ) -> None:
        def fail() -> None:
            sleep(1)
            raise KeyError("its own")

        with pytest.raises(KeyError, match="its own"):
            clients.call(fail)
        clients.call(lambda: sleep(1))


class TestWhenItCannotGoOn:
    def test_every_refusal_survives_pickling(self) -> None:
        for error in (NotAClient(), WaitedTooLong("client 1", S), NothingWillHappen(5)):
            again = pickle.loads(pickle.dumps(error))
            assert (type(again), str(again)) == (type(error), str(error))
            assert str(type(error)(*error.args)) == str(error)

    def test_waiting_outside_of_a_client(self, timeline: Timeline, make_key: MakeKey) -> None:
        """Other code runs the timeline itself, unless the timeline is what runs it."""
        key = make_key(touching())
        assert make_credential(key)
        key.user = absent
        timeline.after(0, lambda: make_credential(key))
        with pytest.raises(NotAClient, match=r"BlockingClients\.call"):
            timeline.advance(1)

    def test_a_client_on_a_dead_wire_is_told_that_nothing_will_come(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        connection = make_key().connection()
        tidied: list[str] = []

        def work() -> None:
            try:
                connection.read_packet()
            finally:
                tidied.append("yes")

        with pytest.raises(NothingWillHappen, match="a packet was lost"):
            clients.call(work)
        assert tidied == ["yes"]

    def test_patience_ends_when_the_world_goes_on_for_ever(
        self, timeline: Timeline, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        def every_hour() -> None:
            timeline.after(3600 * S, every_hour)

        every_hour()
        connection = make_key().connection()
        with pytest.raises(WaitedTooLong, match="client 1 was still not done after 86400 s"):
            clients.call(connection.read_packet)

    def test_after_a_failure_the_next_client_starts_afresh(
        self, clients: BlockingClients, make_key: MakeKey
    ) -> None:
        key = make_key(touching())
        with pytest.raises(NothingWillHappen):
            clients.call(key.connection().read_packet)
        make = clients.call(lambda: make_credential(key))
        assert make is not None

    def test_u2f_without_a_touch_is_refused_at_once(
        self, clients: BlockingClients, make_key: MakeKey, elapsed: Callable[[], float]
    ) -> None:
        key = make_key()
        with pytest.raises(ApduError) as caught:
            clients.call(lambda: Ctap1(key.device()).register(bytes(32), bytes(32)))
        assert caught.value.code == 0x6985
        assert elapsed() == 0.0
