"""A browser whose authenticator is a simulated key, by Chromium's WebAuthn proxy."""
