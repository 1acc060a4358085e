"""Certificates of attestation statements, and the paths that they make."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mfalab.verifier.webauthn.certificates import leads_to, trust_path

LEAF = "Authenticator Attestation"


@pytest.fixture
def root(make_certificate: Any) -> Any:
    return make_certificate("CA", ca=True)


class TestChains:
    NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def path(self, *made: Any) -> tuple[Any, ...]:
        return tuple(certificate for certificate, _ in made)

    def test_direct_and_through_an_intermediate(self, make_certificate: Any, root: Any) -> None:
        between = make_certificate("Between", root, ca=True)
        leaf, deep = make_certificate(LEAF, root), make_certificate(LEAF, between)
        roots = self.path(root)
        assert leads_to(self.path(leaf), roots, self.NOW)
        assert leads_to(self.path(leaf, root), roots, self.NOW)
        assert leads_to(self.path(deep, between), roots, self.NOW)
        assert leads_to(self.path(deep, between, root), roots, self.NOW)
        assert leads_to(self.path(deep, between), self.path(between), self.NOW)
        assert leads_to(self.path(leaf), self.path(leaf), self.NOW)

    def test_not_out_of_order_nor_with_a_gap(self, make_certificate: Any, root: Any) -> None:
        between = make_certificate("Between", root, ca=True)
        deep = make_certificate(LEAF, between)
        roots = self.path(root)
        assert not leads_to(self.path(deep), roots, self.NOW)
        assert not leads_to(self.path(between, deep), (), self.NOW)
        assert not leads_to(self.path(deep, root), self.path(deep)[:0], self.NOW)
        assert not leads_to((), roots, self.NOW)
        assert not leads_to(self.path(deep, between), (), self.NOW)

    def test_only_a_ca_issues(self, make_certificate: Any, root: Any) -> None:
        plain = make_certificate("Plain", root)
        leaf = make_certificate(LEAF, plain)
        assert not leads_to(self.path(leaf, plain), self.path(root), self.NOW)
        assert not leads_to(self.path(leaf), self.path(plain), self.NOW)

    def test_path_length(self, make_certificate: Any) -> None:
        short = make_certificate("CA", ca=True, path_length=0)
        between = make_certificate("Between", short, ca=True)
        leaf, deep = make_certificate(LEAF, short), make_certificate(LEAF, between)
        assert leads_to(self.path(leaf), self.path(short), self.NOW)
        assert not leads_to(self.path(deep, between), self.path(short), self.NOW)

    def test_every_certificate_is_valid_now(self, make_certificate: Any, root: Any) -> None:
        old = make_certificate(LEAF, root, days=(-20, -10))
        coming = make_certificate(LEAF, root, days=(10, 20))
        over = make_certificate("Between", root, ca=True, days=(-20, -10))
        deep = make_certificate(LEAF, over)
        roots = self.path(root)
        assert not leads_to(self.path(old), roots, self.NOW)
        assert not leads_to(self.path(coming), roots, self.NOW)
        assert not leads_to(self.path(deep, over), roots, self.NOW)

    def test_name_of_the_issuer_with_another_key(self, make_certificate: Any) -> None:
        real = make_certificate("CA", ca=True)
        forged = make_certificate("CA", ca=True)
        assert real[0].subject == forged[0].subject
        leaf = make_certificate(LEAF, forged)
        assert not leads_to(self.path(leaf), self.path(real), self.NOW)
        assert not leads_to(self.path(leaf, real), self.path(real), self.NOW)

    def test_issuer_without_basic_constraints(self, make_certificate: Any, root: Any) -> None:
        between = make_certificate("Between", root, basic_constraints=False)
        leaf = make_certificate(LEAF, between)
        assert not leads_to(self.path(leaf, between), self.path(root), self.NOW)


def test_trusted_certificate_has_a_serial_number_above_zero(
    make_certificate: Any, root: Any
) -> None:
    data = make_certificate(LEAF, root)[0].public_bytes(Encoding.DER)
    assert len(trust_path((data,))) == 1
    at = data.index(b"\x02\x14") if b"\x02\x14" in data[:24] else data.index(b"\x02\x13")
    size = data[at + 1]
    zero = data[: at + 2] + bytes(size) + data[at + 2 + size :]
    with pytest.raises(ValueError, match="cannot be read"):
        trust_path((zero,))
