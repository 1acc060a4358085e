"""What a failed ceremony says: its outcome, and a reason of bounded length."""

from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome


def test_reason_is_told_with_its_outcome() -> None:
    failure = CeremonyFailed(CeremonyOutcome.MALFORMED, "no authData")
    assert str(failure) == "malformed: no authData"


def test_reason_that_quotes_what_was_sent_is_cut() -> None:
    failure = CeremonyFailed(CeremonyOutcome.MALFORMED, "x" * 100_000)
    assert failure.reason == "x" * 500 + "..."
