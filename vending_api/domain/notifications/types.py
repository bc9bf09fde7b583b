"""What customers are told, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from datetime import datetime

SEND_ATTEMPTS: Final = 12
"""After so many in vain a notification is given up; with the delays between, some six hours."""
FIRST_DELAY: Final = timedelta(seconds=15)
LONGEST_DELAY: Final = timedelta(hours=2)


class Channel(StrEnum):
    """How something reaches a customer."""

    EMAIL = "email"
    SMS = "sms"


class NotificationKind(StrEnum):
    """What a customer is told."""

    TOKEN = "token"  # noqa: S105 (a kind of notification)
    REFUND = "refund"


class NotificationState(StrEnum):
    """What came of a notification."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Something to tell somebody; its text is made when it is sent, so it is kept once."""

    key: int
    order_key: int | None
    """None for a sale of no order."""
    sale_key: int | None = None
    kind: NotificationKind
    channel: Channel
    recipient: str = field(repr=False)
    state: NotificationState
    attempts: int
    created_at: datetime
    sent_at: datetime | None = None
    problem: str = ""
    """Why the last attempt was in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: it may hold tokens, so its repr shows none of it."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    """For e-mail."""
    short_text: str = field(repr=False)
    """For SMS: at most 160 characters of ASCII, or several such parts if there are many tokens."""


class NotSent(Exception):
    """The message was not taken; the text says why and holds nothing of it."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        """`is_final` says that trying again is in vain: no such recipient."""
        super().__init__(reason)
        self.is_final = is_final


class Messenger(Protocol):
    """What carries messages on one channel."""

    async def send(self, recipient: str, message: Message) -> None:
        """Hand a message over; raises NotSent."""
        ...
