"""The FIDO applet: forms of APDUs, chaining, waiting, and whatever bytes a reader may send."""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha256
from types import ModuleType

import pytest
from fido2.ctap import CtapError
from fido2.ctap1 import Ctap1
from fido2.ctap2 import Ctap2
from hypothesis import given, settings
from hypothesis import strategies as st

from mfalab.devices.ctap.authenticator import Authenticator
from mfalab.devices.ctap.commands import Transport
from mfalab.devices.ctap.faults import NO_FAULTS, Faults
from mfalab.devices.ctap.iso7816 import AID, FidoApplet
from mfalab.devices.ctap.model import load_model
from mfalab.devices.ctap.storage import MemoryStorage
from mfalab.devices.ctap.user import absent, touching
from mfalab.devices.errors import NotOffered
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.memory import KeyUnplugged
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.entropy import Entropy
from support.clocks import SetClock

S = 10**9
SELECT = bytes.fromhex("00A4040008") + AID
GET_INFO = bytes.fromhex("80108000010400")
POLL = bytes.fromhex("8011000000")
CANCEL = bytes.fromhex("8011110000")
SELECTION = bytes.fromhex("8010800001 0B00")
U2F_VERSION = bytes.fromhex("00030000")


class Card:
    """An applet with its authenticator and clock."""

    def __init__(
        self,
        model: str = "ctap-2.1-pin",
        transport: Transport = Transport.NFC,
        faults: Faults = NO_FAULTS,
    ) -> None:
        self.clock = SetClock()
        self.storage = MemoryStorage()
        self.authenticator = Authenticator(
            load_model(model),
            storage=self.storage,
            clock=self.clock,
            random_bytes=Entropy(1).random_bytes("key"),
            faults=faults,
        )
        self.authenticator.power_up()
        self.applet = FidoApplet(self.authenticator, transport=transport)

    def send(self, apdu: bytes | str) -> bytes | None:
        raw = bytes.fromhex(apdu) if isinstance(apdu, str) else apdu
        return self.applet.exchange(raw, self.clock.ns)

    def pass_(self, duration_ns: int) -> None:
        until_ns = self.clock.ns + duration_ns
        while (due_ns := self.applet.deadline_ns) is not None and due_ns <= until_ns:
            self.clock.ns = due_ns
            self.applet.advance(due_ns)
        self.clock.ns = until_ns
        self.applet.advance(until_ns)

    def whole(self, apdu: bytes) -> bytes:
        """Follow 61xx to the end; the data without the status word."""
        data, response = b"", self.send(apdu)
        while response is not None and response[-2] == 0x61:
            data += response[:-2]
            response = self.send(bytes((0, 0xC0, 0, 0, response[-1])))
        assert response is not None
        assert response[-2:] == b"\x90\x00", response.hex()
        return data + response[:-2]


@pytest.fixture
def card() -> Card:
    made = Card()
    made.send(SELECT)
    return made


def word(response: bytes | None) -> str:
    assert response is not None
    return response[-2:].hex()


class TestSelect:
    @pytest.mark.parametrize(
        ("model", "version"),
        [("u2f-2016", b"U2F_V2"), ("ctap-2.1-pin", b"U2F_V2"), ("enterprise", b"FIDO_2_0")],
    )
    def test_it_answers_the_version_that_an_old_client_may_use(
        self, model: str, version: bytes
    ) -> None:
        assert Card(model).send(SELECT) == version + b"\x90\x00"

    def test_le_may_be_there_or_not_and_an_extended_apdu_will_do(self) -> None:
        for apdu in (
            SELECT + b"\0",
            bytes.fromhex("00A40400 000008") + AID,
            bytes.fromhex("00A40400 000008") + AID + b"\0\0",
        ):
            assert word(Card().send(apdu)) == "9000"

    def test_another_applet_is_not_found_and_ours_stays_selected(self, card: Card) -> None:
        assert card.send("00A4040003A00000") == b"\x6a\x82"
        assert word(card.send(U2F_VERSION)) == "9000"

    def test_nothing_works_before_it(self) -> None:
        card = Card()
        for apdu in (GET_INFO, U2F_VERSION, POLL, bytes.fromhex("80120100")):
            assert word(card.send(apdu)) == "6986"

    def test_by_anything_but_a_name_is_wrong_p1(self) -> None:
        assert word(Card().send("00A4000008" + AID.hex())) == "6a86"

    def test_the_end_of_the_session_unselects(self, card: Card) -> None:
        assert card.send("80120100") == b"\x90\x00"
        assert word(card.send(GET_INFO)) == "6986"
        card.send(SELECT)
        assert card.whole(GET_INFO)[0] == 0


