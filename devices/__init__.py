"""What a person holds: tokens, authenticator apps, phones."""
