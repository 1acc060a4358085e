"""The relying party's side of WebAuthn: messages, checks and verdicts, without any I/O.

The assertion decision stands on `cryptography` alone; bench/test_bench_webauthn.py has the figures.
"""

from mfalab.verifier.webauthn.outcomes import CeremonyDecision, CeremonyOutcome

__all__ = ["CeremonyDecision", "CeremonyOutcome"]