class TestForms:
    @pytest.mark.parametrize(
        "apdu",
        [
            "",
            "00",
            "00A404",
            "00A4040008A0000006472F00",  # a byte short
            "00A4040008A0000006472F00010000",  # a byte long
            "00A404000000",  # half an extended length
            "00A40400000008A0000006472F0001000000",
            "00A404000000080000",
            "00A40400000000A0",  # extended, no data but some
        ],
    )
    def test_lengths_that_do_not_fit_are_6700(self, apdu: str) -> None:
        assert word(Card().send(apdu)) == "6700"

    @pytest.mark.parametrize("cla", ["01", "20", "40", "81", "A0", "FF"])
    def test_other_classes_are_6e00(self, card: Card, cla: str) -> None:
        assert word(card.send(cla + "030000")) == "6e00"

    @pytest.mark.parametrize("apdu", ["80000000", "80130000", "80A40000", "00100000", "00B00000"])
    def test_other_instructions_are_6d00(self, card: Card, apdu: str) -> None:
        assert word(card.send(apdu)) == "6d00"

    def test_a_request_of_nothing_is_6700(self, card: Card) -> None:
        assert word(card.send("8010800000")) == "6700"

    def test_ctap2_is_not_there_on_a_u2f_card_nor_u2f_on_a_ctap2_card(self) -> None:
        old, new = Card("u2f-2016"), Card("enterprise")
        for card, apdu in ((old, GET_INFO), (new, U2F_VERSION)):
            card.send(SELECT)
            assert word(card.send(apdu)) == "6d00"


class TestLongMessages:
    def test_a_long_response_is_fetched_in_parts(self, card: Card) -> None:
        first = card.send(GET_INFO)
        assert first is not None
        assert (len(first), first[-2]) == (258, 0x61)
        left = first[-1] or 256
        rest = card.send(bytes((0, 0xC0, 0, 0, left)))
        assert rest is not None
        assert (len(rest) - 2, word(rest)) == (left, "9000")

    def test_the_parts_are_the_whole_whatever_the_client_takes_at_once(self, card: Card) -> None:
        whole = card.send("80108000 000001 04 0000")
        assert whole is not None
        assert whole[-2:] == b"\x90\x00"
        for le in (1, 2, 7, 100, 255, 256):
            data, response = b"", card.send(bytes.fromhex("801080000104") + bytes((le % 256,)))
            while response is not None and response[-2] == 0x61:
                assert len(response) == le + 2
                data += response[:-2]
                response = card.send(bytes((0, 0xC0, 0, 0, le % 256)))
            assert response is not None
            assert data + response == whole

    def test_another_command_forgets_the_rest(self, card: Card) -> None:
        card.send(GET_INFO)
        card.send(U2F_VERSION)
        assert word(card.send("00C0000000")) == "6985"

    @pytest.mark.parametrize("step", [1, 7, 250, 255])
    def test_a_chained_command_is_the_same_as_an_extended_one(self, step: int) -> None:
        request = b"\x01" + make_credential()
        cards = [Card(), Card()]
        for card in cards:
            card.send(SELECT)
        extended = cards[0].whole(
            b"\x80\x10\x80\0\0" + len(request).to_bytes(2) + request + b"\0\0"
        )
        rest = request
        while len(rest) > step:
            part, rest = rest[:step], rest[step:]
            assert cards[1].send(bytes((0x90, 0x10, 0x80, 0, len(part))) + part) == b"\x90\0"
        assert cards[1].whole(bytes((0x80, 0x10, 0x80, 0, len(rest))) + rest + b"\0") == extended
        assert extended[0] == 0

    def test_a_chain_broken_by_another_command_is_forgotten(self, card: Card) -> None:
        card.send("9010800003010203")
        assert word(card.send(U2F_VERSION)) == "9000"
        assert card.whole(GET_INFO)[0] == 0

    def test_a_chain_without_end_is_stopped(self, card: Card) -> None:
        part = bytes((0x90, 0x10, 0x80, 0, 255)) + bytes(255)
        words = {word(card.send(part)) for _ in range(40)}
        assert words == {"9000", "6700"}
        card.send(U2F_VERSION)
        assert card.whole(GET_INFO)[0] == 0


