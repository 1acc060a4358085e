"""What temporary credentials say about MFA."""

from typing import Any

import pytest

from mfalab.verifier import Credentials, DeviceKind, MfaContext, RoleCredentialsMfa

ACCOUNT = "123456789012"


class TestMfaContext:
    def test_long_term_keys_have_none(self, company: Any) -> None:
        company.enrol()
        assert company.verifier.mfa_context(company.keys["alice"]) == MfaContext(None, None)

    def test_session_without_mfa(self, company: Any) -> None:
        assert company.verifier.mfa_context(company.session()) == MfaContext(False, None)

    def test_age_counts_from_the_code(self, company: Any, clock: Any) -> None:
        session = company.mfa_session(company.enrol())
        clock.advance(59.999)
        assert company.verifier.mfa_context(session) == MfaContext(True, 59)

    @pytest.mark.parametrize("counts", [True, False])
    def test_roots_session_token(self, company: Any, counts: bool) -> None:
        token = company.enrol_root()
        company.set(root_session_mfa=counts)
        proved = company.mfa_session(token, "root")
        assert company.verifier.mfa_context(proved) == MfaContext(counts, 0 if counts else None)
        page = company.console.choose(company.root_page().id, DeviceKind.VIRTUAL)
        signed_in = company.console.submit_code(page.id, token.code(1))
        assert company.verifier.mfa_context(signed_in.credentials) == MfaContext(True, 0)

    def test_console_sessions(self, company: Any, clock: Any) -> None:
        plain = company.signed_in().credentials
        assert company.verifier.mfa_context(plain) == MfaContext(False, None)
        token = company.enrol()
        session = company.console.submit_code(company.page().id, token.code()).credentials
        clock.advance(10)
        assert company.verifier.mfa_context(session) == MfaContext(True, 10)

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (RoleCredentialsMfa.FALSE, MfaContext(False, None)),
            (RoleCredentialsMfa.ABSENT, MfaContext(None, None)),
            (RoleCredentialsMfa.INHERITED, MfaContext(True, 0)),
        ],
    )
    def test_role_credentials(
        self, company: Any, rule: RoleCredentialsMfa, expected: MfaContext
    ) -> None:
        company.set(role_credentials_mfa=rule)
        token = company.enrol()
        role = company.verifier.create_role(
            ACCOUNT, "operator", trusts=[f"arn:aws:iam::{ACCOUNT}:root"]
        )
        given = company.sts("alice").assume_role(
            RoleArn=company.verifier.role_arn(role),
            RoleSessionName="shift",
            SerialNumber=token.serial,
            TokenCode=token.code(),
        )
        assert company.verifier.mfa_context(Credentials.of(given)) == expected


def test_session_token_has_no_role_and_its_own_expiry(company: Any, clock: Any) -> None:
    company.session(DurationSeconds=900)
    (session,) = company.everything()["Session"]
    assert (session.role_id, session.session_name, session.mfa_ns) == (None, None, None)
    assert session.expires_ns - session.issued_ns == 900 * 10**9
    assert session.issued_ns == clock.ns
