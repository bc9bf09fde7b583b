"""What must hold after every disturbance: money in is tokens out, refunds and listed open cases."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from sts.virtual_meter import Accepted, Refused
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.payment_checks.service import check_day
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.types import TERMINAL_ID, OrderFilter, OrderState
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sales.tables import SALE
from vending_api.sandbox.estate import SERIALS, estate_meter_number
from vending_api.sandbox.virtual_meters import estate_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.online.shop import Shop
    from vending_api.domain.payments.types import Order

ALL: Final = 10_000
_WAITS: Final = frozenset(
    {OrderState.PAID, OrderState.REFUND_DUE, OrderState.REFUNDING, OrderState.REFUND_FAILED}
)


async def require_all_money_explained(
    shop: Shop, *, open_minor: int = 0, lost_minor: int = 0
) -> None:
    """Make sure that every kobo that came in is vended, given back, or listed as open.

    `open_minor` is what may still wait, `lost_minor` what went back after its token was made.
    """
    with shop.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        orders, _ = payments.find_orders(connection, OrderFilter(), 1, size=ALL)
        sold = _sold(connection)
        assert differences(connection) == []
    vended = {order.reference: order for order in orders if order.state is OrderState.VENDED}
    assert sold == {one.reference: one.vended_minor for one in vended.values()}
    went = sum(one.paid_minor or 0 for one in vended.values())
    assert went == sum(
        sold[one.reference] + one.charge_minor + ((one.paid_minor or 0) - one.amount_minor)
        for one in vended.values()
    )
    waits = sum(_still_here(shop, order) for order in orders if order.state in _WAITS)
    back = sum(_given_back(shop, order) for order in orders if order.state is not OrderState.VENDED)
    assert waits == open_minor
    assert shop.sandbox.money_in() == went + back + waits
    assert shop.sandbox.money_back() == back + lost_minor
    if lost_minor:
        assert any(order.is_open for order in vended.values())
    _require_each_token_good_once(shop.engine)


async def require_clean_days(shop: Shop, *, differing: frozenset[str] = frozenset()) -> None:
    """Make sure that the daily check finds nothing but what is known to be open."""
    created = [one.created_at for one in shop.sandbox.transactions]
    day = min(created).date()
    while day <= max(created).date():
        begin = datetime.combine(day, time.min, UTC)
        listed = await shop.gateway.payments(begin - timedelta(days=1), begin + timedelta(days=2))
        with shop.engine.connect() as connection:
            check = check_day(connection, day, listed)
        assert {one.reference for one in check.differences} == differing, check.differences
        for totals in check.totals.values():
            assert totals.paid_minor == totals.explained_minor
        day += timedelta(days=1)


def _sold(connection: Connection) -> dict[str, int]:
    """Return what was sold online, by reference; a sale without a token is none."""
    statement = (
        select(SALE.c.purchase_id, SALE.c.amount_minor)
        .join(TOKEN, TOKEN.c.sale_key == SALE.c.key)
        .where(SALE.c.terminal_id == TERMINAL_ID)
        .distinct()
    )
    rows = connection.execute(statement).all()
    sold = {row.purchase_id: row.amount_minor for row in rows}
    assert len(sold) == len(rows)
    return sold


def _given_back(shop: Shop, order: Order) -> int:
    known = shop.sandbox.ledger.transactions.get(order.reference)
    return 0 if known is None else known.given_back


def _still_here(shop: Shop, order: Order) -> int:
    return (order.paid_minor or 0) - _given_back(shop, order)


def _require_each_token_good_once(engine: Engine) -> None:
    """Key every token of the estate in, in the order of their making: each is taken once."""
    statement = (
        select(METER.c.external_id, TOKEN.c.digits)
        .join(METER, METER.c.key == TOKEN.c.meter_key)
        .order_by(TOKEN.c.key)
    )
    made = defaultdict(list)
    with engine.connect() as connection:
        for row in connection.execute(statement):
            made[row.external_id].append(row.digits)
    for serial in SERIALS:
        meter = estate_virtual_meter(serial)
        for first_time in (Accepted, Refused):
            assert all(
                isinstance(meter.enter(digits), first_time)
                for digits in made[estate_meter_number(serial)]
            )
