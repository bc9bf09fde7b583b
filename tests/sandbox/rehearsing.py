"""The state of demo meters, and what operators do to it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tariffs.account import Account, Debt, Owed
from tests.support.service import DEMO_CLIENT, NOON, writing
from vending_api.domain.accounts.service import account_of, store_account
from vending_api.domain.meters.service import (
    find_meter,
    lock_meter,
)
from vending_api.domain.meters.types import KeyData
from vending_api.domain.pricing.types import Bill
from vending_api.domain.sales.types import Sale, SaleKind, SaleState
from vending_api.domain.token_queue.service import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from sts.base_date import BaseDate
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.token_queue.types import QueuedKind

DEMO_METERS = tuple(f"TST{number:03}" for number in range(1, 12))
BOUGHT = Account(
    customer_class="DL",
    is_exempt=True,
    last_purchase_on=date(2026, 11, 21),
    units_this_month=Decimal("73.8"),
    paid_this_month_minor=10_000,
    free_units_on=date(2026, 11, 21),
    owed=(Owed(name="Network", amount_minor=1),),
    debts=(Debt(name="Another", balance_minor=1),),
    carried_minor=-3,
)


class State(NamedTuple):
    """What a purchase of a demo meter finds."""

    account: Account
    key_data: KeyData
    key_data_to_hold: KeyData
    base_date: BaseDate
    queued: tuple[tuple[QueuedKind, int, int], ...]


def state_of(engine: Engine, external_id: str) -> State:
    with engine.connect() as connection:
        meter = find_meter(connection, external_id)
        return State(
            account_of(connection, meter.key),
            KeyData.of(meter.configuration),
            meter.key_data_to_hold,
            meter.base_date,
            tuple(
                (token.kind, token.value, token.amount_minor)
                for token in waiting(connection, meter)
            ),
        )


def operate(engine: Engine, external_id: str, *acts: Callable[[Connection, Meter], object]) -> None:
    """Let an operator act on a meter, which is locked anew for each act."""
    with writing(engine) as connection, connection.begin():
        for act in acts:
            act(connection, lock_meter(connection, external_id))


def buy_for_good(connection: Connection, meter: Meter) -> None:
    before = account_of(connection, meter.key)
    store_account(connection, meter.key, BOUGHT, before=before)


def sale_of(meter: Meter) -> Sale:
    return Sale(
        key=1,
        kind=SaleKind.PURCHASE,
        purchase_id="sale",
        state=SaleState.ISSUED,
        client_key=DEMO_CLIENT.key,
        terminal_id="TILL0001",
        amount_minor=10_000,
        currency="710",
        sold_at=NOON,
        meter=meter,
        new_key_data=None,
        tokens=(),
        bill=Bill(),
        invoice_number=None,
    )
