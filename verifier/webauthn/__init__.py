"""The relying party's side of WebAuthn: messages, checks and verdicts, without any I/O.

The assertion decision stands on `cryptography` alone; bench/test_bench_webauthn.py has the figures.
"""
