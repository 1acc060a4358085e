"""Registering security keys at the console."""

import base64
from typing import Any

import pytest
from fido2 import cbor

from mfalab.verifier import CeremonyOutcome, CounterRule, ServiceError, UserVerification
from mfalab.verifier.records import WebAuthnChallenge

FAILED = ("InvalidRegistration", "The security key could not be registered. Start again.", 400)
NOT_ACCEPTED = (
    "SecurityKeyNotAccepted",
    "Security keys of this model are not accepted.",
    400,
)
GATE = (
    "AccessDenied",
    (
        "To complete this action, please ensure that you are authenticated with an MFA device "
        "that is enabled for this user."
    ),
    403,
)
UP, UV, BE, BS = 0x01, 0x04, 0x08, 0x10


class TestOptions:
    def test_what_the_client_is_asked(self, people: Any) -> None:
        ada = people.session()
        options = people.console.begin_security_key(ada, name="blue", user_name="alice")
        assert len(base64.urlsafe_b64decode(options["challenge"] + "=")) == 32
        assert options["rp"] == {"id": "aws.amazon.com", "name": "Amazon Web Services"}
        assert options["user"]["name"] == "alice"
        assert [entry["alg"] for entry in options["pubKeyCredParams"]] == [-7, -8, -257]
        assert options["timeout"] == 300_000
        assert options["excludeCredentials"] == []
        assert options["authenticatorSelection"]["userVerification"] == "discouraged"
        assert options["attestation"] == "direct"
        assert options["extensions"] == {"appidExclude": "https://signin.aws.amazon.com"}

    def test_security_keys_are_asked_for_before_passkeys(self, people: Any) -> None:
        options = people.console.begin_security_key(people.session(), name="k")
        assert options["authenticatorSelection"] == {
            "authenticatorAttachment": "cross-platform",
            "residentKey": "discouraged",
            "requireResidentKey": False,
            "userVerification": "discouraged",
        }

    def test_any_authenticator_is_asked_for_with_passkeys(self, people: Any) -> None:
        people.company.set(passkeys=True, user_verification=UserVerification.PREFERRED)
        options = people.console.begin_security_key(people.session(), name="k")
        assert options["authenticatorSelection"] == {
            "residentKey": "preferred",
            "requireResidentKey": False,
            "userVerification": "preferred",
        }

    def test_challenges_differ(self, people: Any) -> None:
        ada = people.session()
        made = [people.console.begin_security_key(ada, name="k") for _ in range(3)]
        assert len({options["challenge"] for options in made}) == 3

    def test_registered_keys_are_excluded(self, people: Any, new_key: Any) -> None:
        people.register(new_key())
        people.register(new_key(), "bob")
        options = people.console.begin_security_key(
            people.session(), name="second", user_name="alice"
        )
        (entry,) = options["excludeCredentials"]
        known = people.credential("alice").credential_id
        assert base64.urlsafe_b64decode(entry["id"] + "=") == known
        assert entry["transports"] == ["nfc", "usb"]

    @pytest.mark.parametrize("name", ["", "my key", "a/b", "x" * 65])
    def test_name_that_cannot_be(self, people: Any, name: str) -> None:
        with pytest.raises(ServiceError, match="securityKeyName"):
            people.console.begin_security_key(people.session(), name=name)


