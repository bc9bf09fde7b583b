"""Messages by e-mail: one connection for each, encrypted as it is configured."""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
import ssl
from contextlib import suppress
from datetime import UTC
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from vending_api.domain.notifications.types import NotSent
from vending_api.kit.errors import Overloaded
from vending_api.kit.threads import BoundedThreads

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import SecretStr

    from vending_api.domain.notifications.types import Message

CONNECTIONS: Final = 4
REPLY_SECONDS: Final = 8
"""How long the server may take for each of its replies."""
TOTAL_SECONDS: Final = 25
"""For all of them: less than the lease of whoever sends."""
_PERMANENT: Final = range(500, 600)
_BY_POLICY: Final = b"5.7."
"""RFC 3463: who sends is not welcome, which says nothing about who receives."""
_NO_ADDRESS: Final = (ValueError, IndexError, MessageError)
"""What the library raises for a text that is no address; it means to raise the last alone."""


class SmtpMessenger:
    """Carries messages by SMTP (RFC 5321), to a server that sends them on."""

    def __init__(  # noqa: PLR0913 (each is a fact of its own)
        self,
        *,
        host: str,
        port: int,
        security: Literal["starttls", "tls", "none"],
        user: str | None,
        password: SecretStr | None,
        sender: str,
        now: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
        reply_seconds: float = REPLY_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """`sender` is an address, or a name with one in angle brackets; raises ValueError."""
        self._host = host
        self._port = port
        self._security = security
        self._user = user
        self._password = password
        self._sender = _sender(sender)
        self._now = now
        self._tls = ssl.create_default_context() if tls is None else tls
        self._reply_seconds = reply_seconds
        self._total_seconds = total_seconds
        self._threads = BoundedThreads(threads=CONNECTIONS)

    async def send(self, recipient: str, message: Message) -> None:
        """Hand a message over to the server; raises NotSent.

        After a time-out it may have been handed over all the same. The same message always has
        the same Message-ID, so that mail programs see that it is one.
        """
        mail = self._mail(recipient, message)
        try:
            async with asyncio.timeout(self._total_seconds):
                await self._threads.run(partial(self._hand_over, recipient, mail))
        except smtplib.SMTPRecipientsRefused as refusal:
            code, reply = next(iter(refusal.recipients.values()), (0, b""))
            # 5.7.x is our own trouble with the server, which an operator may mend.
            is_final = code in _PERMANENT and _BY_POLICY not in reply
            raise NotSent(f"recipient refused, {code}", is_final=is_final) from None
        except smtplib.SMTPResponseException as refusal:
            # Without the reply, which may repeat what was sent.
            reason = f"{type(refusal).__name__}, {refusal.smtp_code}"
            raise NotSent(reason, is_final=False) from None
        except (smtplib.SMTPException, OSError, Overloaded, UnicodeError) as error:
            # Without its cause, which may hold the password.
            raise NotSent(type(error).__name__, is_final=False) from None

    def stop(self) -> None:
        """Wait for what is being sent, and end the threads."""
        self._threads.stop()

    def _mail(self, recipient: str, message: Message) -> EmailMessage:
        mail = EmailMessage()
        try:
            # An address by itself: a text could hold several, or more headers.
            mail["To"] = Address(addr_spec=recipient)
            mail["Subject"] = message.subject
        except _NO_ADDRESS:
            raise NotSent("the recipient is no e-mail address", is_final=True) from None
        mail["From"] = self._sender
        mail["Date"] = format_datetime(self._now().astimezone(UTC))
        digest = hashlib.sha256(f"{recipient}\n{message.subject}\n{message.text}".encode())
        mail["Message-ID"] = f"<{digest.hexdigest()[:40]}@{self._sender.domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine replies
        mail.set_content(message.text)
        return mail

    def _hand_over(self, recipient: str, mail: EmailMessage) -> None:
        server = self._connection()
        try:
            if self._security == "starttls":
                server.starttls(context=self._tls)
            if self._user is not None and self._password is not None:
                server.login(self._user, self._password.get_secret_value())
            server.send_message(mail, self._sender.addr_spec, [recipient])
            with suppress(smtplib.SMTPException, OSError):
                server.quit()  # it has the message, whatever it says now
        finally:
            server.close()

    def _connection(self) -> smtplib.SMTP:
        kind: Callable[..., smtplib.SMTP] = smtplib.SMTP
        if self._security == "tls":
            kind = partial(smtplib.SMTP_SSL, context=self._tls)
        # Named after the sender: the library would ask the network for this machine's name.
        return kind(
            self._host,
            self._port,
            local_hostname=self._sender.domain,
            timeout=self._reply_seconds,
        )


def _sender(text: str) -> Address:
    """Return the one address in a text; raises ValueError."""
    mail = EmailMessage()
    try:
        mail["From"] = text
        (sender,) = mail["From"].addresses
        found = Address(sender.display_name, addr_spec=sender.addr_spec)
    except _NO_ADDRESS:
        found = Address()
    if not found.username or not found.domain:
        raise ValueError("the sender is no e-mail address")
    return found
