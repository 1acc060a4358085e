"""Any course of PIN and credential events keeps what must hold.

The machine carries the key and a model of it: which PIN there is, how many tries are left, which
credentials live, the highest counter seen, and which tokens may still be good.
"""

from hashlib import sha256

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mfalab.devices.ctap import CtapStatus
from mfalab.devices.ctap.model import CounterKind

PINS = st.sampled_from(["1234", "5678", "longer pin"])
USERS = st.sampled_from([b"alice", b"alic", b"bob"])
RPS = st.sampled_from(["a.example", "b.example"])
MOSTLY = st.sampled_from([True, True, True, False])
CDH = sha256(b"client data").digest()


class PinAndCredentials(RuleBasedStateMachine):
    make_key = None

    @initialize()
    def new(self):
        self.key = type(self).make_key("slots-25", slots=4, counter_start=5)
        self.pin = None
        self.tries = 8
        self.wrong_in_a_row = 0
        self.stored = {}
        self.wrapped = {}
        self.gone = []
        self.counter = 0
        self.token = None
        self.dead = []

    def refused(self):
        """What any proof of a PIN answers now, right or wrong."""
        if self.tries == 0:
            return CtapStatus.PIN_BLOCKED
        return CtapStatus.PIN_AUTH_BLOCKED if self.wrong_in_a_row >= 3 else None

    def proved(self, given):
        """What the proof of a PIN answers, and its effect on the tries."""
        refused = self.refused()
        if refused is not None:
            return refused
        if given == self.pin:
            self.tries, self.wrong_in_a_row = 8, 0
            return CtapStatus.SUCCESS
        self.tries -= 1
        self.wrong_in_a_row += 1
        return self.refused() or CtapStatus.PIN_INVALID

    @rule(pin=PINS)
    def set_pin(self, pin):
        status = self.key.set_pin(pin)
        if self.pin is None:
            assert status is CtapStatus.SUCCESS
            self.pin, self.tries, self.wrong_in_a_row = pin, 8, 0
            self.end_token()
        else:
            assert status is CtapStatus.PIN_AUTH_INVALID

    @precondition(lambda self: self.pin)
    @rule(right=MOSTLY, new=PINS)
    def change_pin(self, right, new):
        old = self.pin if right else "wrong"
        expected = self.proved(old)
        assert self.key.change_pin(old, new) is expected
        if expected is CtapStatus.SUCCESS:
            self.pin = new
            self.end_token()

    @precondition(lambda self: self.pin)
    @rule(right=MOSTLY, rp=RPS)
    def get_token(self, right, rp):
        pin = self.pin if right else "wrong"
        expected = self.proved(pin)
        members, protocol, shared = self.key.token_members(pin, 1 | 2, rp)
        status, answer = self.key.call(6, members)
        assert status is expected
        if status is CtapStatus.SUCCESS:
            self.end_token()
            self.token = (protocol.decrypt(shared, answer[2]), rp, self.key.clock.ns)

    def token_good(self, rp):
        if self.token is None or self.token[1] != rp:
            return False
        return self.key.clock.ns - self.token[2] < 30_000_000_000

    def end_token(self):
        """Whatever token there was is good for nothing from now on."""
        self.dead += [self.token[0]] if self.token else []
        self.token = None

    @precondition(lambda self: self.pin and self.token)
    @rule(right=MOSTLY, user=USERS, rk=st.booleans(), wait=st.sampled_from([0, 0, 0, 29, 31]))
    def register(self, right, user, rk, wait):
        self.key.clock.advance(wait)
        rp = self.token[1] if right else {"a.example": "b.example"}.get(self.token[1], "a.example")
        good = self.token_good(rp)
        signed = self.key.signed(None, CDH, token=self.token[0])
        status, answer = self.key.call(1, self.key.make(rp=rp, user=user, rk=rk, **signed))
        if not good:
            assert status is CtapStatus.PIN_AUTH_INVALID
            return
        self.end_token()
        if rk and (rp, user) not in self.stored and len(self.stored) == 4:
            assert status is CtapStatus.KEY_STORE_FULL
            return
        assert status is CtapStatus.SUCCESS
        credential = answer[2][55 : 55 + int.from_bytes(answer[2][53:55], "big")]
        if rk:
            self.gone += [c for c in [self.stored.get((rp, user))] if c]
            self.stored[rp, user] = credential
        else:
            self.wrapped[credential] = rp
        self.counted(answer)

    @precondition(lambda self: self.pin and not self.refused())
    @rule(right=MOSTLY, rp=RPS, user=USERS, rk=MOSTLY)
    def get_token_and_register(self, right, rp, user, rk):
        self.get_token(right=True, rp=rp)
        self.register(right=right, user=user, rk=rk, wait=0)

    def counted(self, answer):
        count = self.key.counter(answer)
        assert count == 0 if self.key.model.counter is CounterKind.ZERO else count > self.counter
        self.counter = count

    @precondition(lambda self: self.pin and self.dead)
    @rule(rp=RPS, data=st.data())
    def use_a_dead_token(self, rp, data):
        token = data.draw(st.sampled_from(self.dead))
        signed = self.key.signed(None, CDH, token=token)
        assert self.key.status(1, self.key.make(rp=rp, **signed)) is CtapStatus.PIN_AUTH_INVALID
        assert self.key.status(2, self.key.get(rp=rp, **signed)) is CtapStatus.PIN_AUTH_INVALID

    @rule(rp=RPS)
    def sign(self, rp):
        living = [c for (party, _), c in self.stored.items() if party == rp]
        living += [c for c, party in self.wrapped.items() if party == rp]
        for credential in living[:8]:
            status, answer = self.key.call(2, self.key.get(rp=rp, allow=[credential]))
            assert status is CtapStatus.SUCCESS
            self.counted(answer)
            self.end_token()  # presence spends it, also that of a request without it

    @precondition(lambda self: self.pin)
    @rule(data=st.data())
    def delete(self, data):
        if not self.stored or self.refused() or self.pin is None:
            return
        who = data.draw(st.sampled_from(sorted(self.stored)))
        params = {2: {"id": self.stored[who], "type": "public-key"}}
        assert self.key.manage(6, params, pin=self.pin)[0] is CtapStatus.SUCCESS
        self.tries, self.wrong_in_a_row = 8, 0
        self.end_token()
        self.gone.append(self.stored.pop(who))

    @rule()
    def power_cycle(self):
        self.key.power_cycle()
        self.wrong_in_a_row = 0
        self.end_token()

    @rule(seconds=st.sampled_from([1, 15, 30]))
    def wait(self, seconds):
        self.key.clock.advance(seconds)

    @rule(late=st.booleans())
    def reset(self, late):
        self.key.power_cycle()
        self.wrong_in_a_row = 0
        self.end_token()
        if late:
            self.key.clock.advance(10.1)
            assert self.key.status(7) is CtapStatus.NOT_ALLOWED
            return
        assert self.key.status(7) is CtapStatus.SUCCESS
        self.gone += [*self.stored.values(), *self.wrapped]
        self.stored, self.wrapped = {}, {}
        self.pin, self.tries = None, 8

    @invariant()
    def tries_are_those_of_the_model(self):
        if hasattr(self, "key"):
            assert self.key.retries() == {3: self.tries, 4: self.wrong_in_a_row >= 3}

    @invariant()
    def what_is_gone_never_signs(self):
        if hasattr(self, "key"):
            for credential in self.gone[-5:]:
                for rp in ("a.example", "b.example"):
                    request = self.key.get(rp=rp, allow=[credential], options={"up": False})
                    assert self.key.status(2, request) is CtapStatus.NO_CREDENTIALS

    @invariant()
    def the_store_holds_what_the_model_holds(self):
        if hasattr(self, "key"):
            assert set(self.key.state.credentials) == set(self.stored.values())
            stored = self.key.state
            assert (stored.pin is None) == (self.pin is None)


@pytest.mark.slow
@pytest.mark.parametrize("counter", ["global", "zero"])
def test_any_course_of_pin_and_credential_events(make_key, counter):
    def make(model, **changes):
        return make_key(model, counter=CounterKind(counter), **changes)

    machine = type("Machine", (PinAndCredentials,), {"make_key": staticmethod(make)})
    case = machine.TestCase
    case.settings = settings(
        max_examples=60,
        stateful_step_count=40,
    )
    case("runTest").runTest()
