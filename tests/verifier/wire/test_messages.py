"""HTTP messages."""

from mfalab.verifier.wire.messages import Request


def test_header_is_joined_and_trimmed() -> None:
    headers = (("x-a", " one   two "), ("x-b", "other"), ("x-a", "three"))
    request = Request("GET", "/", headers=headers)
    assert request.header("x-a") == "one two,three"
    assert request.header("x-c") is None