def make_credential() -> bytes:
    """CBOR of makeCredential for example.com and ES256, with a long user name."""
    return bytes.fromhex("a4 01 5820" + "00" * 32) + bytes.fromhex(
        "02 a1 626964 6b" + b"example.com".hex()
        + "03 a2 626964 41 61 646e616d65 7820" + b"n".hex() * 32
        + "04 81 a2 63616c67 26 6474797065 6a" + b"public-key".hex()
    )  # fmt: skip


class TestWaiting:
    @pytest.fixture
    def contact(self) -> Card:
        made = Card(transport=Transport.SMART_CARD)
        made.send(SELECT)
        return made

    def test_a_client_that_polls_hears_9100_until_the_touch(self, contact: Card) -> None:
        assert contact.send(SELECTION) == b"\x02\x91\x00"
        assert contact.send(POLL) == b"\x02\x91\x00"
        transaction = contact.applet.transaction
        assert transaction is not None
        transaction.touch()
        assert contact.send(POLL) == b"\0\x90\0"
        assert word(contact.send(POLL)) == "6985"

    def test_it_gives_up_after_thirty_seconds(self, contact: Card) -> None:
        contact.send(SELECTION)
        contact.pass_(30 * S - 1)
        assert contact.send(POLL) == b"\x02\x91\x00"
        contact.pass_(1)
        assert contact.send(POLL) == b"\x2f\x90\0"

    def test_cancel_answers_the_request(self, contact: Card) -> None:
        contact.send(SELECTION)
        assert contact.send(CANCEL) == b"\x2d\x90\0"
        assert word(contact.send(CANCEL)) == "6985"

    def test_another_p1_is_6a86(self, contact: Card) -> None:
        contact.send(SELECTION)
        assert word(contact.send("8011220000")) == "6a86"

    def test_a_client_that_does_not_poll_waits_for_a_late_response(self, contact: Card) -> None:
        assert contact.send("80100000010B00") is None
        assert contact.applet.deadline_ns == 30 * S
        transaction = contact.applet.transaction
        assert transaction is not None
        transaction.touch()
        contact.pass_(0)
        assert contact.applet.response == b"\0\x90\0"

    @pytest.mark.parametrize("apdu", [SELECT, GET_INFO, U2F_VERSION, bytes.fromhex("80120100")])
    def test_another_command_cancels_it(self, contact: Card, apdu: bytes) -> None:
        contact.send(SELECTION)
        assert word(contact.send(apdu))[:2] in {"90", "61"}
        assert contact.authenticator.transaction is None

    def test_slow_crypto_says_processing(self) -> None:
        card = Card(faults=Faults(slow_crypto_ns=S))
        card.send(SELECT)
        request = b"\x01" + make_credential()
        apdu = b"\x80\x10\x80\0\0" + len(request).to_bytes(2) + request + b"\0\0"
        assert card.send(apdu) == b"\x01\x91\0"
        card.pass_(3 * S)
        assert card.whole(b"\x80\x11\0\0\0\0\0")[0] == 0


class Pyscard:
    """Empty modules in the place of pyscard, which python-fido2 imports beside the protocol."""

    names = (
        "smartcard",
        "smartcard.CardConnection",
        "smartcard.CardConnectionDecorator",
        "smartcard.pcsc",
        "smartcard.pcsc.PCSCExceptions",
    )

    def __init__(self) -> None:
        self.modules = {name: ModuleType(name) for name in self.names}
        self.modules["smartcard"].System = None  # type: ignore[attr-defined]
        for name, part in (
            ("smartcard.CardConnection", "CardConnection"),
            ("smartcard.CardConnectionDecorator", "CardConnectionDecorator"),
            ("smartcard.pcsc.PCSCExceptions", "ListReadersException"),
        ):
            setattr(self.modules[name], part, type(part, (Exception,), {}))


@pytest.fixture
def pcsc_device(monkeypatch: pytest.MonkeyPatch) -> Callable[[SecurityKey], object]:
    for name, module in Pyscard().modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "fido2.pcsc", raising=False)
    from fido2.pcsc import CtapPcscDevice

    return lambda key: CtapPcscDevice(key.card(), "reader")


def on_reader(model: str = "ctap-2.1-pin", **more: object) -> SecurityKey:
    return SecurityKey(model, random_bytes=Entropy(1).random_bytes("key"), **more)


