"""A refusal as text."""

from mfalab.verifier import ServiceError


def test_text_is_the_code_and_what_the_service_says() -> None:
    assert str(ServiceError("NoSuchEntity", "It is gone.", 404)) == "NoSuchEntity: It is gone."


def test_refusal_without_a_message_is_its_code() -> None:
    assert str(ServiceError("ReportNotPresent", "", 410)) == "ReportNotPresent"
