"""The SQL of the orders and their refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update

from vending_api.domain.consumers.tables import CONSUMER
from vending_api.domain.estates.tables import ESTATE
from vending_api.domain.meters.tables import METER, UTILITY
from vending_api.domain.payments.documents import payment_of
from vending_api.domain.payments.tables import PAYMENT_ORDER, REFUND
from vending_api.domain.payments.types import Order, OrderState, Refund, RefundState
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from vending_api.domain.payments.types import OrderFilter

_ORDER: Final = (
    select(
        PAYMENT_ORDER,
        CONSUMER.c.name.label("consumer_name"),
        CONSUMER.c.email,
        METER.c.external_id.label("meter_number"),
        UTILITY.c.name.label("utility_name"),
        UTILITY.c.time_zone,
    )
    .join(CONSUMER, CONSUMER.c.key == PAYMENT_ORDER.c.consumer_key)
    .join(METER, METER.c.key == PAYMENT_ORDER.c.meter_key)
    .join(ESTATE, ESTATE.c.key == PAYMENT_ORDER.c.estate_key)
    .join(UTILITY, UTILITY.c.key == ESTATE.c.utility_key)
)


def add_order(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Store a new order; return whether its reference was free."""
    require_fit(PAYMENT_ORDER, values)
    statement = insert_or_ignore(connection.dialect.name, PAYMENT_ORDER)
    added = connection.execute(statement.returning(PAYMENT_ORDER.c.key), values)
    return added.scalar_one_or_none() is not None


def find_order(connection: Connection, reference: str) -> Order | None:
    """Return an order, or None."""
    return _one(connection, _ORDER.where(PAYMENT_ORDER.c.reference == reference))


def lock_order(connection: Connection, reference: str) -> Order | None:
    """Return an order, locked until the transaction ends, or None."""
    statement = _ORDER.where(PAYMENT_ORDER.c.reference == reference)
    return _one(connection, statement.with_for_update(of=PAYMENT_ORDER))


def order_of_key(connection: Connection, key: int) -> Order | None:
    """Return the order of a key, or None."""
    return _one(connection, _ORDER.where(PAYMENT_ORDER.c.key == key))


def orders_of(connection: Connection, references: Sequence[str]) -> list[Order]:
    """Return the orders of some references, those that there are."""
    statement = _ORDER.where(PAYMENT_ORDER.c.reference.in_(references))
    return [_order(row) for row in connection.execute(statement)]


def find_orders(
    connection: Connection, wanted: OrderFilter, *, first: int, most: int
) -> tuple[list[Order], int]:
    """Return some of the orders that are looked for, the newest first, and how many there are."""
    conditions = _conditions(wanted)
    counted = select(func.count()).select_from(PAYMENT_ORDER)
    if wanted.meter_number is not None:
        counted = counted.join(METER, METER.c.key == PAYMENT_ORDER.c.meter_key)
    total = connection.execute(counted.where(*conditions)).scalar_one()
    statement = (
        _ORDER.where(*conditions)
        .order_by(PAYMENT_ORDER.c.ordered_at.desc(), PAYMENT_ORDER.c.key.desc())
        .offset(first)
        .limit(most)
    )
    return [_order(row) for row in connection.execute(statement)], total


def update_order(connection: Connection, key: int, values: Mapping[str, Any]) -> None:
    """Store other values of columns of an order."""
    require_fit(PAYMENT_ORDER, values)
    statement = update(PAYMENT_ORDER).where(PAYMENT_ORDER.c.key == key)
    connection.execute(statement.values(**values))


def note_shown(
    connection: Connection, order_keys: Sequence[int], *, at: datetime, through: str
) -> None:
    """Store when and how vended orders were first shown, of those that never were."""
    statement = update(PAYMENT_ORDER).where(
        PAYMENT_ORDER.c.key.in_(order_keys),
        PAYMENT_ORDER.c.state == OrderState.VENDED.value,
        PAYMENT_ORDER.c.first_shown_at.is_(None),
    )
    connection.execute(statement.values(first_shown_at=at, first_shown_through=through))


