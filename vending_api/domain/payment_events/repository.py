"""The SQL of the payment events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, or_, select, update

from vending_api.domain.payment_events.tables import PAYMENT_EVENT
from vending_api.domain.payment_events.types import EventProblem, EventState, PaymentEvent
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.kit.db import insert_or_ignore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

_CHARGE: Final = "charge.success"
_IS_FOR_REVIEW: Final = and_(
    PAYMENT_EVENT.c.state == EventState.REVIEW.value,
    # An event may overtake the order that it is about; the order's own verifying finds the money.
    or_(
        PAYMENT_EVENT.c.problem != EventProblem.UNKNOWN_REFERENCE.value,
        PAYMENT_EVENT.c.event != _CHARGE,
        ~select(PAYMENT_ORDER.c.key)
        .where(PAYMENT_ORDER.c.reference == PAYMENT_EVENT.c.reference)
        .exists(),
    ),
)


def add(connection: Connection, values: Mapping[str, Any]) -> int | None:
    """Store an event and return its key; None if its digest is known."""
    statement = insert_or_ignore(connection.dialect.name, PAYMENT_EVENT)
    added = connection.execute(
        statement.returning(PAYMENT_EVENT.c.key), values
    ).scalar_one_or_none()
    return None if added is None else int(added)


def state_of(connection: Connection, digest: str) -> EventState:
    """Return what came of the event of a digest that is known."""
    statement = select(PAYMENT_EVENT.c.state).where(PAYMENT_EVENT.c.digest == digest)
    return EventState(connection.execute(statement).scalar_one())


def store(connection: Connection, key: int, **values: str) -> None:
    """Store other values of columns of an event."""
    connection.execute(update(PAYMENT_EVENT).where(PAYMENT_EVENT.c.key == key).values(values))


def close(connection: Connection, key: int, note: str) -> bool:
    """Store what came of looking at an event; return whether it waited for that."""
    statement = update(PAYMENT_EVENT).where(
        PAYMENT_EVENT.c.key == key, PAYMENT_EVENT.c.state == EventState.REVIEW.value
    )
    closed = statement.values(state=EventState.CLOSED.value, note=note)
    return bool(connection.execute(closed).rowcount)


def for_review(connection: Connection) -> list[PaymentEvent]:
    """Return the events that somebody must look at, the oldest first."""
    statement = select(PAYMENT_EVENT).where(_IS_FOR_REVIEW).order_by(PAYMENT_EVENT.c.key)
    return [_event(row) for row in connection.execute(statement)]


def count_for_review(connection: Connection) -> int:
    """Return how many events somebody must look at."""
    return connection.execute(select(func.count()).where(_IS_FOR_REVIEW)).scalar_one()


def of_reference(connection: Connection, reference: str) -> list[PaymentEvent]:
    """Return the events of a reference, the oldest first."""
    statement = select(PAYMENT_EVENT).where(PAYMENT_EVENT.c.reference == reference)
    return [_event(row) for row in connection.execute(statement.order_by(PAYMENT_EVENT.c.key))]


def _event(row: Row[Any]) -> PaymentEvent:
    return PaymentEvent(
        key=row.key,
        event=row.event,
        reference=row.reference,
        facts=row.facts,
        state=EventState(row.state),
        problem=row.problem,
        received_at=row.received_at,
    )
