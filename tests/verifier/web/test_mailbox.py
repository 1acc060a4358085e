"""The mailbox keeps the newest messages, and hands all of them on."""

from typing import Any

from mfalab.verifier.web.mailbox import MOST_MESSAGES, Mailbox, Medium


def test_messages_are_kept_and_handed_on(company: Any) -> None:
    box = Mailbox(company.clock, company.outbox)
    box.send_sms("+1 555", "Your code is 123456")
    company.clock.advance(5)
    box.send_mail("a@b", "Subject", "Text", "token")
    box.send_mail("a@b", "Code", "It is 111111", "111111")
    box.place_call("+1 555", "call-id")
    media = [message.medium for message in box.messages]
    assert media == [Medium.CALL, Medium.MAIL, Medium.MAIL, Medium.SMS]
    assert [message.token for message in box.messages] == ["call-id", "", "token", ""]
    assert box.messages[0].sent_ns - box.messages[-1].sent_ns == 5 * 10**9
    assert (company.outbox.messages, len(company.outbox.mails), company.outbox.calls) == (
        [("+1 555", "Your code is 123456")],
        2,
        [("+1 555", "call-id")],
    )


def test_old_messages_are_dropped_and_secrets_not_shown(company: Any) -> None:
    box = Mailbox(company.clock)
    for number in range(MOST_MESSAGES + 5):
        box.send_mail("a@b", "S", f"text {number}", "a secret")
    assert len(box.messages) == MOST_MESSAGES
    assert box.messages[0].text == f"text {MOST_MESSAGES + 4}"
    assert "secret" not in repr(box.messages[0])