class TestAccepted:
    @pytest.mark.parametrize("form", ["none", "self"])
    @pytest.mark.parametrize("algorithm", [-7, -8, -257])
    def test_key_is_registered_and_listed(
        self, people: Any, new_key: Any, form: str, algorithm: int
    ) -> None:
        serial = people.register(new_key(form=form, algorithm=algorithm), name="blue")
        assert serial.startswith("arn:aws:iam::123456789012:u2f/user/alice/blue-")
        assert people.company.serials() == [serial]
        decision = people.last()
        assert decision.accepted
        assert decision.serial == serial
        assert (decision.user_present, decision.user_verified) == (True, False)
        users = people.console.users(people.company.signed_in("ada").credentials)
        assert {"UserName": "alice", "MFA": "Security key"} in users

    @pytest.mark.parametrize("algorithm", [-35, -48])
    def test_algorithms_are_those_of_the_profile(
        self, people: Any, new_key: Any, refused: Any, algorithm: int
    ) -> None:
        with refused(*NOT_ACCEPTED):
            people.register(new_key(algorithm=algorithm))
        assert people.last().outcome is CeremonyOutcome.UNSUPPORTED_ALGORITHM
        people.company.set(algorithms=(-7, algorithm))
        key = new_key(algorithm=algorithm)
        people.register(key)
        assert people.sign_in(key).mfa

    def test_credential_record(self, people: Any, new_key: Any) -> None:
        people.register(new_key(flags=UP | UV | BE | BS, count=41))
        record = people.credential()
        assert record.sign_count == 42
        assert record.aaguid == bytes(range(16))
        assert record.transports == ("nfc", "usb")
        assert (record.backup_eligible, record.backed_up, record.user_verified) == (
            True,
            True,
            True,
        )
        assert record.attestation_format == "packed"

    def test_extension_outputs_are_read_to_their_end(self, people: Any, new_key: Any) -> None:
        people.register(new_key(), extensions={"credProtect": 2})
        assert people.last().accepted

    def test_root(self, people: Any, new_key: Any) -> None:
        key = new_key()
        serial = people.register(key, "root", name="safe")
        assert serial.startswith("arn:aws:iam::123456789012:u2f/root/safe-")
        assert people.sign_in(key, "root").mfa_serial == serial

    def test_one_key_serves_root_and_users(self, people: Any, new_key: Any) -> None:
        key = new_key()
        serials = {who: people.register(key, who) for who in ("root", "alice", "bob")}
        assert len(set(serials.values())) == 3
        for who, serial in serials.items():
            assert people.sign_in(key, who).mfa_serial == serial

    def test_user_handles_of_one_key_differ(self, people: Any) -> None:
        ada, root = people.session(), people.session("root")
        handles = {
            people.console.begin_security_key(ada, name="k", user_name=who)["user"]["id"]
            for who in ("alice", "bob")
        }
        handles.add(people.console.begin_security_key(root, name="k")["user"]["id"])
        assert len(handles) == 3


