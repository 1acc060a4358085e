"""A relying party with py_webauthn: registration, authentication, phishing, a cloned key.

`browser` has `security_key` in its port. Their time is the test's `clock`, so a person who takes
25 s to touch the key costs the test nothing.

    $ pytest test_webauthn.py
"""

import pytest
import webauthn
from webauthn.helpers.exceptions import InvalidAuthenticationResponse
from webauthn.helpers.structs import PublicKeyCredentialDescriptor

from mfalab import Browser, DOMException, Entropy, SecurityKey
from mfalab.devices.ctap.user import absent, touching

RP_ID = "example.com"
SITE = "https://example.com"


class RelyingParty:
    """A site with one user, who has one credential."""

    def register(self, browser: Browser) -> None:
        options = webauthn.generate_registration_options(
            rp_id=RP_ID,
            rp_name="Example",
            user_name="alice",
        )
        verified = webauthn.verify_registration_response(
            credential=browser.create(webauthn.options_to_json(options)),
            expected_challenge=options.challenge,
            expected_rp_id=RP_ID,
            expected_origin=SITE,
        )
        self.credential_id = verified.credential_id
        self.public_key = verified.credential_public_key
        self.sign_count = verified.sign_count

    def authenticate(self, browser: Browser) -> None:
        options = webauthn.generate_authentication_options(
            rp_id=RP_ID,
            allow_credentials=[PublicKeyCredentialDescriptor(id=self.credential_id)],
        )
        verified = webauthn.verify_authentication_response(
            credential=browser.get(webauthn.options_to_json(options)),
            expected_challenge=options.challenge,
            expected_rp_id=RP_ID,
            expected_origin=SITE,
            credential_public_key=self.public_key,
            credential_current_sign_count=self.sign_count,
        )
        self.sign_count = verified.new_sign_count


@pytest.fixture
def site(browser: Browser) -> RelyingParty:
    """The site, where the key is registered."""
    site = RelyingParty()
    site.register(browser)
    return site


def test_the_key_signs_in_after_a_slow_touch(site: RelyingParty, browser: Browser) -> None:
    browser.key.user = touching(after_ns=25 * 10**9)
    before = site.sign_count
    site.authenticate(browser)
    assert site.sign_count > before


def test_without_a_touch_there_is_no_assertion(site: RelyingParty, browser: Browser) -> None:
    browser.key.user = absent
    with pytest.raises(DOMException, match="NotAllowedError"):
        site.authenticate(browser)


def test_a_phishing_site_gets_no_assertion(site: RelyingParty, browser: Browser) -> None:
    browser.origin = "https://example.com.evil.test"
    with pytest.raises(DOMException, match="SecurityError"):
        site.authenticate(browser)


def test_a_cloned_key_is_noticed_by_its_counter(
    site: RelyingParty, browser: Browser, security_key: SecurityKey
) -> None:
    clone = security_key.clone(random_bytes=Entropy(2).random_bytes("clone"))
    clone.plug()
    site.authenticate(browser)
    with pytest.raises(InvalidAuthenticationResponse, match="sign count"):
        site.authenticate(Browser(clone))
