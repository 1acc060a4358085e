"""IAM operations: answers, exact refusals, and the order in which things are looked at."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from mfalab.devices.otp.qr import read_qr
from mfalab.verifier import RFC6238, DeviceKind, ServiceError

GATE = (
    "AccessDenied",
    (
        "To complete this action, please ensure that you are authenticated with an MFA device "
        "that is enabled for this user."
    ),
    403,
)
BAD_CODE = ("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
NO_BOB = ("NoSuchEntity", "The user with name nobody cannot be found.", 404)
INVALID_FOR_USER = ("NoSuchEntity", "MFA Device invalid for user.", 404)
IN_USE = ("EntityAlreadyExists", "MFA Device is already in use.", 409)
NINTH = ("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8", 409)
ARN = "arn:aws:iam::123456789012:mfa/"


def no_device(serial: str) -> tuple[str, str, int]:
    return "NoSuchEntity", f"MFA Device with serial number {serial} does not exist.", 404


def denied(who: str, action: str, resource: str) -> tuple[str, str, int]:
    return (
        "AccessDenied",
        (
            f"User: arn:aws:iam::123456789012:user/{who} is not authorized to perform: "
            f"iam:{action} on resource: {resource} because no identity-based policy allows the "
            f"iam:{action} action"
        ),
        403,
    )


class TestCreate:
    def test_answer_has_seed_and_qr_image_once(self, company: Any) -> None:
        made = company.iam("alice").create_virtual_mfa_device(VirtualMFADeviceName="alice-phone")
        device = made["VirtualMFADevice"]
        assert set(device) == {"SerialNumber", "Base32StringSeed", "QRCodePNG"}
        assert device["SerialNumber"] == ARN + "alice-phone"
        assert len(device["Base32StringSeed"]) == 64
        assert len(base64.b32decode(device["Base32StringSeed"])) == 40
        listed = company.iam("alice").list_virtual_mfa_devices()["VirtualMFADevices"]
        assert listed == [{"SerialNumber": ARN + "alice-phone"}]

    def test_qr_image_says_what_users_decode(self, company: Any) -> None:
        made = company.iam("alice").create_virtual_mfa_device(VirtualMFADeviceName="a+b@c=d")
        device = made["VirtualMFADevice"]
        seed = device["Base32StringSeed"].decode()
        assert read_qr(device["QRCodePNG"]) == (
            "otpauth://totp/Amazon%20Web%20Services:a%2Bb%40c%3Dd@123456789012"
            f"?secret={seed}&issuer=Amazon%20Web%20Services"
        )

    def test_path_is_part_of_the_serial_number(self, company: Any) -> None:
        for path in ("/devices/", "/test//double/"):
            made = company.iam("ada").create_virtual_mfa_device(VirtualMFADeviceName="a", Path=path)
            assert made["VirtualMFADevice"]["SerialNumber"] == (
                f"arn:aws:iam::123456789012:mfa{path}a"
            )

    def test_name_is_taken_whatever_its_case(self, company: Any, refused: Any) -> None:
        company.create("Alice")
        with refused("EntityAlreadyExists", "MFA device already exists.", 409):
            company.create("alice")
        company.iam("ada").create_virtual_mfa_device(VirtualMFADeviceName="alice", Path="/x/")
        company.set(device_names_ignore_case=False)
        company.create("alice")

    @pytest.mark.parametrize("path", ["x", "/x", "x/", "/a b/", "/é/"])
    def test_path_must_have_both_slashes(self, company: Any, refused: Any, path: str) -> None:
        with refused(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain "
            "only alphanumeric characters and/or / characters.",
            400,
        ):
            company.iam("ada").create_virtual_mfa_device(VirtualMFADeviceName="a", Path=path)

    def test_path_over_512_characters(self, company: Any, refused: Any) -> None:
        with refused(
            "ValidationError",
            "1 validation error detected: Value at 'path' failed to satisfy constraint: Member "
            "must have length less than or equal to 512",
            400,
        ):
            company.iam("ada").create_virtual_mfa_device(
                VirtualMFADeviceName="a", Path="/" + 511 * "a" + "/"
            )

    def test_account_quota(self, company: Any, refused: Any) -> None:
        company.set(virtual_devices_per_account=1)
        company.create("one")
        with refused(
            "LimitExceeded", "Cannot exceed quota for VirtualMFADevicesPerAccount: 1", 409
        ):
            company.create("two")

    def test_tags_are_in_the_answer_and_not_in_lists(self, company: Any) -> None:
        tags = [{"Key": "b", "Value": ""}, {"Key": "a", "Value": "1"}]
        made = company.iam("ada").create_virtual_mfa_device(VirtualMFADeviceName="a", Tags=tags)
        assert made["VirtualMFADevice"]["Tags"] == tags[::-1]
        assert company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"] == [
            {"SerialNumber": ARN + "a"}
        ]

    def test_keys_of_tags_differ_by_more_than_case(self, company: Any, refused: Any) -> None:
        with refused(
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            400,
        ):
            company.iam("ada").create_virtual_mfa_device(
                VirtualMFADeviceName="a",
                Tags=[{"Key": "k", "Value": "1"}, {"Key": "K", "Value": "2"}],
            )


class TestEnable:
    def test_device_is_listed_with_its_date(self, company: Any, clock: Any) -> None:
        token = company.create()
        clock.advance(1.75)
        company.enable(token)
        assert company.iam("alice").list_mfa_devices() == {
            "MFADevices": [
                {
                    "UserName": "alice",
                    "SerialNumber": token.serial,
                    "EnableDate": datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC),
                }
            ],
            "IsTruncated": False,
        }
        (listed,) = company.iam("alice").list_virtual_mfa_devices()["VirtualMFADevices"]
        assert set(listed) == {"SerialNumber", "User", "EnableDate"}
        assert set(listed["User"]) == {"Path", "UserName", "UserId", "Arn", "CreateDate"}

    def test_unknown_user(self, company: Any, refused: Any) -> None:
        with refused(*NO_BOB):
            company.enable(company.create(), "nobody")

    def test_user_names_are_compared_without_case(self, company: Any) -> None:
        token = company.create()
        company.enable(token, "ALICE", by="alice")
        assert company.serials() == [token.serial]

    def test_second_own_device_needs_an_mfa_session(self, company: Any, refused: Any) -> None:
        first, second = company.enrol(name="one"), company.create("two")
        with refused(*GATE):
            company.enable(second, by="alice")
        session = company.mfa_session(first)
        one, two = second.pair()
        company.iam(session).enable_mfa_device(
            UserName="alice",
            SerialNumber=second.serial,
            AuthenticationCode1=one,
            AuthenticationCode2=two,
        )
        assert company.serials() == [first.serial, second.serial]

    def test_administrator_needs_none_for_another_users(self, company: Any) -> None:
        company.enrol(name="one")
        company.enrol(name="two")
        assert len(company.serials()) == 2

    def test_already_this_users(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        with refused("EntityAlreadyExists", "MFA Device for user alice already exists.", 409):
            company.enable(token)

    def test_device_of_another_user_is_in_use(self, company: Any, refused: Any) -> None:
        token = company.enrol("bob")
        with refused(*IN_USE):
            company.enable(token, "alice")

    @pytest.mark.parametrize(
        ("first", "second"), [(0, 0), (1, 0), (0, 2), (-1000, -999), (1000, 1001)]
    )
    def test_pair_that_is_none(self, company: Any, refused: Any, first: int, second: int) -> None:
        """Equal, reversed, gapped, too old, too far ahead."""
        token = company.create()
        with refused(*BAD_CODE):
            company.iam("ada").enable_mfa_device(
                UserName="alice",
                SerialNumber=token.serial,
                AuthenticationCode1=token.code(first),
                AuthenticationCode2=token.code(second),
            )
        assert company.serials() == []

    @pytest.mark.parametrize("serial", [ARN + "nothing", "GAHT00000000", "u2f/user/alice/x"])
    def test_unknown_serial_number(self, company: Any, refused: Any, serial: str) -> None:
        with refused(*no_device(serial)):
            company.iam("ada").enable_mfa_device(
                UserName="alice",
                SerialNumber=serial,
                AuthenticationCode1="123456",
                AuthenticationCode2="654321",
            )

    def test_hardware_token_of_the_makers_shipment(self, company: Any) -> None:
        token = company.ship()
        company.enable(token)
        assert company.serials() == ["GAHT12345678"]
        assert company.iam("ada").list_virtual_mfa_devices()["VirtualMFADevices"] == []

    def test_hardware_token_of_another_account(self, company: Any, refused: Any) -> None:
        token = company.ship()
        company.enable(token)
        company.verifier.create_account("210987654321", root_email="b@b", root_password="b")
        carol = company.verifier.create_user("210987654321", "carol")
        keys = company.verifier.create_access_key(carol.id)
        one, two = token.pair(2)
        with refused(*IN_USE):
            company.iam(keys).enable_mfa_device(
                UserName="carol",
                SerialNumber=token.serial,
                AuthenticationCode1=one,
                AuthenticationCode2=two,
            )

    def test_virtual_device_of_another_account_does_not_exist_here(
        self, company: Any, refused: Any
    ) -> None:
        token = company.create()
        company.verifier.create_account("210987654321", root_email="b@b", root_password="b")
        carol = company.verifier.create_user("210987654321", "carol")
        keys = company.verifier.create_access_key(carol.id)
        with refused(*no_device(token.serial)):
            company.iam(keys).enable_mfa_device(
                UserName="carol",
                SerialNumber=token.serial,
                AuthenticationCode1=token.code(-1),
                AuthenticationCode2=token.code(),
            )

    def test_security_keys_are_not_enabled_by_api(self, company: Any, refused: Any) -> None:
        serial = company.insert_key("bob")
        with refused(*IN_USE):
            company.iam("ada").enable_mfa_device(
                UserName="alice",
                SerialNumber=serial,
                AuthenticationCode1="123456",
                AuthenticationCode2="654321",
            )

    def test_ninth_device_of_mixed_kinds(self, company: Any, refused: Any) -> None:
        company.set(sms=company.verifier.profile.sms.PREVIEW)
        company.insert_key()
        company.enrol_sms()
        company.enable(company.ship())
        for number in range(5):
            company.enrol(name=f"phone{number}")
        assert len(company.serials()) == 8
        ninth = company.create("ninth")
        with refused(*NINTH):
            company.enable(ninth)

    def test_event_based_token_only_where_the_profile_says_so(
        self, company: Any, refused: Any
    ) -> None:
        import pyotp

        from mfalab.verifier import MovingFactor, TokenSeed

        seed = TokenSeed("HOTP00000001", bytes(20), moving_factor=MovingFactor.EVENT)
        company.verifier.register_tokens([seed])
        shown = pyotp.HOTP(base64.b32encode(bytes(20)).decode())
        pair = {"AuthenticationCode1": shown.at(4), "AuthenticationCode2": shown.at(5)}
        with refused(*no_device(seed.serial)):
            company.iam("ada").enable_mfa_device(UserName="alice", SerialNumber=seed.serial, **pair)
        company.verifier.profile = RFC6238
        company.iam("ada").enable_mfa_device(UserName="alice", SerialNumber=seed.serial, **pair)
        company.session(SerialNumber=seed.serial, TokenCode=shown.at(6))
        with pytest.raises(ServiceError):
            company.session(SerialNumber=seed.serial, TokenCode=shown.at(6))

    def test_stale_pair_succeeds_and_leaves_the_device_out_of_step(
        self, company: Any, clock: Any
    ) -> None:
        token = company.create()
        one, two = token.pair()
        clock.advance(3600)
        company.iam("ada").enable_mfa_device(
            UserName="alice",
            SerialNumber=token.serial,
            AuthenticationCode1=one,
            AuthenticationCode2=two,
        )
        with pytest.raises(ServiceError):
            company.mfa_session(token)
        company.resync(token)
        company.mfa_session(token)

    def test_order_of_checks(self, company: Any, refused: Any) -> None:
        """Each refusal of the order, with everything that comes later wrong as well."""
        first = company.enrol(name="one")
        mine: dict[str, Any] = {
            "UserName": "alice",
            "SerialNumber": first.serial,
            "AuthenticationCode1": "000000",
            "AuthenticationCode2": "000000",
        }
        with pytest.raises(ServiceError, match="1 validation error detected"):
            company.iam("bob").enable_mfa_device(**mine | {"AuthenticationCode1": "1"})
        unknown = company.keys["bob"].__class__("AKIANOBODY", "x")
        with refused(
            "InvalidClientTokenId", "The security token included in the request is invalid.", 403
        ):
            company.iam(unknown).enable_mfa_device(**mine)
        fault = ServiceError("EntityTemporarilyUnmodifiable", "Try again.", 409)
        company.verifier.inject("EnableMFADevice", fault)
        with refused(*denied("bob", "EnableMFADevice", "user alice")):
            company.iam("bob").enable_mfa_device(**mine)
        with refused(*fault.args):
            company.iam("ada").enable_mfa_device(**mine | {"UserName": "nobody"})
        with refused(*NO_BOB):
            company.iam("ada").enable_mfa_device(**mine | {"UserName": "nobody"})
        with refused(*GATE):
            company.iam("alice").enable_mfa_device(**mine)
        with refused(*GATE):
            company.iam("alice").enable_mfa_device(**mine | {"SerialNumber": ARN + "missing"})
        company.set(devices_per_identity=1)
        with refused("EntityAlreadyExists", "MFA Device for user alice already exists.", 409):
            company.iam("ada").enable_mfa_device(**mine)
        second = company.create("two")
        with refused("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 1", 409):
            company.iam("ada").enable_mfa_device(**mine | {"SerialNumber": second.serial})
        company.set(devices_per_identity=2)
        with refused(*BAD_CODE):
            company.iam("ada").enable_mfa_device(**mine | {"SerialNumber": second.serial})


class TestResync:
    def test_unassigned_device(self, company: Any, refused: Any) -> None:
        with refused(*INVALID_FOR_USER):
            company.resync(company.create())

    def test_device_of_another_user(self, company: Any, refused: Any) -> None:
        with refused(*INVALID_FOR_USER):
            company.resync(company.enrol("bob"), "alice", second=2)

    def test_unknown_device(self, company: Any, refused: Any) -> None:
        with refused(*no_device("GAHT00000000")):
            company.iam("alice").resync_mfa_device(
                UserName="alice",
                SerialNumber="GAHT00000000",
                AuthenticationCode1="123456",
                AuthenticationCode2="123456",
            )

    def test_security_key_has_no_clock(self, company: Any, refused: Any) -> None:
        with refused(*INVALID_FOR_USER):
            company.iam("alice").resync_mfa_device(
                UserName="alice",
                SerialNumber=company.insert_key(),
                AuthenticationCode1="123456",
                AuthenticationCode2="123456",
            )

    @pytest.mark.parametrize("second", [-1, 0, 1])
    def test_pair_that_is_not_newer(self, company: Any, refused: Any, second: int) -> None:
        token = company.enrol()
        with refused(*BAD_CODE):
            company.resync(token, second=second)

    def test_long_term_keys_suffice_though_the_user_has_a_device(self, company: Any) -> None:
        token = company.enrol()
        company.resync(token, by="alice", second=2)


class TestDeactivate:
    def test_unknown_serial_number(self, company: Any, refused: Any) -> None:
        with refused(*no_device(ARN + "nothing")):
            company.iam("alice").deactivate_mfa_device(SerialNumber=ARN + "nothing")

    def test_device_of_another_user_and_twice(self, company: Any, refused: Any) -> None:
        token = company.enrol("bob")
        with refused(*INVALID_FOR_USER):
            company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        company.iam("ada").deactivate_mfa_device(UserName="bob", SerialNumber=token.serial)
        with refused(*INVALID_FOR_USER):
            company.iam("ada").deactivate_mfa_device(UserName="bob", SerialNumber=token.serial)

    @pytest.mark.parametrize("serial", [None, ARN + "nothing"])
    def test_self_without_mfa(self, company: Any, refused: Any, serial: str | None) -> None:
        token = company.enrol()
        with refused(*GATE):
            company.iam("alice").deactivate_mfa_device(SerialNumber=serial or token.serial)

    def test_mfa_session_removes_the_device_that_proved_it(self, company: Any) -> None:
        token = company.enrol()
        session = company.mfa_session(token)
        company.iam(session).deactivate_mfa_device(SerialNumber=token.serial)
        assert company.serials() == []
        company.enable(token, by="alice", second=3)
        assert company.serials() == [token.serial]
        assert company.verifier.mfa_context(session).present is True

    def test_roots_own_devices_not_by_api(self, company: Any, refused: Any) -> None:
        token = company.enrol_root()
        root = "arn:aws:iam::123456789012:root"
        with refused(
            "AccessDenied",
            f"User: {root} is not authorized to perform: iam:DeactivateMFADevice on resource: "
            f"{root}",
            403,
        ):
            company.iam("root").deactivate_mfa_device(SerialNumber=token.serial)

    def test_gate_can_be_switched_off(self, company: Any) -> None:
        token = company.enrol()
        company.set(self_management_gate=False)
        company.iam("alice").deactivate_mfa_device(SerialNumber=token.serial)


class TestDelete:
    def test_unknown(self, company: Any, refused: Any) -> None:
        with refused(*no_device(ARN + "nothing")):
            company.iam("ada").delete_virtual_mfa_device(SerialNumber=ARN + "nothing")

    @pytest.mark.parametrize("who", ["ada", "alice"])
    def test_still_assigned(self, company: Any, refused: Any, who: str) -> None:
        token = company.enrol()
        with refused("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.", 409):
            company.iam(who).delete_virtual_mfa_device(SerialNumber=token.serial)

    def test_cancelled_wizard_leaves_what_only_an_administrator_deletes(
        self, company: Any, refused: Any
    ) -> None:
        token = company.create(by="alice")
        with refused("EntityAlreadyExists", "MFA device already exists.", 409):
            company.create(by="alice")
        with refused(*denied("alice", "DeleteVirtualMFADevice", token.serial)):
            company.iam("alice").delete_virtual_mfa_device(SerialNumber=token.serial)
        company.iam("ada").delete_virtual_mfa_device(SerialNumber=token.serial)
        company.create(by="alice")


class TestLists:
    def test_every_kind_by_serial_number(self, company: Any) -> None:
        company.enable(company.ship("ZZZZ00000001"))
        key = company.insert_key()
        phone = company.enrol()
        assert company.serials() == sorted([phone.serial, key, "ZZZZ00000001"])

    @pytest.mark.parametrize(
        ("status", "expected"), [(None, 2), ("Any", 2), ("Assigned", 1), ("Unassigned", 1)]
    )
    def test_assignment_status(self, company: Any, status: str | None, expected: int) -> None:
        company.enrol(name="used")
        company.create("spare")
        listed = company.iam("bob").list_virtual_mfa_devices(AssignmentStatus=status)
        assert len(listed["VirtualMFADevices"]) == expected

    def test_roots_virtual_device_is_listed(self, company: Any) -> None:
        company.enrol_root()
        (listed,) = company.iam("bob").list_virtual_mfa_devices()["VirtualMFADevices"]
        assert listed["SerialNumber"] == ARN + "root-account-mfa-device"
        assert listed["User"]["Arn"] == "arn:aws:iam::123456789012:root"
        (own,) = company.iam("root").list_mfa_devices()["MFADevices"]
        assert own["SerialNumber"] == ARN + "root-account-mfa-device"

    def test_unknown_user_and_other_users(self, company: Any, refused: Any) -> None:
        with refused(*NO_BOB):
            company.iam("ada").list_mfa_devices(UserName="nobody")
        with refused(*denied("alice", "ListMFADevices", "user bob")):
            company.iam("alice").list_mfa_devices(UserName="bob")

    def test_get_mfa_device_answers_for_security_keys_only(
        self, company: Any, refused: Any
    ) -> None:
        serial = company.insert_key()
        assert company.iam("alice").get_mfa_device(SerialNumber=serial) == {
            "UserName": "alice",
            "SerialNumber": serial,
            "EnableDate": datetime(2026, 3, 2, 9, tzinfo=UTC),
            "Certifications": {},
        }
        with refused(
            "ValidationError",
            "The MFA device serial number sent in the request is invalid or not supported by this "
            "API. Currently, only hardware FIDO security keys are supported. Please use the "
            "compatible device or API.",
            400,
        ):
            company.iam("alice").get_mfa_device(SerialNumber=company.create().serial)
        with refused(*no_device(serial + "X")):
            company.iam("alice").get_mfa_device(SerialNumber=serial + "X")
        with refused(*INVALID_FOR_USER):
            company.iam("bob").get_mfa_device(SerialNumber=serial)

    def test_role_session_must_name_a_user(self, company: Any, refused: Any) -> None:
        role = company.verifier.create_role(
            "123456789012", "r", trusts=["arn:aws:iam::123456789012:root"]
        )
        answer = company.sts("alice").assume_role(
            RoleArn=company.verifier.role_arn(role), RoleSessionName="s1"
        )["Credentials"]
        session = company.keys["alice"].__class__(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]
        )
        with refused(
            "ValidationError", "Must specify userName when calling with non-User credentials", 400
        ):
            company.iam(session).list_mfa_devices()


class TestTags:
    def test_tag_replace_untag_list(self, company: Any) -> None:
        token, ada = company.create(), company.iam("ada")
        ada.tag_mfa_device(
            SerialNumber=token.serial,
            Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}],
        )
        ada.tag_mfa_device(SerialNumber=token.serial, Tags=[{"Key": "B", "Value": "3"}])
        assert ada.list_mfa_device_tags(SerialNumber=token.serial) == {
            "Tags": [{"Key": "B", "Value": "3"}, {"Key": "a", "Value": "2"}],
            "IsTruncated": False,
        }
        ada.untag_mfa_device(SerialNumber=token.serial, TagKeys=["b"])
        tags = ada.list_mfa_device_tags(SerialNumber=token.serial)["Tags"]
        assert tags == [{"Key": "a", "Value": "2"}]

    def test_fifty_first_tag(self, company: Any, refused: Any) -> None:
        token = company.create()
        company.iam("ada").tag_mfa_device(
            SerialNumber=token.serial, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)]
        )
        with refused("LimitExceeded", "Cannot exceed quota for TagsPerMFADevice: 50", 409):
            company.iam("ada").tag_mfa_device(
                SerialNumber=token.serial, Tags=[{"Key": "more", "Value": ""}]
            )

    def test_owner_may_and_others_may_not(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        company.iam("alice").list_mfa_device_tags(SerialNumber=token.serial)
        with refused(*denied("bob", "ListMFADeviceTags", token.serial)):
            company.iam("bob").list_mfa_device_tags(SerialNumber=token.serial)
        with refused(*no_device(ARN + "none")):
            company.iam("ada").list_mfa_device_tags(SerialNumber=ARN + "none")


def test_device_kinds_keep_their_order() -> None:
    assert [kind.value for kind in DeviceKind] == ["virtual", "hardware", "fido", "sms"]