def count_by_state(connection: Connection, states: Sequence[OrderState]) -> dict[OrderState, int]:
    """Return how many orders are in each of some states."""
    state = PAYMENT_ORDER.c.state
    names = [one.value for one in states]
    statement = select(state, func.count()).where(state.in_(names)).group_by(state)
    counted = {row[0]: row[1] for row in connection.execute(statement)}
    return {one: counted.get(one.value, 0) for one in states}


def oldest_paid_at(connection: Connection) -> datetime | None:
    """Return when the oldest order was paid that is paid and not vended."""
    statement = select(func.min(PAYMENT_ORDER.c.paid_at)).where(
        PAYMENT_ORDER.c.state == OrderState.PAID.value
    )
    found: datetime | None = connection.execute(statement).scalar_one()
    return found


def count_open(connection: Connection) -> int:
    """Return how many orders are cases that somebody must settle."""
    statement = select(func.count()).where(PAYMENT_ORDER.c.is_open)
    return connection.execute(statement).scalar_one()


def refunds_of(connection: Connection, order_key: int) -> list[Refund]:
    """Return the refunds of an order, the oldest first."""
    statement = select(REFUND).where(REFUND.c.order_key == order_key).order_by(REFUND.c.key)
    return [_refund(row) for row in connection.execute(statement)]


def add_refund(connection: Connection, values: Mapping[str, Any]) -> None:
    """Store a new refund."""
    require_fit(REFUND, values)
    connection.execute(insert(REFUND), values)


def update_refund(connection: Connection, key: int, values: Mapping[str, Any]) -> None:
    """Store other values of columns of a refund."""
    require_fit(REFUND, values)
    connection.execute(update(REFUND).where(REFUND.c.key == key).values(**values))


def _conditions(wanted: OrderFilter) -> list[ColumnElement[bool]]:
    columns = PAYMENT_ORDER.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.meter_number is not None:
        conditions.append(METER.c.external_id == wanted.meter_number)
    if wanted.since is not None:
        conditions.append(columns.ordered_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.ordered_at < wanted.until)
    if wanted.states:
        conditions.append(columns.state.in_([state.value for state in wanted.states]))
    if wanted.is_open is not None:
        conditions.append(columns.is_open if wanted.is_open else ~columns.is_open)
    if wanted.consumer_key is not None:
        conditions.append(columns.consumer_key == wanted.consumer_key)
    return conditions


def _one(connection: Connection, statement: Select[Any]) -> Order | None:
    row = connection.execute(statement).one_or_none()
    return None if row is None else _order(row)


def _order(row: Row[Any]) -> Order:
    return Order(
        key=row.key,
        reference=row.reference,
        consumer_key=row.consumer_key,
        consumer_name=row.consumer_name,
        email=row.email,
        phone=row.phone,
        meter_number=row.meter_number,
        utility_name=row.utility_name,
        time_zone=row.time_zone,
        account_code=row.account_code,
        amount_minor=row.amount_minor,
        charge_minor=row.charge_minor,
        currency=row.currency,
        state=OrderState(row.state),
        problem=row.problem,
        authorization_url=row.authorization_url,
        access_code=row.access_code,
        payment=payment_of(row.payment),
        ordered_at=row.ordered_at,
        updated_at=row.updated_at,
        paid_at=row.paid_at,
        attempts=row.attempts,
        dispute=row.dispute,
        first_shown_at=row.first_shown_at,
        first_shown_through=row.first_shown_through,
        is_open=row.is_open,
        closed_at=row.closed_at,
        closing_note=row.closing_note,
        paid_minor=row.paid_minor,
        next_step_at=row.next_step_at,
    )


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        key=row.key,
        order_key=row.order_key,
        amount_minor=row.amount_minor,
        state=RefundState(row.state),
        refund_id=row.refund_id,
        refund_reference=row.refund_reference,
        reason=row.reason,
        asked_at=row.asked_at,
        updated_at=row.updated_at,
    )
