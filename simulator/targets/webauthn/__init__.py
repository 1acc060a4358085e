"""WebAuthn servers as targets, by the FIDO server-test API."""
