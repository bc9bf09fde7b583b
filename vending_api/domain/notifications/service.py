"""What customers are told: queued with what it tells of, sent later, a bounded number of times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.notifications import repository
from vending_api.domain.notifications.types import (
    FIRST_DELAY,
    LONGEST_DELAY,
    SEND_ATTEMPTS,
    Channel,
    NotificationKind,
    NotificationState,
)
from vending_api.kit.due import delay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.notifications.types import Notification

_LONGEST_PROBLEM: Final = 80


def queue(
    connection: Connection,
    *,
    order_key: int,
    kind: NotificationKind,
    recipients: Mapping[Channel, str],
    at: datetime,
) -> None:
    """Note that customers are to be told, on each channel that has a recipient, and only once.

    It is sent if the transaction that it is noted in is stored.
    """
    for channel, recipient in sorted(recipients.items()):
        if recipient:
            values = {"order_key": order_key, "kind": kind.value}
            repository.add(connection, values | _waiting(channel, recipient, at))


def queue_of_sales(
    connection: Connection, recipients: Iterable[tuple[int, str]], at: datetime
) -> None:
    """Note that customers are to be told by e-mail of the tokens of sales, each by its key.

    The sales are new, and stored in the same transaction.
    """
    of_each = {"kind": NotificationKind.TOKEN.value}
    rows = [
        of_each | {"sale_key": sale_key} | _waiting(Channel.EMAIL, recipient, at)
        for sale_key, recipient in recipients
    ]
    if rows:
        repository.add_many(connection, rows)


def take(connection: Connection, key: int) -> Notification:
    """Return a notification that is due; one whose state is not WAITING needs no sending."""
    return repository.find(connection, key)


def of_order(connection: Connection, order_key: int) -> list[Notification]:
    """Return what the customer of an order is told, in the order in which it came up."""
    return repository.of_order(connection, order_key)


def mark_sent(connection: Connection, key: int, at: datetime) -> None:
    """Note that a notification was handed over."""
    if repository.lock(connection, key).state is NotificationState.SENT:
        return
    repository.store(
        connection,
        key,
        state=NotificationState.SENT.value,
        problem="",
        sent_at=at,
        next_step_at=None,
    )


def mark_failed(
    connection: Connection, key: int, problem: str, at: datetime, *, is_final: bool
) -> None:
    """Note that sending was in vain: it is tried again later, or given up.

    `problem` says why and holds nothing of what was to be sent; `is_final` says that trying
    again is in vain, too.
    """
    notification = repository.lock(connection, key)
    if notification.state is not NotificationState.WAITING:
        return
    attempts = notification.attempts + 1
    is_over = is_final or attempts >= SEND_ATTEMPTS
    state = NotificationState.GIVEN_UP if is_over else NotificationState.WAITING
    pause = delay(attempts, first=FIRST_DELAY, longest=LONGEST_DELAY)
    repository.store(
        connection,
        key,
        state=state.value,
        attempts=attempts,
        problem=problem[:_LONGEST_PROBLEM],
        next_step_at=None if is_over else at + pause,
    )


def _waiting(channel: Channel, recipient: str, at: datetime) -> dict[str, Any]:
    return {
        "channel": channel.value,
        "recipient": recipient,
        "state": NotificationState.WAITING.value,
        "attempts": 0,
        "problem": "",
        "created_at": at,
        "next_step_at": at,
    }


def counts(connection: Connection) -> tuple[int, int]:
    """Return how many notifications wait, and how many were given up."""
    return (
        repository.count(connection, NotificationState.WAITING),
        repository.count(connection, NotificationState.GIVEN_UP),
    )
