"""The SQL of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update

from vending_api.domain.notifications.tables import NOTIFICATION
from vending_api.domain.notifications.types import (
    Channel,
    Notification,
    NotificationKind,
    NotificationState,
)
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

_ADD_MANY: Final = Statement(insert(NOTIFICATION))


def add(connection: Connection, values: dict[str, Any]) -> None:
    """Store a notification, unless the same is told on the same channel already."""
    connection.execute(insert_or_ignore(connection.dialect.name, NOTIFICATION), values)


def add_many(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store notifications that are new, before the transaction ends."""
    _ADD_MANY.run_later(connection, rows)


def find(connection: Connection, key: int) -> Notification:
    """Return the notification of a key that is there."""
    row = connection.execute(select(NOTIFICATION).where(NOTIFICATION.c.key == key)).one()
    return _notification(row)


def lock(connection: Connection, key: int) -> Notification:
    """Return the notification of a key that is there, locked until the transaction ends."""
    statement = select(NOTIFICATION).where(NOTIFICATION.c.key == key).with_for_update()
    return _notification(connection.execute(statement).one())


def of_order(connection: Connection, order_key: int) -> list[Notification]:
    """Return what is told of an order, in the order in which it came up."""
    statement = select(NOTIFICATION).where(NOTIFICATION.c.order_key == order_key)
    return [_notification(row) for row in connection.execute(statement.order_by("key"))]


def store(connection: Connection, key: int, **values: Any) -> None:
    """Store other values of columns of a notification."""
    connection.execute(update(NOTIFICATION).where(NOTIFICATION.c.key == key).values(values))


def count(connection: Connection, state: NotificationState) -> int:
    """Return how many notifications are in a state."""
    statement = select(func.count()).where(NOTIFICATION.c.state == state.value)
    return connection.execute(statement).scalar_one()


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        key=row.key,
        order_key=row.order_key,
        sale_key=row.sale_key,
        kind=NotificationKind(row.kind),
        channel=Channel(row.channel),
        recipient=row.recipient,
        state=NotificationState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        sent_at=row.sent_at,
        problem=row.problem,
    )
