"""Words in braces: known ones are replaced, others are told."""

import pytest

from mfalab.simulator.targets.otp import template


def test_words_are_replaced() -> None:
    words = template.of_enrolment("alice", b"12345678901234567890", "SHA1", 6, 30)
    assert template.fill("{account}:{seed_base32}:{digits}", words) == (
        "alice:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ:6"
    )
    assert bytes.fromhex(words["seed_hex"]) == b"12345678901234567890"


@pytest.mark.parametrize("text", ["{cod}", "{}", "{0}", "{code!r}", "{code:>9}", "{code.x}"])
def test_unknown_word_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="there are account, code"):
        template.check(text)


@pytest.mark.parametrize("text", ["{code", "code}", "{{code}"])
def test_brace_alone_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|'{'|'}'"):
        template.check(text)
