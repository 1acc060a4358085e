"""A relying party with py_webauthn: registration, authentication, phishing, a cloned key.

`security_key` is plugged in, and python-fido2's client stands for the browser. The key has time of
its own, so a person who takes 25 s to touch it costs the test nothing.

    $ pytest test_webauthn.py
"""

import pytest
import webauthn
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import InvalidAuthenticationResponse
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from mfalab.devices.ctap.user import absent, touching
from mfalab.devices.security_key import SecurityKey
from mfalab.simulator.entropy import Entropy

RP_ID = "example.com"
SITE = "https://example.com"
TOUCH_ONLY = UserVerificationRequirement.DISCOURAGED  # the key has no PIN: it is a second factor


class RelyingParty:
    """A site with one user, who has one credential."""

    def register(self, browser: Fido2Client) -> None:
        options = webauthn.generate_registration_options(
            rp_id=RP_ID,
            rp_name="Example",
            user_name="alice",
            authenticator_selection=AuthenticatorSelectionCriteria(user_verification=TOUCH_ONLY),
        )
        asked = PublicKeyCredentialCreationOptions.from_dict(options_to_json_dict(options))
        verified = webauthn.verify_registration_response(
            credential=dict(browser.make_credential(asked)),
            expected_challenge=options.challenge,
            expected_rp_id=RP_ID,
            expected_origin=SITE,
        )
        self.credential_id = verified.credential_id
        self.public_key = verified.credential_public_key
        self.sign_count = verified.sign_count

    def authenticate(self, browser: Fido2Client) -> None:
        options = webauthn.generate_authentication_options(
            rp_id=RP_ID,
            allow_credentials=[PublicKeyCredentialDescriptor(id=self.credential_id)],
            user_verification=TOUCH_ONLY,
        )
        asked = PublicKeyCredentialRequestOptions.from_dict(options_to_json_dict(options))
        verified = webauthn.verify_authentication_response(
            credential=dict(browser.get_assertion(asked).get_response(0)),
            expected_challenge=options.challenge,
            expected_rp_id=RP_ID,
            expected_origin=SITE,
            credential_public_key=self.public_key,
            credential_current_sign_count=self.sign_count,
        )
        self.sign_count = verified.new_sign_count


def browser_with(key: SecurityKey, origin: str = SITE) -> Fido2Client:
    return Fido2Client(key.device(), DefaultClientDataCollector(origin))


@pytest.fixture
def site(security_key: SecurityKey) -> RelyingParty:
    """The site, where the key is registered."""
    site = RelyingParty()
    site.register(browser_with(security_key))
    return site


def test_the_key_signs_in_after_a_slow_touch(site: RelyingParty, security_key: SecurityKey) -> None:
    security_key.user = touching(after_ns=25 * 10**9)
    before = site.sign_count
    site.authenticate(browser_with(security_key))
    assert site.sign_count > before


def test_without_a_touch_there_is_no_assertion(
    site: RelyingParty, security_key: SecurityKey
) -> None:
    security_key.user = absent
    with pytest.raises(ClientError) as caught:
        site.authenticate(browser_with(security_key))
    assert caught.value.code is ClientError.ERR.TIMEOUT


def test_a_phishing_site_gets_no_assertion(site: RelyingParty, security_key: SecurityKey) -> None:
    with pytest.raises(ClientError) as caught:
        site.authenticate(browser_with(security_key, "https://example.com.evil.test"))
    assert caught.value.code is ClientError.ERR.BAD_REQUEST


def test_a_cloned_key_is_noticed_by_its_counter(
    site: RelyingParty, security_key: SecurityKey
) -> None:
    clone = security_key.clone(random_bytes=Entropy(2).random_bytes("clone"))
    clone.plug()
    site.authenticate(browser_with(security_key))
    with pytest.raises(InvalidAuthenticationResponse, match="sign count"):
        site.authenticate(browser_with(clone))
