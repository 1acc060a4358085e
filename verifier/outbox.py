"""What the verifier sends to people: short messages, mail, telephone calls.

Messages leave after the decision that caused them is committed. Whether and when they arrive is
not the verifier's to know.
"""

from typing import Protocol, final


class Outbox(Protocol):
    """Carries messages out of the verifier."""

    def send_sms(self, number: str, text: str) -> None:
        """Send a short message to a telephone number."""
        ...

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None:
        """Send a mail; `token` is what the link in it carries, empty when it has none."""
        ...

    def place_call(self, number: str, call_id: str) -> None:
        """Call a telephone that shall answer call `call_id` with digits on its keypad."""
        ...


@final
class Silence:
    """An outbox that drops everything, for verifiers without mail and telephone."""

    def send_sms(self, number: str, text: str) -> None:
        """Drop it."""

    def send_mail(self, address: str, subject: str, text: str, token: str) -> None:
        """Drop it."""

    def place_call(self, number: str, call_id: str) -> None:
        """Drop it."""
