"""STS operations: sessions, roles, MFA parameters, and what policies see of MFA."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from mfalab.verifier import (
    Credentials,
    Delay,
    MfaContext,
    RoleSessionMfa,
    ServiceError,
)

CODE_REFUSED = (
    "AccessDenied",
    "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
    403,
)
DEVICE_REFUSED = (
    "AccessDenied",
    (
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
        "serial number is valid and associated with this user."
    ),
    403,
)
A, B = "123456789012", "210987654321"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def user_arn(name: str) -> str:
    return f"arn:aws:iam::{A}:user/{name}"


def role(company: Any, name: str = "operator", **fields: Any) -> str:
    """A role that trusts its account, and may do everything itself."""
    given = {"trusts": [f"arn:aws:iam::{A}:root"], "policies": [ADMIN], **fields}
    return str(company.verifier.role_arn(company.verifier.create_role(A, name, **given)))


def assume(company: Any, who: Any, arn: str, **parameters: Any) -> Credentials:
    answer = company.sts(who).assume_role(RoleArn=arn, RoleSessionName="shift", **parameters)
    return Credentials.of(answer)


class TestGetSessionToken:
    def test_answer(self, company: Any) -> None:
        token = company.enrol()
        answer = company.sts("alice").get_session_token(
            SerialNumber=token.serial, TokenCode=token.code()
        )["Credentials"]
        assert re.fullmatch(r"ASIA[A-Z2-7]{16}", answer["AccessKeyId"])
        assert len(answer["SecretAccessKey"]) == 40
        assert answer["Expiration"] == datetime(2026, 3, 2, 21, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("who", "asked", "hours"),
        [
            ("alice", None, 12),
            ("alice", 129_600, 36),
            ("root", None, 1),
            ("root", 129_600, 1),
            ("root", 900, 0.25),
        ],
    )
    def test_duration(self, company: Any, who: str, asked: int | None, hours: float) -> None:
        answer = company.sts(who).get_session_token(DurationSeconds=asked)["Credentials"]
        began = datetime(2026, 3, 2, 9, tzinfo=UTC)
        assert (answer["Expiration"] - began).total_seconds() == hours * 3600

    def test_wrong_code(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        with refused(*CODE_REFUSED):
            company.session(SerialNumber=token.serial, TokenCode=token.wrong_code())

    def test_code_is_good_once_and_the_next_step_passes(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        token = company.enrol()
        company.mfa_session(token)
        with refused(*CODE_REFUSED):
            company.mfa_session(token)
        clock.advance(30)
        company.mfa_session(token)

    @pytest.mark.parametrize(("step", "passes"), [(-2, 1), (2, 1), (-3, 0), (3, 0)])
    def test_window(self, company: Any, refused: Any, step: int, passes: int) -> None:
        token = company.enrol()
        if passes:
            company.mfa_session(token, step=step)
        else:
            with refused(*CODE_REFUSED):
                company.mfa_session(token, step=step)

    def test_tenth_attempt_in_a_window_is_not_looked_at(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        token = company.enrol()
        for _ in range(9):
            with refused(*CODE_REFUSED):
                company.session(SerialNumber=token.serial, TokenCode=token.wrong_code())
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token)
        clock.advance(180)
        company.mfa_session(token)

    def test_unknown_serial_number(self, company: Any, refused: Any) -> None:
        with refused(*DEVICE_REFUSED):
            company.session(SerialNumber=f"arn:aws:iam::{A}:mfa/none", TokenCode="123456")

    def test_user_arn_instead_of_the_devices(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        with refused(*DEVICE_REFUSED):
            company.session(SerialNumber=user_arn("alice"), TokenCode=token.code())

    def test_device_of_another_user(self, company: Any, refused: Any) -> None:
        token = company.enrol("bob")
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token, "alice")
        company.mfa_session(token, "bob")

    def test_security_key_and_sms(self, company: Any, refused: Any) -> None:
        with refused(*DEVICE_REFUSED):
            company.session(SerialNumber=company.insert_key(), TokenCode="123456")
        company.set(sms=company.verifier.profile.sms.PREVIEW)
        with refused(*DEVICE_REFUSED):
            company.session(SerialNumber=company.enrol_sms(), TokenCode=company.outbox.last_code())

    def test_deactivated_device(self, company: Any, refused: Any) -> None:
        token = company.enrol()
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token)

    @pytest.mark.parametrize("parameter", ["SerialNumber", "TokenCode"])
    def test_half_of_the_parameters(self, company: Any, refused: Any, parameter: str) -> None:
        token = company.enrol()
        value = {"SerialNumber": token.serial, "TokenCode": token.code()}[parameter]
        with refused(
            "AccessDenied",
            (
                "MultiFactorAuthentication failed, must provide both MFA serial number and one "
                "time pass code."
            ),
            403,
        ):
            company.session(**{parameter: value})

    def test_session_credentials(self, company: Any, refused: Any) -> None:
        session = company.session()
        with refused("AccessDenied", "Cannot call GetSessionToken with session credentials", 403):
            company.sts(session).get_session_token()

    def test_root_may_prove_mfa_with_its_own_device(self, company: Any) -> None:
        token = company.enrol_root()
        session = company.mfa_session(token, "root")
        assert company.verifier.mfa_context(session) == MfaContext(True, 0)

    def test_session_survives_its_device(self, company: Any, clock: Any) -> None:
        token = company.enrol()
        session = company.mfa_session(token)
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        company.iam("ada").delete_virtual_mfa_device(SerialNumber=token.serial)
        clock.advance(43_199)
        assert company.sts(session).get_caller_identity()["Arn"] == user_arn("alice")
        assert company.verifier.mfa_context(session) == MfaContext(True, 43_199)
        clock.advance(1)
        with pytest.raises(ServiceError, match="ExpiredToken"):
            company.sts(session).get_caller_identity()


class TestPropagation:
    def test_new_device_is_known_to_sts_later_than_to_lists(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        company.set(propagation_enable_s=Delay(8, 8))
        token = company.enrol()
        assert company.serials() == [token.serial]
        clock.advance(7.999)
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token)
        clock.advance(0.001)
        company.mfa_session(token)

    def test_removed_device_works_for_a_moment(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        company.set(propagation_disable_s=Delay(3, 3))
        token = company.enrol()
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        company.iam("ada").delete_virtual_mfa_device(SerialNumber=token.serial)
        assert company.serials() == []
        clock.advance(2.999)
        company.mfa_session(token)
        clock.advance(0.001)
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token, step=1)

    def test_device_that_moved_belongs_to_one_user_in_the_end(
        self, company: Any, clock: Any, refused: Any
    ) -> None:
        company.set(propagation_enable_s=Delay(8, 8), propagation_disable_s=Delay(3, 3))
        token = company.enrol()
        clock.advance(60)
        company.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
        company.enable(token, "bob", second=1)
        company.mfa_session(token, "alice")
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token, "bob", step=1)
        clock.advance(8)
        with refused(*DEVICE_REFUSED):
            company.mfa_session(token, "alice", step=1)
        company.mfa_session(token, "bob", step=1)


class TestAssumeRole:
    def test_answer(self, company: Any) -> None:
        answer = company.sts("alice").assume_role(RoleArn=role(company), RoleSessionName="shift")
        assert re.fullmatch(r"AROA[A-Z2-7]{17}:shift", answer["AssumedRoleUser"]["AssumedRoleId"])
        arn = f"arn:aws:sts::{A}:assumed-role/operator/shift"
        assert answer["AssumedRoleUser"]["Arn"] == arn
        assert answer["Credentials"]["Expiration"] == datetime(2026, 3, 2, 10, tzinfo=UTC)

    def test_root(self, company: Any, refused: Any) -> None:
        with refused("AccessDenied", "Roles may not be assumed by root accounts.", 403):
            assume(company, "root", role(company))

    @pytest.mark.parametrize("exists", [True, False])
    def test_role_that_does_not_trust_the_caller_or_does_not_exist(
        self, company: Any, refused: Any, exists: bool
    ) -> None:
        arn = f"arn:aws:iam::{A}:role/operator"
        if exists:
            role(company, trusts=[user_arn("bob")])
        with refused(
            "AccessDenied",
            (
                f"User: {user_arn('alice')} is not authorized to perform: sts:AssumeRole on "
                f"resource: {arn}"
            ),
            403,
        ):
            assume(company, "alice", arn)

    def test_role_that_wants_mfa(self, company: Any, refused: Any) -> None:
        token, arn = company.enrol(), role(company, requires_mfa=True, path="/ops/")
        assert arn == f"arn:aws:iam::{A}:role/ops/operator"
        with refused(
            "AccessDenied",
            (
                f"User: {user_arn('alice')} is not authorized to perform: sts:AssumeRole on "
                f"resource: {arn}"
            ),
            403,
        ):
            assume(company, "alice", arn)
        with refused(*CODE_REFUSED):
            assume(company, "alice", arn, SerialNumber=token.serial, TokenCode=token.wrong_code())
        assume(company, "alice", arn, SerialNumber=token.serial, TokenCode=token.code())
        assume(company, company.mfa_session(token, step=1), arn)

    def test_used_codes_are_common_to_all_operations(self, company: Any, refused: Any) -> None:
        token, arn = company.enrol(), role(company)
        company.mfa_session(token)
        with refused(*CODE_REFUSED):
            assume(company, "alice", arn, SerialNumber=token.serial, TokenCode=token.code())

    @pytest.mark.parametrize(("age", "passes"), [(3600, True), (3601, False)])
    def test_freshness(self, company: Any, clock: Any, age: int, passes: bool) -> None:
        token, arn = company.enrol(), role(company, mfa_max_age_s=3600)
        session = company.mfa_session(token)
        clock.advance(age)
        if passes:
            assume(company, session, arn)
        else:
            with pytest.raises(ServiceError, match="not authorized to perform: sts:AssumeRole"):
                assume(company, session, arn)

    def test_across_accounts_with_the_callers_own_device(self, company: Any, refused: Any) -> None:
        company.verifier.create_account(B, root_email="b@b", root_password="b")
        foreign = company.verifier.role_arn(
            company.verifier.create_role(
                B, "auditor", trusts=[f"arn:aws:iam::{A}:root"], requires_mfa=True
            )
        )
        token, others = company.enrol(), company.enrol("bob", "bobs")
        with pytest.raises(ServiceError, match="not authorized"):
            assume(company, "alice", foreign)
        with refused(*DEVICE_REFUSED):
            assume(company, "alice", foreign, SerialNumber=others.serial, TokenCode=others.code())
        session = assume(
            company, "alice", foreign, SerialNumber=token.serial, TokenCode=token.code()
        )
        identity = company.sts(session).get_caller_identity()
        assert identity["Account"] == B
        assert identity["Arn"] == f"arn:aws:sts::{B}:assumed-role/auditor/shift"
        assert identity["UserId"].endswith(":shift")

    def test_mfa_parameters_of_a_role_session(self, company: Any, refused: Any) -> None:
        token, arn = company.enrol(), role(company)
        session = assume(company, "alice", arn)
        with refused(*DEVICE_REFUSED):
            assume(company, session, arn, SerialNumber=token.serial, TokenCode=token.code())

    def test_mfa_parameters_of_a_role_session_may_be_ignored(self, company: Any) -> None:
        token, arn = company.enrol(), role(company)
        company.set(role_session_mfa=RoleSessionMfa.IGNORED)
        session = assume(company, "alice", arn)
        assume(company, session, arn, SerialNumber=token.serial, TokenCode=token.wrong_code())

    def test_durations(self, company: Any, refused: Any) -> None:
        arn = role(company, max_session_s=7200)
        assume(company, "alice", arn, DurationSeconds=7200)
        with refused(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            400,
        ):
            assume(company, "alice", arn, DurationSeconds=7201)
        session = assume(company, "alice", arn)
        assume(company, session, arn, DurationSeconds=3600)
        with refused(
            "ValidationError",
            (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining."
            ),
            400,
        ):
            assume(company, session, arn, DurationSeconds=3601)

    def test_refused_call_costs_no_code(self, company: Any) -> None:
        token = company.enrol()
        proof = {"SerialNumber": token.serial, "TokenCode": token.code()}
        with pytest.raises(ServiceError):
            assume(company, "alice", role(company, "mine", trusts=[user_arn("bob")]), **proof)
        assume(company, "alice", role(company), **proof)


def test_caller_identity_of_keys(company: Any) -> None:
    assert company.sts("root").get_caller_identity() == {
        "UserId": A,
        "Account": A,
        "Arn": f"arn:aws:iam::{A}:root",
    }
    identity = company.sts("alice").get_caller_identity()
    assert re.fullmatch(r"AIDA[A-Z2-7]{17}", identity["UserId"])


class TestWhatASessionIsGiven:
    def tagged(self, company: Any, who: Any, arn: str, **parameters: Any) -> Any:
        return company.sts(who).assume_role(RoleArn=arn, RoleSessionName="shift", **parameters)

    def test_token_is_as_long_as_asked(self, company: Any) -> None:
        for asked, size in ((0, 96), (97, 100), (4_096, 4_096)):
            answer = company.sts("alice").get_session_token(MinimumSessionTokenSize=asked)
            assert len(answer["Credentials"]["SessionToken"]) == size
            assert answer["SessionTokenSize"] == size
            assert answer["SessionTokenUtilization"] == -(-size * 100 // 4_096)
        assert "PackedPolicySize" not in answer
        arn = role(company)
        answer = self.tagged(company, "alice", arn, MinimumSessionTokenSize=1_000)
        assert answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"]) == 1_000

    def test_policy_and_tags_are_kept_and_their_size_told(self, company: Any) -> None:
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        tags = [{"Key": "Team", "Value": "ops"}, {"Key": "shift", "Value": ""}]
        answer = self.tagged(
            company, "alice", role(company), Policy=policy, Tags=tags, TransitiveTagKeys=["team"]
        )
        assert answer["PackedPolicySize"] == answer["SessionTokenUtilization"] == 3
        (session,) = company.everything()["Session"]
        assert session.policies == (policy,)
        assert session.tags == (("Team", "ops"), ("shift", ""))

    def test_transitive_tags_and_source_identity_stay_along_a_chain(self, company: Any) -> None:
        first, second = role(company, "first"), role(company, "second")
        tags = [{"Key": "Team", "Value": "ops"}, {"Key": "shift", "Value": "late"}]
        answer = self.tagged(
            company,
            "alice",
            first,
            Tags=tags,
            TransitiveTagKeys=["Team"],
            SourceIdentity="alice@example.com",
        )
        assert answer["SourceIdentity"] == "alice@example.com"
        credentials = Credentials.of(answer)
        answer = self.tagged(company, credentials, second)
        assert answer["SourceIdentity"] == "alice@example.com"
        issued = answer["Credentials"]["AccessKeyId"]
        sessions = {session.access_key_id: session for session in company.everything()["Session"]}
        session = sessions[issued]
        assert (session.tags, session.transitive_tag_keys) == ((("Team", "ops"),), ("team",))
        for parameters, text in (
            ({"SourceIdentity": "bob"}, "source identity of the session cannot be replaced"),
            ({"Tags": [{"Key": "TEAM", "Value": "x"}]}, "transitive tag of the session cannot"),
        ):
            with pytest.raises(ServiceError, match=text) as caught:
                self.tagged(company, credentials, second, **parameters)
            assert (caught.value.code, caught.value.status) == ("ValidationError", 400)

    @pytest.mark.parametrize(
        ("parameters", "code"),
        [
            ({"TransitiveTagKeys": ["team"]}, "ValidationError"),
            ({"Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, "InvalidInput"),
            ({"ProvidedContexts": [{"ContextAssertion": "a.b.c"}]}, "InvalidContextAssertion"),
            ({"Tags": [{"Key": "a"}]}, "ValidationError"),
            ({"SourceIdentity": "x"}, "ValidationError"),
        ],
    )
    def test_refused(self, company: Any, parameters: Any, code: str) -> None:
        with pytest.raises(ServiceError) as caught:
            self.tagged(company, "alice", role(company), **parameters)
        assert (caught.value.code, caught.value.status) == (code, 400)
        assert company.everything()["Session"] == []


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def says(effect: str, action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def trusting(principal: Any, *, action: Any = "sts:AssumeRole", **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action}
    return document({**statement, "Condition": condition} if condition else statement)


def not_assumed(who: str, arn: str, end: str = "") -> tuple[str, str, int]:
    text = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}{end}"
    return ("AccessDenied", text, 403)


NO_IDENTITY_POLICY = " because no identity-based policy allows the sts:AssumeRole action"


class TestTrust:
    """Who may assume a role: its trust policy and the caller's own policies."""

    @pytest.fixture
    def carol(self, company: Any) -> Credentials:
        """A user whose policies allow nothing."""
        user = company.verifier.create_user(A, "carol", policies=())
        keys: Credentials = company.verifier.create_access_key(user.id)
        return keys

    def test_user_that_is_named_needs_no_policy_of_its_own(
        self, company: Any, carol: Credentials, refused: Any
    ) -> None:
        assume(company, carol, role(company, "hers", trusts=[user_arn("carol")]))
        arn = role(company, "ours")
        with refused(*not_assumed(user_arn("carol"), arn, NO_IDENTITY_POLICY)):
            assume(company, carol, arn)
        allow = document(says("Allow", "sts:AssumeRole", f"arn:aws:iam::{A}:role/o*"))
        company.iam("ada").put_user_policy(UserName="carol", PolicyName="p", PolicyDocument=allow)
        assume(company, carol, arn)

    def test_both_accounts_must_allow_it(
        self, company: Any, carol: Credentials, refused: Any
    ) -> None:
        company.verifier.create_account(B, root_email="b@b", root_password="b")
        arn = company.verifier.role_arn(
            company.verifier.create_role(B, "theirs", trusts=[user_arn("carol")])
        )
        with refused(*not_assumed(user_arn("carol"), arn, NO_IDENTITY_POLICY)):
            assume(company, carol, arn)
        company.iam("ada").put_user_policy(
            UserName="carol",
            PolicyName="p",
            PolicyDocument=document(says("Allow", "sts:AssumeRole", arn)),
        )
        assume(company, carol, arn)

    def test_own_policy_may_deny_it(self, company: Any, refused: Any) -> None:
        arn = role(company, trusts=[user_arn("ada")])
        company.iam("ada").put_user_policy(
            UserName="ada", PolicyName="p", PolicyDocument=document(says("Deny", "sts:Assume*"))
        )
        end = " with an explicit deny in an identity-based policy"
        with refused(*not_assumed(user_arn("ada"), arn, end)):
            assume(company, "ada", arn)

    def test_trust_policy_may_deny_it(self, company: Any, refused: Any) -> None:
        deny = {
            "Effect": "Deny",
            "Principal": {"AWS": user_arn("bob")},
            "Action": "sts:AssumeRole",
        }
        allow = json.loads(trusting(A))["Statement"][0]
        arn = role(company, trust_policy=document(allow, deny))
        assume(company, "alice", arn)
        end = " with an explicit deny in the role trust policy"
        with refused(*not_assumed(user_arn("bob"), arn, end)):
            assume(company, "bob", arn)

    def test_external_id(self, company: Any, refused: Any) -> None:
        arn = role(company, trust_policy=trusting(A, StringEquals={"sts:ExternalId": "12345"}))
        assume(company, "alice", arn, ExternalId="12345")
        for parameters in ({}, {"ExternalId": "54321"}):
            with refused(*not_assumed(user_arn("alice"), arn)):
                assume(company, "alice", arn, **parameters)

    def test_age_of_mfa(self, company: Any, clock: Any, refused: Any) -> None:
        """The code of the call itself is of age 0."""
        token = company.enrol()
        young = {"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}
        arn = role(company, trust_policy=trusting(A, **young))
        session = company.mfa_session(token)
        clock.advance(59)
        assume(company, session, arn)
        clock.advance(1)
        with refused(*not_assumed(user_arn("alice"), arn)):
            assume(company, session, arn)
        proof = {"SerialNumber": token.serial, "TokenCode": token.code()}
        assume(company, "alice", arn, **proof)

    def test_tags_and_source_identity_are_actions_of_their_own(self, company: Any) -> None:
        arn = role(company, trust_policy=trusting(A))
        assume(company, "alice", arn)
        for action, parameters in (
            ("TagSession", {"Tags": [{"Key": "team", "Value": "red"}]}),
            ("SetSourceIdentity", {"SourceIdentity": "alice"}),
        ):
            with pytest.raises(ServiceError, match=f"not authorized to perform: sts:{action} on"):
                assume(company, "alice", arn, **parameters)
            actions = ["sts:AssumeRole", f"sts:{action}"]
            company.iam("ada").update_assume_role_policy(
                RoleName="operator", PolicyDocument=trusting(A, action=actions)
            )
            assume(company, "alice", arn, **parameters)

    def test_tags_of_the_request_and_of_the_principal(self, company: Any) -> None:
        """A tag that a session was given is the principal's from then on."""
        action = ["sts:AssumeRole", "sts:TagSession"]
        asked = {"StringEquals": {"aws:RequestTag/team": ["red", "blue"]}}
        arn = role(company, policies=(), trust_policy=trusting(A, action=action, **asked))
        same_team = {"StringEquals": {"s3:prefix": "${aws:PrincipalTag/team}/"}}
        company.iam("ada").put_role_policy(
            RoleName="operator",
            PolicyName="p",
            PolicyDocument=document(says("Allow", "s3:ListBucket", Condition=same_team)),
        )
        session = assume(company, "alice", arn, Tags=[{"Key": "team", "Value": "red"}])
        company.verifier.authorize(session, "s3:ListBucket", context={"s3:prefix": "red/"})
        with pytest.raises(ServiceError, match="s3:ListBucket"):
            company.verifier.authorize(session, "s3:ListBucket", context={"s3:prefix": "blue/"})
        with pytest.raises(ServiceError, match="sts:AssumeRole"):
            assume(company, "alice", arn, Tags=[{"Key": "team", "Value": "green"}])

    def test_role_in_a_chain_is_named_or_allowed_itself(self, company: Any, refused: Any) -> None:
        first = role(company, "first", policies=())
        session = assume(company, "alice", first)
        assume(company, session, role(company, "second", trusts=[first]))
        third = role(company, "third")
        caller = f"arn:aws:sts::{A}:assumed-role/first/shift"
        with refused(*not_assumed(caller, third, NO_IDENTITY_POLICY)):
            assume(company, session, third)
        company.iam("ada").put_role_policy(
            RoleName="first",
            PolicyName="p",
            PolicyDocument=document(says("Allow", "sts:AssumeRole", third)),
        )
        assume(company, session, third)

    def test_trust_is_in_who_was_named_and_not_in_the_name(
        self, company: Any, refused: Any
    ) -> None:
        """A user, and a role, that are renamed or made again under the same name."""
        iam = company.iam("ada")
        first = role(company, "first", policies=())
        iam.create_role(
            RoleName="target", AssumeRolePolicyDocument=trusting([user_arn("bob"), first])
        )
        arn = f"arn:aws:iam::{A}:role/target"
        session = assume(company, "alice", first)
        assume(company, "bob", arn)
        assume(company, session, arn)
        iam.update_user(UserName="bob", NewUserName="robert")
        assume(company, "bob", arn)
        impostor = company.verifier.create_access_key(company.verifier.create_user(A, "bob").id)
        with refused(*not_assumed(user_arn("bob"), arn)):
            assume(company, impostor, arn)
        iam.delete_role(RoleName="first")
        session = assume(company, "alice", role(company, "first"))
        caller = f"arn:aws:sts::{A}:assumed-role/first/shift"
        with refused(*not_assumed(caller, arn)):
            assume(company, session, arn)
        iam.update_assume_role_policy(
            RoleName="target", PolicyDocument=trusting([user_arn("bob"), first])
        )
        assume(company, impostor, arn)
        assume(company, session, arn)
        with refused(*not_assumed(user_arn("robert"), arn)):
            assume(company, "bob", arn)

    def test_session_policies_that_are_none(self, company: Any) -> None:
        arn = role(company)
        none = {"arn": f"arn:aws:iam::{A}:policy/none"}
        for parameters in ({"Policy": "{"}, {"PolicyArns": [none]}):
            with pytest.raises(ServiceError) as caught:
                assume(company, "alice", arn, **parameters)
            assert (caught.value.code, caught.value.status) == ("MalformedPolicyDocument", 400)


class TestGetSessionTokenAndPolicies:
    def test_it_needs_no_permission_and_can_be_denied(self, company: Any, refused: Any) -> None:
        """Why the guide's policy that forces MFA spares it: the code comes with the call."""
        token = company.enrol()
        unless = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
        deny = {**says("Deny", "x", Condition=unless), "NotAction": "iam:*"}
        del deny["Action"]
        put = company.iam("ada").put_user_policy
        put(UserName="alice", PolicyName="force", PolicyDocument=document(deny))
        text = (
            f"User: {user_arn('alice')} is not authorized to perform: sts:GetSessionToken on "
            "resource: * with an explicit deny in an identity-based policy"
        )
        with refused("AccessDenied", text, 403):
            company.mfa_session(token)
        deny["NotAction"] = ["iam:*", "sts:GetSessionToken"]
        put(UserName="alice", PolicyName="force", PolicyDocument=document(deny))
        session = company.mfa_session(token)
        put(
            UserName="alice",
            PolicyName="s3",
            PolicyDocument=document(says("Allow", "s3:ListAllMyBuckets")),
        )
        ask = "s3:ListAllMyBuckets"
        company.verifier.authorize(session, ask)
        for credentials in (company.keys["alice"], company.session()):
            with pytest.raises(ServiceError, match="explicit deny in an identity-based policy"):
                company.verifier.authorize(credentials, ask)
        company.sts("alice").get_caller_identity()

    def test_boundary_can_deny_it(self, company: Any) -> None:
        ada = company.iam("ada")
        made = ada.create_policy(
            PolicyName="no-sts", PolicyDocument=document(says("Deny", "sts:*"))
        )
        ada.put_user_permissions_boundary(
            UserName="alice", PermissionsBoundary=made["Policy"]["Arn"]
        )
        with pytest.raises(ServiceError, match="explicit deny in a permissions boundary"):
            company.session()


def test_credentials_of_a_role_meet_no_mfa_condition(company: Any) -> None:
    """The guide: MFA is for the call of AssumeRole, not for what its credentials do."""
    token = company.enrol()
    arn = role(company, policies=(), requires_mfa=True)
    if_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    company.iam("ada").put_role_policy(
        RoleName="operator",
        PolicyName="p",
        PolicyDocument=document(
            says("Allow", "s3:ListAllMyBuckets"), says("Allow", "s3:DeleteBucket", Condition=if_mfa)
        ),
    )
    session = assume(company, "alice", arn, SerialNumber=token.serial, TokenCode=token.code())
    company.verifier.authorize(session, "s3:ListAllMyBuckets")
    with pytest.raises(ServiceError, match="s3:DeleteBucket"):
        company.verifier.authorize(session, "s3:DeleteBucket", "arn:aws:s3:::logs")


ROOT_TASKS = "arn:aws:iam::aws:policy/root-task"


class TestFederationToken:
    ARN = f"arn:aws:sts::{A}:federated-user/Bob"
    POLICY = (
        '{"Version": "2012-10-17", "Statement": '
        '{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}}'
    )

    def get(self, company: Any, who: Any = "ada", **parameters: Any) -> Any:
        return company.sts(who).get_federation_token(**{"Name": "Bob", **parameters})

    def test_answer(self, company: Any) -> None:
        answer = self.get(company)
        assert answer["FederatedUser"] == {"FederatedUserId": f"{A}:Bob", "Arn": self.ARN}
        assert "PackedPolicySize" not in answer
        assert self.get(company, Policy=self.POLICY)["PackedPolicySize"] > 0
        assert company.sts(Credentials.of(answer)).get_caller_identity() == {
            "UserId": f"{A}:Bob",
            "Account": A,
            "Arn": self.ARN,
        }

    def test_asks_nothing_of_sts_but_who_it_is(self, company: Any) -> None:
        everything = self.POLICY.replace("s3:List*", "*")
        sts = company.sts(Credentials.of(self.get(company, Policy=everything)))
        for asks in (
            lambda: sts.get_access_key_info(AccessKeyId=company.keys["ada"].access_key_id),
            sts.get_session_token,
            lambda: sts.get_federation_token(Name="Eve"),
            lambda: sts.assume_role(RoleArn=f"arn:aws:iam::{A}:role/x", RoleSessionName="eve"),
            lambda: sts.assume_root(
                TargetPrincipal="210987654321",
                TaskPolicyArn={"arn": f"{ROOT_TASKS}/IAMAuditRootUserCredentials"},
            ),
        ):
            with pytest.raises(ServiceError, match="AccessDenied"):
                asks()

    def test_never_with_mfa(self, company: Any) -> None:
        """There are no parameters for it, and long-term keys, which alone may call, carry none."""
        token = company.enrol("ada")
        credentials = Credentials.of(self.get(company))
        assert company.verifier.mfa_context(credentials) == MfaContext(False, None)
        with pytest.raises(ServiceError, match="SerialNumber"):
            self.get(company, SerialNumber=token.serial, TokenCode=token.code())
        with pytest.raises(ServiceError, match="with session credentials") as caught:
            self.get(company, company.mfa_session(token, "ada"))
        assert caught.value.args == (
            "AccessDenied",
            "Cannot call GetFederationToken with session credentials",
            403,
        )

    @pytest.mark.parametrize(
        ("who", "asked", "seconds"),
        [
            ("ada", None, 43_200),
            ("ada", 900, 900),
            ("ada", 129_600, 129_600),
            ("root", None, 3_600),
            ("root", 900, 900),
            ("root", 43_200, 3_600),
        ],
    )
    def test_duration(
        self, company: Any, clock: Any, who: str, asked: int | None, seconds: int
    ) -> None:
        answer = self.get(company, who, DurationSeconds=asked)
        expires = answer["Credentials"]["Expiration"].timestamp()
        assert expires - clock.ns / 1e9 == seconds

    @pytest.mark.parametrize("name", ["B", "B" * 33, "Bob Smith", "Böb"])
    def test_name_is_of_two_to_32_letters(self, company: Any, name: str) -> None:
        with pytest.raises(ServiceError, match="validation error"):
            self.get(company, Name=name)

    def test_nothing_at_iam_and_no_further_credentials(self, company: Any) -> None:
        federated = Credentials.of(self.get(company, Policy=self.POLICY))
        with pytest.raises(ServiceError, match="InvalidClientTokenId"):
            company.iam(federated).get_user()
        with pytest.raises(ServiceError, match="Cannot call GetSessionToken with session"):
            company.sts(federated).get_session_token()
        with pytest.raises(ServiceError, match=f"User: {self.ARN} is not authorized"):
            company.sts(federated).assume_role(RoleArn=role(company), RoleSessionName="shift")
        with pytest.raises(ServiceError, match="Cannot call GetFederationToken with session"):
            self.get(company, federated)

    def may(self, company: Any, credentials: Credentials, action: str) -> bool:
        try:
            company.verifier.authorize(credentials, action, "arn:aws:s3:::bucket")
        except ServiceError as error:
            if error.code != "AccessDenied":
                raise
            return False
        return True

    @pytest.mark.parametrize("who", ["ada", "root", "alice"])
    def test_policy_narrows_what_the_caller_may(self, company: Any, who: str) -> None:
        """Without a policy: nothing. Alice may give credentials, but nothing in S3."""
        company.iam("ada").put_user_policy(
            UserName="alice",
            PolicyName="federate",
            PolicyDocument=self.POLICY.replace("s3:List*", "sts:GetFederationToken"),
        )
        narrowed = Credentials.of(self.get(company, who, Policy=self.POLICY))
        assert self.may(company, narrowed, "s3:ListBucket") is (who != "alice")
        assert not self.may(company, narrowed, "s3:DeleteBucket")
        arns = [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]
        managed = Credentials.of(self.get(company, who, PolicyArns=arns))
        assert self.may(company, managed, "s3:GetObject") is (who != "alice")
        assert not self.may(company, managed, "s3:PutObject")
        assert not self.may(company, Credentials.of(self.get(company, who)), "s3:ListBucket")

    def test_mfa_condition_is_never_met(self, company: Any) -> None:
        wanted = json.loads(self.POLICY)
        wanted["Statement"]["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        federated = Credentials.of(self.get(company, Policy=json.dumps(wanted)))
        assert not self.may(company, federated, "s3:ListBucket")
        wanted["Statement"]["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
        federated = Credentials.of(self.get(company, Policy=json.dumps(wanted)))
        assert self.may(company, federated, "s3:ListBucket")

    def test_policy_that_is_none(self, company: Any) -> None:
        with pytest.raises(ServiceError, match="MalformedPolicyDocument"):
            self.get(company, Policy="{")

    def test_needs_a_permission(self, company: Any, refused: Any) -> None:
        with pytest.raises(ServiceError, match=f"sts:GetFederationToken on resource: {self.ARN}"):
            self.get(company, "alice")

    def test_ends_with_its_user(self, company: Any) -> None:
        federated = Credentials.of(self.get(company))
        company.console.delete_user(company.signed_in_root().credentials, user_name="ada")
        with pytest.raises(ServiceError, match="InvalidClientTokenId"):
            company.sts(federated).get_caller_identity()

    def test_trail(self, company: Any) -> None:
        company.sts(Credentials.of(self.get(company))).get_caller_identity()
        (event,) = company.trail("GetCallerIdentity")
        assert event.fields["userIdentity"]["type"] == "FederatedUser"
        assert event.fields["userIdentity"]["arn"] == self.ARN


def test_access_key_info(company: Any, refused: Any) -> None:
    ada = company.sts("ada")
    session = company.session()
    for key in (company.keys["alice"], company.keys["root"], session):
        assert ada.get_access_key_info(AccessKeyId=key.access_key_id) == {"Account": A}
    company.verifier.create_account("999999999999", root_email="o@o.example", root_password="o")
    foreign = company.verifier.create_access_key("999999999999").access_key_id
    assert ada.get_access_key_info(AccessKeyId=foreign) == {"Account": "999999999999"}
    with refused("ValidationError", "The access key ID is not valid.", 400):
        ada.get_access_key_info(AccessKeyId="AKIA" + "A" * 16)
    with pytest.raises(ServiceError, match="not authorized to perform: sts:GetAccessKeyInfo"):
        company.sts("alice").get_access_key_info(AccessKeyId=foreign)
