"""The SQL of the token queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from vending_api.domain.token_queue.tables import QUEUED_TOKEN
from vending_api.domain.token_queue.types import QueuedKind, QueuedToken
from vending_api.kit.db import reserve_keys
from vending_api.kit.entries import require_fit
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.token_queue.types import NewQueuedToken

_WAITS: Final = (
    (QUEUED_TOKEN.c.meter_key == bindparam("of_meter"))
    & QUEUED_TOKEN.c.sale_key.is_(None)
    & QUEUED_TOKEN.c.withdrawn_at.is_(None)
)
_WAITING: Final = select(QUEUED_TOKEN).where(_WAITS).order_by(QUEUED_TOKEN.c.key)
_IS_WAITING: Final = select(QUEUED_TOKEN.c.key).where(_WAITS).limit(1)
_OF_KEY: Final = update(QUEUED_TOKEN).where(_WAITS, QUEUED_TOKEN.c.key == bindparam("of_key"))
_DELIVER: Final = _OF_KEY.values(sale_key=bindparam("by_sale"))
_WITHDRAW: Final = _OF_KEY.values(withdrawn_at=bindparam("at")).returning(QUEUED_TOKEN.c.key)
_ADD: Final = insert(QUEUED_TOKEN).returning(QUEUED_TOKEN.c.key)
_ADD_MANY: Final = Statement(insert(QUEUED_TOKEN))


def add_token(
    connection: Connection, meter_key: int, order: NewQueuedToken, ordered_at: datetime
) -> int:
    """Store a token that waits and return its key; raises EntryInvalid for a text too long."""
    values = _values(meter_key, order, ordered_at)
    return int(connection.execute(_ADD, values).scalar_one())


def add_tokens(
    connection: Connection,
    orders: Sequence[tuple[int, NewQueuedToken, int | None]],
    ordered_at: datetime,
) -> list[int]:
    """Store tokens of meters, by their keys, and return the tokens' keys, in order.

    With each goes the key of the sale that delivers it, or None for one that waits.
    """
    keys = reserve_keys(connection, QUEUED_TOKEN, len(orders))
    rows = [
        _values(meter_key, order, ordered_at) | {"key": key, "sale_key": sale_key}
        for key, (meter_key, order, sale_key) in zip(keys, orders, strict=True)
    ]
    _ADD_MANY.run_later(connection, rows)
    return keys


def _values(meter_key: int, order: NewQueuedToken, ordered_at: datetime) -> dict[str, Any]:
    values = {
        "meter_key": meter_key,
        "kind": order.kind.value,
        "value": order.value,
        "amount_minor": order.amount_minor,
        "reason": order.reason,
        "ordered_by": order.ordered_by,
        "approved_by": order.approved_by,
        "ordered_at": ordered_at,
    }
    require_fit(QUEUED_TOKEN, values)
    return values


def waiting_tokens(connection: Connection, meter_key: int) -> tuple[QueuedToken, ...]:
    """Return the tokens that wait for a meter, oldest first."""
    return tuple(
        QueuedToken(
            key=row.key,
            kind=QueuedKind(row.kind),
            value=row.value,
            amount_minor=row.amount_minor,
            reason=row.reason,
            ordered_by=row.ordered_by,
            approved_by=row.approved_by,
        )
        for row in connection.execute(_WAITING, {"of_meter": meter_key})
    )


def is_any_waiting(connection: Connection, meter_key: int) -> bool:
    """Return whether a token waits for a meter."""
    return connection.execute(_IS_WAITING, {"of_meter": meter_key}).first() is not None


def mark_delivered(
    connection: Connection, meter_key: int, keys: Sequence[int], sale_key: int
) -> None:
    """Store which sale delivered the tokens of a meter."""
    delivered = [{"of_meter": meter_key, "of_key": key, "by_sale": sale_key} for key in keys]
    connection.execute(_DELIVER, delivered)


def mark_withdrawn(connection: Connection, meter_key: int, key: int, at: datetime) -> bool:
    """Store that a token is withdrawn, and return whether it was waiting."""
    values = {"of_meter": meter_key, "of_key": key, "at": at}
    return connection.execute(_WITHDRAW, values).first() is not None