class TestLimits:
    def test_eight_keys_and_not_nine(self, people: Any, new_key: Any, refused: Any) -> None:
        keys = [new_key() for _ in range(8)]
        for number, key in enumerate(keys):
            people.register(key, name=f"key{number}")
        with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8", 409):
            people.register(new_key())
        assert all(people.sign_in(key).mfa for key in keys)

    def test_limit_counts_every_kind(self, people: Any, new_key: Any, refused: Any) -> None:
        people.company.set(devices_per_identity=2)
        ada = people.session()
        options = people.console.begin_security_key(ada, name="late", user_name="alice")
        people.company.enrol()
        people.register(new_key())
        response = new_key().create(options)
        with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 2", 409):
            people.console.finish_security_key(ada, response=response, user_name="alice")

    def test_same_key_twice_for_one_user(self, people: Any, new_key: Any, refused: Any) -> None:
        key = new_key()
        people.register(key)
        with refused("EntityAlreadyExists", "MFA Device for user alice already exists.", 409):
            people.register(key)
        assert people.last().outcome is CeremonyOutcome.ALREADY_REGISTERED

    @pytest.mark.parametrize(
        ("user", "message"),
        [
            ("alice", "MFA Device for user alice already exists."),
            ("bob", "MFA Device is already in use."),
        ],
    )
    def test_credential_id_is_registered_once(
        self, people: Any, new_key: Any, refused: Any, user: str, message: str
    ) -> None:
        """A client that ignores the exclude list, or a credential id that was made to collide."""
        people.register(new_key(form="none"))
        known = people.credential().credential_id
        ada = people.session()
        options = people.console.begin_security_key(ada, name="k", user_name=user)
        response = new_key(form="none").create(options)
        spoilt = base64.urlsafe_b64decode(response["response"]["attestationObject"] + "==")
        made = base64.urlsafe_b64decode(response["rawId"] + "==")
        response["response"]["attestationObject"] = text(spoilt.replace(made, known))
        response["id"] = response["rawId"] = text(known)
        with refused("EntityAlreadyExists", message, 409):
            people.console.finish_security_key(ada, response=response, user_name=user)

    def test_gate(self, people: Any, new_key: Any, refused: Any) -> None:
        alice = people.session("alice")
        key = new_key()
        people.register(key, by=alice)
        with refused(*GATE):
            people.console.begin_security_key(alice, name="second", user_name="alice")
        with_mfa = people.sign_in(key).credentials
        people.register(new_key(), by=with_mfa)
        assert len(people.company.serials()) == 2

    def test_platform_authenticator_is_refused_before_passkeys(
        self, people: Any, new_key: Any, refused: Any
    ) -> None:
        with refused(*NOT_ACCEPTED):
            people.register(new_key(), attachment="platform")
        assert people.last().outcome is CeremonyOutcome.PLATFORM_AUTHENTICATOR
        assert people.company.serials() == []

    @pytest.mark.parametrize("attachment", ["platform", "cross-platform", "of-the-future", None])
    def test_passkeys_are_taken_however_attached(
        self, people: Any, new_key: Any, attachment: str | None
    ) -> None:
        """Also one that is synced and has no counter; it signs in with its user handle."""
        people.company.set(passkeys=True)
        key = new_key(form="none", flags=UP | UV | BE | BS, step=0, count=0)
        people.register(key, attachment=attachment)
        for _ in range(2):
            page = people.page()
            handle = people.company.ids["alice"].encode()
            answer = key.get(page.assertion_options, user_handle=handle)
            assert people.console.submit_assertion(page.id, answer).mfa

    def test_gate_falls_between_the_two_calls(
        self, people: Any, new_key: Any, refused: Any
    ) -> None:
        alice = people.session("alice")
        options = people.console.begin_security_key(alice, name="k")
        people.register(new_key())
        with refused(*GATE):
            people.console.finish_security_key(alice, response=new_key().create(options))

    def test_not_for_others(self, people: Any) -> None:
        bob = people.session("bob")
        with pytest.raises(ServiceError, match="not authorized to perform: iam:EnableMFADevice"):
            people.console.begin_security_key(bob, name="k", user_name="alice")


REFUSALS: list[tuple[str, dict[str, Any], CeremonyOutcome]] = [
    (
        "phishing origin",
        {"origin": "https://signin.aws.evil.example"},
        CeremonyOutcome.WRONG_ORIGIN,
    ),
    (
        "origin without TLS",
        {"origin": "http://signin.aws.amazon.com"},
        CeremonyOutcome.WRONG_ORIGIN,
    ),
    (
        "origin below ours",
        {"origin": "https://x.signin.aws.amazon.com"},
        CeremonyOutcome.WRONG_ORIGIN,
    ),
    ("another rp id", {"rp_id": "evil.example"}, CeremonyOutcome.WRONG_RP_ID),
    ("in a frame", {"cross_origin": True}, CeremonyOutcome.CROSS_ORIGIN),
    ("top origin", {"top_origin": "https://evil.example"}, CeremonyOutcome.CROSS_ORIGIN),
    ("made-up challenge", {"challenge": "AAAA"}, CeremonyOutcome.UNKNOWN_CHALLENGE),
    ("assertion's type", {"type": "webauthn.get"}, CeremonyOutcome.WRONG_TYPE),
    ("no touch", {"flags": 0}, CeremonyOutcome.NO_USER_PRESENCE),
    ("backed up, not eligible", {"flags": UP | BS}, CeremonyOutcome.INCONSISTENT_BACKUP),
    ("unknown format", {"fmt": "android-safetynet"}, CeremonyOutcome.INVALID_ATTESTATION),
    ("key that is no map", {"cose": b"\x80"}, CeremonyOutcome.INVALID_KEY),
    (
        "point off the curve",
        {"cose": bytes.fromhex("a5010203262001215820" + "11" * 32 + "225820" + "22" * 32)},
        CeremonyOutcome.INVALID_KEY,
    ),
    ("algorithm that is true", {"cose": cbor.encode({3: True})}, CeremonyOutcome.INVALID_KEY),
    ("key without an algorithm", {"cose": cbor.encode({1: 2})}, CeremonyOutcome.INVALID_KEY),
    ("no response", {"response": {}}, CeremonyOutcome.MALFORMED),
    ("attachment that is no text", {"attachment": 1}, CeremonyOutcome.MALFORMED),
]


