"""Words in braces: known ones are replaced, others are told."""

import pytest

from mfalab.simulator.targets import otp_words


def test_words_are_replaced() -> None:
    words = otp_words.of_enrolment("alice", b"12345678901234567890", "SHA1", 6, 30)
    assert otp_words.fill("{account}:{seed_base32}:{digits}", words) == (
        "alice:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ:6"
    )
    assert bytes.fromhex(words["seed_hex"]) == b"12345678901234567890"


@pytest.mark.parametrize("text", ["{cod}", "{}", "{0}", "{code!r}", "{code:>9}", "{code.x}"])
def test_unknown_word_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="there are account, code"):
        otp_words.check(text)


@pytest.mark.parametrize("text", ["{code", "code}", "{{code}"])
def test_brace_alone_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|'{'|'}'"):
        otp_words.check(text)
