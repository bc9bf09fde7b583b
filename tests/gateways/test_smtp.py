"""An e-mail goes to one recipient, encrypted as configured, or it is said why not."""

from __future__ import annotations

import asyncio
import email
import email.policy
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretStr

from tests.gateways.certificates import client_context, server_context
from tests.gateways.mail_server import DROP, HANG, Mailbox, serving
from tests.support.service import NOON
from vending_api.domain.notifications.types import Message, NotSent
from vending_api.gateways.smtp import SmtpMessenger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE: Final = Message(
    subject="Your token for meter 01234567890",
    text="Standard token 22.2 kWh\n    1234 5678 9012 3456 7890\n\n.\nThank you, Zoë\n",
    short_text="",
)
RECIPIENT: Final = "tenant@example.org"
SENDER: Final = "Estate Power <vend@example.org>"


@contextmanager
def _messenger(mailbox: Mailbox, **changes: Any) -> Iterator[SmtpMessenger]:
    facts: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "user": None,
        "password": None,
        "sender": SENDER,
        "now": lambda: NOON,
        "tls": client_context(),
        **changes,
    }
    messenger = SmtpMessenger(**facts)
    try:
        yield messenger
    finally:
        mailbox.released.set()
        messenger.stop()


def _send(
    mailbox: Mailbox, *, recipient: str = RECIPIENT, message: Message = MESSAGE, **changes: Any
) -> None:
    with serving(mailbox), _messenger(mailbox, **changes) as messenger:
        asyncio.run(messenger.send(recipient, message))


def _refused(mailbox: Mailbox, **changes: Any) -> NotSent:
    with pytest.raises(NotSent) as raised:
        _send(mailbox, **changes)
    return raised.value


def test_the_mail_arrives_with_all_that_a_mail_has() -> None:
    mailbox = Mailbox()
    _send(mailbox)
    assert mailbox.commands == [
        "ehlo example.org",
        "mail FROM:<vend@example.org>",
        "rcpt TO:<tenant@example.org>",
        "data",
        "quit",
    ]
    (octets,) = mailbox.mails
    mail = email.message_from_bytes(octets.replace(b"\r\n..", b"\r\n."), policy=email.policy.SMTP)
    assert mail["From"] == SENDER
    assert mail["To"] == RECIPIENT
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Date"].datetime == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.text


def test_the_same_message_is_the_same_mail_and_another_is_another() -> None:
    mailbox = Mailbox()
    _send(mailbox)
    _send(mailbox)
    _send(mailbox, message=Message(subject=MESSAGE.subject, text="Another", short_text=""))
    _send(mailbox, recipient="other@example.org")
    numbers = [email.message_from_bytes(one)["Message-ID"] for one in mailbox.mails]
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3


def test_a_server_that_asks_for_a_password_gets_it_over_starttls(tmp_path: Path) -> None:
    mailbox = Mailbox(tls=server_context(tmp_path))
    _send(mailbox, security="starttls", user="vending", password=SecretStr("hunter2"))
    assert mailbox.encrypted == [True]
    assert mailbox.verbs.index("STARTTLS") < mailbox.verbs.index("AUTH")


def test_a_connection_may_be_encrypted_from_the_start(tmp_path: Path) -> None:
    mailbox = Mailbox(tls=server_context(tmp_path), is_encrypted_from_the_start=True)
    _send(mailbox, security="tls")
    assert mailbox.encrypted == [True]
    assert "STARTTLS" not in mailbox.verbs


def test_nothing_is_sent_in_the_clear_where_encryption_was_asked_for() -> None:
    mailbox = Mailbox()  # it offers none
    refused = _refused(mailbox, security="starttls", user="vending", password=SecretStr("hunter2"))
    assert (str(refused), refused.is_final) == ("SMTPNotSupportedError", False)
    assert {"AUTH", "MAIL"}.isdisjoint(mailbox.verbs)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_nothing_is_sent_to_a_server_that_cannot_prove_its_name(
    tmp_path: Path, security: str
) -> None:
    mailbox = Mailbox(tls=server_context(tmp_path), is_encrypted_from_the_start=security == "tls")
    refused = _refused(mailbox, security=security, tls=None)
    assert (str(refused), refused.is_final) == ("SSLCertVerificationError", False)
    assert "MAIL" not in mailbox.verbs