class TestRefused:
    @pytest.mark.parametrize(
        ("twists", "outcome"),
        [(twists, outcome) for _, twists, outcome in REFUSALS],
        ids=[name for name, _, _ in REFUSALS],
    )
    def test_nothing_is_registered(
        self,
        people: Any,
        new_key: Any,
        refused: Any,
        twists: dict[str, Any],
        outcome: CeremonyOutcome,
    ) -> None:
        ada = people.session()
        options = people.console.begin_security_key(ada, name="k", user_name="alice")
        response = twists.get("response")
        if response is None:
            response = new_key().create(options, **twists)
        with refused(*FAILED):
            people.console.finish_security_key(ada, response=response, user_name="alice")
        assert people.last().outcome is outcome
        assert people.last().reason
        assert people.company.serials() == []
        everything = people.company.everything()
        assert everything["CredentialRecord"] == everything["Device"] == []

    @pytest.mark.parametrize(
        "cose",
        [
            pytest.param({1: 3, 3: -38, -1: b"\xc1" * 256, -2: b"\1\0\1"}, id="PS384"),
            pytest.param({1: 2, 3: -35, -1: 2, -2: b"\x11" * 48, -3: b"\x22" * 48}, id="off"),
            pytest.param({3: 5}, id="HMAC"),
        ],
    )
    def test_algorithm_that_was_not_asked_for(
        self, people: Any, new_key: Any, refused: Any, cose: dict[int, Any]
    ) -> None:
        """Whether or not this verifier knows it, and whether or not the key is one."""
        with refused(*NOT_ACCEPTED):
            people.register(new_key(form="none"), cose=cbor.encode(cose))
        assert people.last().outcome is CeremonyOutcome.UNSUPPORTED_ALGORITHM
        assert f"algorithm is {cose[3]}" in people.last().reason

    def test_user_verification_where_it_is_required(
        self, people: Any, new_key: Any, refused: Any
    ) -> None:
        people.company.set(user_verification=UserVerification.REQUIRED)
        with refused(*FAILED):
            people.register(new_key())
        assert people.last().outcome is CeremonyOutcome.NO_USER_VERIFICATION
        people.register(new_key(flags=UP | UV))

    def test_challenge_is_good_for_five_minutes(
        self, people: Any, new_key: Any, refused: Any
    ) -> None:
        ada = people.session()
        for age_s, good in ((300, True), (301, False)):
            options = people.console.begin_security_key(ada, name="k", user_name="alice")
            people.company.clock.advance(age_s)
            response = new_key().create(options)
            if good:
                people.console.finish_security_key(ada, response=response, user_name="alice")
                continue
            with refused(*FAILED):
                people.console.finish_security_key(ada, response=response, user_name="alice")
            assert people.last().outcome is CeremonyOutcome.EXPIRED_CHALLENGE

    def test_challenge_is_good_for_one_answer(
        self, people: Any, new_key: Any, refused: Any
    ) -> None:
        ada = people.session()
        options = people.console.begin_security_key(ada, name="k", user_name="alice")
        with refused(*FAILED):
            wrong = new_key().create(options, origin="https://evil.example")
            people.console.finish_security_key(ada, response=wrong, user_name="alice")
        with refused(*FAILED):
            right = new_key().create(options)
            people.console.finish_security_key(ada, response=right, user_name="alice")
        assert people.last().outcome is CeremonyOutcome.REPLAYED_CHALLENGE

    @pytest.mark.parametrize("case", ["another session", "another user", "the sign-in page"])
    def test_challenge_is_for_one_ceremony(
        self, people: Any, new_key: Any, refused: Any, case: str
    ) -> None:
        ada, later = people.session(), people.session()
        options = people.console.begin_security_key(ada, name="k", user_name="alice")
        if case == "the sign-in page":
            people.register(new_key())
            shown = people.page().assertion_options
            options = {**options, "challenge": shown["challenge"]}
        response = new_key().create(options)
        session = later if case == "another session" else ada
        user = "bob" if case == "another user" else "alice"
        with refused(*FAILED):
            people.console.finish_security_key(session, response=response, user_name=user)
        assert people.last().outcome is CeremonyOutcome.UNKNOWN_CHALLENGE
        with people.company.store.transaction() as tx:
            kept = tx.get(WebAuthnChallenge, options["challenge"])
        assert not kept.used, "an answer to no challenge spends no challenge"

    def test_key_was_not_touched(self, people: Any, refused: Any) -> None:
        ada = people.session()
        people.console.begin_security_key(ada, name="k", user_name="alice")
        response = {"error": {"name": "NotAllowedError"}}
        with refused(*FAILED):
            people.console.finish_security_key(ada, response=response, user_name="alice")
        assert people.last().outcome is CeremonyOutcome.CLIENT_ERROR
        assert people.last().reason == "the client raised NotAllowedError"


