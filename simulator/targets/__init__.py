"""Systems under test: the embedded verifier, and other people's behind the same port."""