@pytest.mark.parametrize(
    ("reply", "is_final"),
    [
        ("550 5.1.1 no such user", True),
        ("553 what is that", True),
        ("450 4.2.1 try later", False),
        ("451 busy", False),
        ("550 5.7.1 relaying denied", False),
    ],
)
def test_only_a_recipient_who_is_not_there_is_given_up(reply: str, *, is_final: bool) -> None:
    refused = _refused(Mailbox(replies={"RCPT": reply}))
    assert str(refused) == f"recipient refused, {reply[:3]}"
    assert refused.is_final is is_final


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ({"CONNECT": "554 go away"}, "SMTPConnectError, 554"),
        ({"MAIL": "550 5.7.1 not you"}, "SMTPSenderRefused, 550"),
        ({"DATA": "451 not now"}, "SMTPDataError, 451"),
        ({".": "554 5.6.0 1234 5678 9012 3456 7890 is spam"}, "SMTPDataError, 554"),
        ({"CONNECT": DROP}, "SMTPServerDisconnected"),
        ({"MAIL": DROP}, "SMTPServerDisconnected"),
        ({".": DROP}, "SMTPServerDisconnected"),
        ({"MAIL": "nonsense"}, "SMTPSenderRefused, -1"),
    ],
)
def test_any_other_trouble_may_be_better_later(replies: dict[str, str], reason: str) -> None:
    refused = _refused(Mailbox(replies=replies))
    assert (str(refused), refused.is_final) == (reason, False)


def test_a_wrong_password_may_be_mended() -> None:
    refused = _refused(Mailbox(), user="vending", password=SecretStr("hunter3"))
    assert (str(refused), refused.is_final) == ("SMTPAuthenticationError, 535", False)


def test_a_server_that_is_not_there_may_come_back() -> None:
    mailbox = Mailbox()
    with serving(mailbox):
        pass
    with _messenger(mailbox) as messenger, pytest.raises(NotSent) as raised:
        asyncio.run(messenger.send(RECIPIENT, MESSAGE))
    assert (str(raised.value), raised.value.is_final) == ("ConnectionRefusedError", False)


@pytest.mark.parametrize("verb", ["CONNECT", "DATA"])
def test_a_server_that_says_nothing_is_left(verb: str) -> None:
    refused = _refused(Mailbox(replies={verb: HANG}), reply_seconds=0.05)
    assert (str(refused), refused.is_final) == ("SMTPServerDisconnected", False)


def test_who_sends_does_not_wait_for_longer_than_a_step_may_take() -> None:
    refused = _refused(Mailbox(replies={"CONNECT": HANG}), total_seconds=0.05)
    assert (str(refused), refused.is_final) == ("TimeoutError", False)


@pytest.mark.parametrize("farewell", ["500 what", DROP])
def test_a_mail_that_was_taken_is_sent_however_the_server_says_goodbye(farewell: str) -> None:
    mailbox = Mailbox(replies={"QUIT": farewell})
    _send(mailbox)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "tenant",
        "tenant@",
        "@example.org",
        "a@example.org, b@example.org",
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org\nRCPT TO:<b@example.org>",
        "Somebody <a@example.org>",
        "a b@example.org",
    ],
)
def test_what_is_no_single_address_is_no_recipient(recipient: str) -> None:
    mailbox = Mailbox()
    refused = _refused(mailbox, recipient=recipient)
    assert (str(refused), refused.is_final) == ("the recipient is no e-mail address", True)
    assert mailbox.commands == []


def test_a_subject_cannot_hold_another_header() -> None:
    mailbox = Mailbox()
    evil = Message(subject="Your token\r\nBcc: b@example.org", text="", short_text="")
    assert _refused(mailbox, message=evil).is_final
    assert mailbox.commands == []


@pytest.mark.parametrize(
    "sender", ["", "vend", "Estate Power", "vend@", "a@b.org, c@d.org", "vend@example.org\nX: y"]
)
def test_a_sender_that_is_no_address_is_refused_at_the_start(sender: str) -> None:
    with (
        pytest.raises(ValueError, match="the sender is no e-mail address"),
        _messenger(Mailbox(), sender=sender),
    ):
        pass


def test_a_sender_may_be_an_address_alone() -> None:
    mailbox = Mailbox()
    _send(mailbox, sender="vend@example.org")
    assert email.message_from_bytes(mailbox.mails[0])["From"] == "vend@example.org"


@pytest.mark.parametrize("password", ["hunter2-é", "hunter2-wrong"])
def test_no_secret_stands_in_an_error(password: str) -> None:
    mailbox = Mailbox()
    refused = _refused(mailbox, user="vending", password=SecretStr(password))
    said = "".join(traceback.format_exception(refused))
    assert "hunter2" not in said
    assert "1234 5678" not in said
    with serving(mailbox), _messenger(mailbox, password=SecretStr(password)) as messenger:
        assert "hunter2" not in repr(messenger) + repr(vars(messenger))