class TestAfterwards:
    def test_console_only(self, people: Any, new_key: Any) -> None:
        serial = people.register(new_key())
        for method in ("enable_mfa_device", "resync_mfa_device"):
            with pytest.raises(ServiceError):
                getattr(people.company.iam("ada"), method)(
                    UserName="alice",
                    SerialNumber=serial,
                    AuthenticationCode1="123456",
                    AuthenticationCode2="654321",
                )
        with pytest.raises(ServiceError, match="unable to validate MFA code"):
            people.company.session(SerialNumber=serial, TokenCode="123456")
        assert people.company.sts("alice").get_session_token()["Credentials"]

    def test_removed_key_is_forgotten_and_may_come_back(
        self, people: Any, new_key: Any, refused: Any
    ) -> None:
        key = new_key()
        serial = people.register(key)
        page = people.page()
        people.company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=serial)
        assert people.company.everything()["CredentialRecord"] == []
        with refused(
            "SignInExpired",
            "This sign-in page is no longer valid. Enter your password again.",
            403,
        ):
            people.console.submit_assertion(page.id, key.get(page.assertion_options))
        assert people.register(key) != serial
        assert people.sign_in(key).mfa

    def test_deleting_a_user_deletes_its_credentials(self, people: Any, new_key: Any) -> None:
        people.register(new_key())
        ada = people.company.signed_in("ada").credentials
        people.console.delete_user(ada, user_name="alice")
        assert people.company.everything()["CredentialRecord"] == []

    def test_root_that_lost_its_key_recovers_and_registers_another(
        self, people: Any, new_key: Any
    ) -> None:
        lost, new = new_key(), new_key()
        serial = people.register(lost, "root")
        recovery = people.console.recovery
        begun = recovery.start(people.company.root_page().id)
        recovery.send_mail(begun)
        recovery.follow_link(people.company.outbox.mails[-1][3])
        digits = recovery.call(begun)
        recovery.enter_digits(begun, digits)
        session = recovery.finish(begun).credentials
        people.console.deactivate_device(session, serial=serial)
        people.register(new, "root", by=session)
        assert people.sign_in(new, "root").mfa

    def test_get_mfa_device_of_a_key_without_metadata(self, people: Any, new_key: Any) -> None:
        serial = people.register(new_key())
        shown = people.company.iam("ada").get_mfa_device(UserName="alice", SerialNumber=serial)
        assert shown["Certifications"] == {}

    def test_counter_rule_is_not_of_registration(self, people: Any, new_key: Any) -> None:
        people.company.set(counter_rule=CounterRule.LOCK)
        key = new_key(step=0)
        people.register(key)
        assert people.credential().sign_count == 0


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