class TestPythonFido2:
    def test_registers_and_signs_in_with_a_tap_for_each(
        self, pcsc_device: Callable[[SecurityKey], object]
    ) -> None:
        key = on_reader(user=absent)
        device = pcsc_device(key)
        made = Ctap2(device).make_credential(
            bytes(32),
            {"id": "example.com", "name": "Example"},
            {"id": b"alice", "name": "alice"},
            [{"type": "public-key", "alg": -7}],
        )
        listed = [{"type": "public-key", "id": made.auth_data.credential_data.credential_id}]
        with pytest.raises(CtapError) as caught:
            Ctap2(device).get_assertion("example.com", bytes(32), listed)
        assert caught.value.code is CtapError.ERR.UP_REQUIRED
        device.connect()
        assertion = Ctap2(device).get_assertion("example.com", bytes(32), listed)
        assertion.verify(bytes(32), made.auth_data.credential_data.public_key)

    @pytest.mark.parametrize("extended", [False, True])
    def test_u2f_takes_the_tap_once(
        self, pcsc_device: Callable[[SecurityKey], object], *, extended: bool
    ) -> None:
        key = on_reader()
        device = pcsc_device(key)
        device.use_ext_apdu = extended
        client, application = sha256(b"client").digest(), sha256(b"app").digest()
        registered = Ctap1(device).register(client, application)
        registered.verify(application, client)
        device.connect()
        signed = Ctap1(device).authenticate(client, application, registered.key_handle)
        signed.verify(application, client, registered.public_key)
        assert signed.counter == 1

    def test_a_contact_card_in_its_port_is_polled_until_a_touch(
        self, pcsc_device: Callable[[SecurityKey], object]
    ) -> None:
        timeline = Timeline(0)
        clients = BlockingClients(timeline)
        key = on_reader("ctap-2.3", user=touching(2 * S + 1), scheduler=clients)
        key.plug()
        clients.call(lambda: Ctap2(pcsc_device(key)).selection())
        assert timeline.now_ns() == 2_100_000_000

    def test_a_client_that_cannot_poll_waits_for_the_late_response(
        self, pcsc_device: Callable[[SecurityKey], object]
    ) -> None:
        timeline = Timeline(0)
        clients = BlockingClients(timeline)
        key = on_reader("ctap-2.3", user=touching(2 * S + 1), scheduler=clients)
        key.plug()

        def select() -> None:
            device = pcsc_device(key)
            device.use_nfcctap_getresponse = False
            Ctap2(device).selection()

        clients.call(select)
        assert timeline.now_ns() == 2 * S + 1

    def test_a_card_taken_away_ends_it(self, pcsc_device: Callable[[SecurityKey], object]) -> None:
        key = on_reader()
        device = pcsc_device(key)
        device.close()
        with pytest.raises(KeyUnplugged):
            device.call(0x10, b"\x04")

    def test_a_key_in_a_usb_port_is_not_in_the_field(self) -> None:
        key = on_reader()
        key.plug()
        with pytest.raises(NotOffered, match="Unplug it first"):
            key.card().connect()
        with pytest.raises(KeyUnplugged):
            key.transmit_apdu(SELECT)

    def test_a_key_without_antenna_does_not_do_nfc(self) -> None:
        with pytest.raises(NotOffered, match="NFC"):
            on_reader("u2f-2016").tap()

    def test_plugging_it_in_ends_the_tap(self) -> None:
        key = on_reader(user=touching())
        key.tap()
        key.plug()
        assert (key.plugged, key.in_field) == (True, False)
        key.unplug()
        assert not key.state.powered


@given(
    st.lists(
        st.binary(max_size=40)
        | st.sampled_from([SELECT, GET_INFO, POLL, CANCEL, SELECTION, U2F_VERSION])
        | st.builds(
            lambda cla, ins, p1, body: bytes((cla, ins, p1, 0)) + body,
            st.sampled_from([0x00, 0x10, 0x80, 0x90]),
            st.sampled_from([0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0xA4, 0xC0]),
            st.sampled_from([0x00, 0x03, 0x07, 0x11, 0x80]),
            st.binary(max_size=300),
        ),
        max_size=20,
    ),
    st.sampled_from([Transport.NFC, Transport.SMART_CARD]),
)
@settings(max_examples=150)
def test_whatever_a_reader_sends_there_is_a_status_word_and_the_store_is_whole(
    apdus: list[bytes], transport: Transport
) -> None:
    card = Card(transport=transport)
    card.send(SELECT)
    for apdu in apdus:
        response = card.send(apdu)
        if response is None:
            card.pass_(31 * S)
            response = card.applet.response
        assert response is not None
        assert len(response) >= 2
        assert response[-2] in {0x61, 0x67, 0x69, 0x6A, 0x6D, 0x6E, 0x90, 0x91}
    card.send(SELECT)
    assert card.whole(GET_INFO)[0] == 0
