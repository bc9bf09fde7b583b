"""A consumer sees the tokens of the meter, from whatever sale, and what orders have brought."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import insert, update

from sts.virtual_meter import Accepted
from tariffs.account import Account
from tests.domain.advising import accept, reversal, set_rule
from tests.support.residents import METER, OTHER_METER, add_resident, done, purchase_of
from tests.support.selling import EVERYTHING, MAKER, sell, set_account, use_tariff
from tests.support.service import DEMO_CLIENT, NOON, key_change, purchase
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.service import lock_meter
from vending_api.domain.meters.types import ServiceType
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import OrderState
from vending_api.domain.receipts import service
from vending_api.domain.receipts.types import PAGE_SIZE, OrderReceipt, PaidOrder, TokenReceipt
from vending_api.domain.sales.tables import SALE
from vending_api.domain.selling.service import change_key
from vending_api.domain.token_queue.service import queue_token
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind
from vending_api.sandbox.virtual_meters import estate_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.sales.types import Sale, SellCredit

STANDARD, FREE, REFUND = TokenKind.STANDARD, TokenKind.FREE, TokenKind.REFUND
SECOND: Final = timedelta(seconds=1)
FREE_UNITS: Final = """
name = "with free units"
unit = "kWh"
price_currency = "NGN"
time_zone = "Africa/Lagos"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "10000"
[version.free_units]
units = "50"
counts_towards_blocks = false
"""


def _reference(number: int) -> str:
    return f"T{number:015}"


def _order(
    engine: Engine, consumer: Consumer, number: int, state: OrderState = OrderState.ORDERED
) -> str:
    """Store an order as it is placed, and return its reference."""
    reference = _reference(number)
    at = NOON + number * SECOND
    row: dict[str, Any] = {
        "reference": reference,
        "consumer_key": consumer.key,
        "estate_key": consumer.estate.key,
        "meter_key": consumer.meter_key,
        "account_code": "",
        "amount_minor": 520_000,
        "charge_minor": 20_000,
        "currency": "566",
        "phone": "",
        "state": state.value,
        "problem": "",
        "authorization_url": "",
        "access_code": "",
        "ordered_at": at,
        "updated_at": at + SECOND,
        "attempts": 0,
        "dispute": "",
        "first_shown_through": "",
        "is_open": False,
        "closing_note": "",
    }
    done(engine, lambda connection: connection.execute(insert(PAYMENT_ORDER).values(row)))
    return reference


def _vended(engine: Engine, consumer: Consumer, number: int) -> Sale:
    """Store an order, and the sale that it has brought."""
    reference = _order(engine, consumer, number, OrderState.VENDED)
    return sell(engine, _paid_by(reference, consumer))


def _paid_by(reference: str, consumer: Consumer) -> SellCredit:
    return purchase_of(consumer.meter_number, purchase_id=reference, message_id=reference)


def _tokens(engine: Engine, consumer: Consumer) -> list[TokenReceipt]:
    """Return the tokens, the oldest first."""
    with engine.connect() as connection:
        return service.newest_tokens(connection, consumer)


def _orders(engine: Engine, consumer: Consumer) -> list[OrderReceipt]:
    with engine.connect() as connection:
        return list(service.orders_page(connection, consumer, 1).items)


def test_a_purchase_at_a_point_of_sale_is_a_token_without_an_order(engine: Engine) -> None:
    consumer = add_resident(engine)
    sale = sell(engine, purchase_of())
    (token,) = _tokens(engine, consumer)
    assert (token.kind, token.digits, token.order) == (STANDARD, sale.tokens[0].digits, None)
    assert token.units_tenths == sale.tokens[0].units_tenths
    assert (token.paid_minor, token.currency, token.sold_at) == (500_000, "566", NOON)
    assert (token.meter_number, token.time_zone) == (METER, "Africa/Lagos")
    assert token.service_type is ServiceType.ELECTRICITY
    assert _orders(engine, consumer) == []


def test_price_is_what_was_paid_over_what_was_bought_and_tax_is_all_tax(engine: Engine) -> None:
    consumer = add_resident(engine)
    sell(engine, purchase_of())
    (token,) = _tokens(engine, consumer)
    # 5000 naira with 7.5 % VAT at 206.80 naira a kWh: 22.49 kWh, of which a token carries 22.5.
    assert token.units_tenths == 225
    assert token.price_minor == Decimal(5_000_000) / 225
    assert token.tax_minor == 34_884


def test_tax_on_charges_counts_as_the_charges_do_in_what_was_paid(engine: Engine) -> None:
    consumer = add_resident(engine)
    everything = EVERYTHING.replace("ZAR", "NGN").replace("Africa/Johannesburg", "Africa/Lagos")
    use_tariff(engine, everything, METER)
    sale = sell(engine, purchase_of())
    (token,) = _tokens(engine, consumer)
    taxes = [line.charge.tax_minor for line in sale.bill.lines]
    assert len([tax for tax in taxes if tax]) > 1
    assert token.tax_minor == sum(taxes)
    assert token.tax_minor == sale.tax_total_minor


def test_what_costs_nothing_is_listed_without_a_price(engine: Engine) -> None:
    consumer = add_resident(engine)
    use_tariff(engine, FREE_UNITS, METER)
    set_account(engine, Account(gets_free_units=True), METER)
    refund = NewQueuedToken(
        kind=QueuedKind.REFUND, value=12, amount_minor=900, reason="short", ordered_by="Test"
    )

    def queue(connection: Connection) -> None:
        queue_token(connection, lock_meter(connection, METER), refund, NOON)

    done(engine, queue)
    _vended(engine, consumer, 1)
    tokens = _tokens(engine, consumer)
    assert [token.kind for token in tokens] == [STANDARD, FREE, REFUND]
    assert [token.paid_minor for token in tokens] == [500_000, 0, 0]
    assert [token.units_tenths for token in tokens] == [500, 500, 12]
    for token in tokens[1:]:
        assert (token.price_minor, token.tax_minor) == (Decimal(0), 0)
    assert {token.order.reference for token in tokens if token.order} == {_reference(1)}


def test_key_change_tokens_are_listed(engine: Engine) -> None:
    consumer = _resident_of(engine, "TST006")
    sell(engine, purchase(external_meter_id="TST006"))
    kinds = [token.kind for token in _tokens(engine, consumer)]
    assert kinds == [TokenKind.KEY_CHANGE, TokenKind.KEY_CHANGE, STANDARD]
    assert {token.units_tenths for token in _tokens(engine, consumer)[:2]} == {0}


def test_a_key_change_alone_is_listed_too(engine: Engine) -> None:
    consumer = _resident_of(engine, "TST006")
    done(engine, lambda connection: change_key(connection, MAKER, key_change()))
    tokens = _tokens(engine, consumer)
    assert [token.kind for token in tokens] == 2 * [TokenKind.KEY_CHANGE]
    assert [token.paid_minor for token in tokens] == [0, 0]


def test_a_token_that_was_bought_online_names_its_order(engine: Engine) -> None:
    consumer = add_resident(engine)
    sale = _vended(engine, consumer, 7)
    (token,) = _tokens(engine, consumer)
    order = token.order
    assert isinstance(order, PaidOrder)
    assert (order.reference, order.state) == (_reference(7), OrderState.VENDED)
    assert (order.amount_minor, order.currency) == (520_000, "566")
    assert (order.ordered_at, order.updated_at) == (NOON + 7 * SECOND, NOON + 8 * SECOND)
    assert token.paid_minor == sale.amount_minor == 500_000
    (receipt,) = _orders(engine, consumer)
    assert receipt == OrderReceipt(order=order, receipt=token)
    with engine.connect() as connection:
        assert service.newest_orders(connection, consumer) == [order]


def test_an_order_that_brought_nothing_has_no_token(engine: Engine) -> None:
    consumer = add_resident(engine)
    for number, state in enumerate(OrderState):
        _order(engine, consumer, number, state)
    receipts = _orders(engine, consumer)
    assert [one.order.state for one in receipts] == list(OrderState)[::-1]
    assert {one.receipt for one in receipts} == {None}


def test_an_order_is_known_by_its_credit_token_or_else_its_free_one(engine: Engine) -> None:
    consumer = add_resident(engine)
    use_tariff(engine, FREE_UNITS, METER)
    set_account(engine, Account(gets_free_units=True), METER)
    nothing_else = _paid_by(_order(engine, consumer, 1, OrderState.VENDED), consumer)
    sell(engine, replace(nothing_else, amount_minor=0))
    set_account(engine, Account(gets_free_units=True), METER)
    _vended(engine, consumer, 2)
    assert [token.kind for token in _tokens(engine, consumer)] == [FREE, STANDARD, FREE]
    kinds = [one.receipt.kind for one in _orders(engine, consumer) if one.receipt is not None]
    assert kinds == [STANDARD, FREE]


def test_another_meter_and_another_consumer_show_nothing_of_theirs(engine: Engine) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    sale = _vended(engine, other, 1)
    assert _tokens(engine, consumer) == []
    assert _orders(engine, consumer) == []
    assert [token.digits for token in _tokens(engine, other)] == [sale.tokens[0].digits]


def test_a_sale_under_the_reference_of_an_order_for_another_meter_is_not_its_sale(
    engine: Engine,
) -> None:
    consumer = add_resident(engine)
    other = add_resident(engine, email="tunde@example.org", meter_number=OTHER_METER)
    reference = _order(engine, other, 1)
    sell(engine, _paid_by(reference, consumer))
    (token,) = _tokens(engine, consumer)
    assert token.order is None
    (receipt,) = _orders(engine, other)
    assert receipt.receipt is None


@pytest.mark.parametrize(("minutes", "shown"), [(None, 1), (5, 0)])
def test_a_token_is_shown_as_long_as_it_may_be_printed_again(
    engine: Engine, minutes: int | None, shown: int
) -> None:
    consumer = _resident_of(engine, "TST001")
    set_rule(engine, reversal_credit_minutes=minutes)
    sale = sell(engine, purchase())
    assert len(_tokens(engine, consumer)) == 1
    accept(engine, reversal(sale.purchase_id, client=DEMO_CLIENT))
    assert len(_tokens(engine, consumer)) == shown
    with engine.connect() as connection:
        assert service.tokens_page(connection, consumer, 1).total == shown
        assert len(service.keyed_tokens(connection, consumer.meter_key)) == shown


def test_what_was_sold_before_bills_were_kept_has_the_tax_of_its_token(engine: Engine) -> None:
    consumer = add_resident(engine)
    sell(engine, purchase_of())
    (before,) = _tokens(engine, consumer)
    done(engine, lambda connection: connection.execute(update(SALE).values(bill=None)))
    (token,) = _tokens(engine, consumer)
    assert token == before


@pytest.mark.parametrize(
    ("page", "numbers"),
    [(1, range(18, 3, -1)), (2, range(3, -1, -1)), (3, range(0)), (10**30, range(0))],
)
def test_pages_hold_fifteen_the_newest_first(engine: Engine, page: int, numbers: range) -> None:
    consumer = add_resident(engine)
    use_tariff(engine, FREE_UNITS, METER)
    references = [_reference(number) for number in numbers]
    for number in range(19):
        _vended(engine, consumer, number)
    with engine.connect() as connection:
        tokens = service.tokens_page(connection, consumer, page)
        orders = service.orders_page(connection, consumer, page)
    assert (tokens.number, tokens.total) == (orders.number, orders.total) == (page, 19)
    assert [token.order.reference for token in tokens.items if token.order] == references
    assert [one.order.reference for one in orders.items] == references
    of_orders = [one.receipt for one in orders.items]
    assert of_orders == list(tokens.items)
    assert len(tokens.items) <= PAGE_SIZE


def test_nested_lists_hold_the_newest_the_oldest_of_them_first(engine: Engine) -> None:
    consumer = add_resident(engine)
    for number in range(4):
        _vended(engine, consumer, number)
    with engine.connect() as connection:
        tokens = service.newest_tokens(connection, consumer, most=3)
        orders = service.newest_orders(connection, consumer, most=3)
    wanted = [_reference(number) for number in (1, 2, 3)]
    assert [token.order.reference for token in tokens if token.order] == wanted
    assert [order.reference for order in orders] == wanted


def test_what_was_keyed_in_works_on_the_meter_in_its_order(engine: Engine) -> None:
    consumer = add_resident(engine)
    for number in range(3):
        _vended(engine, consumer, number)
    with engine.connect() as connection:
        keyed = service.keyed_tokens(connection, consumer.meter_key)
    meter = estate_virtual_meter(101)
    assert keyed[0].configuration.pan == meter.pan
    assert keyed[0].configuration.key_revision_number == meter.key_revision_number
    for token in keyed:
        assert isinstance(meter.enter(token.digits), Accepted)
        assert token.sold_at == NOON


def test_no_token_stands_in_a_repr(engine: Engine) -> None:
    consumer = add_resident(engine)
    sale = _vended(engine, consumer, 1)
    with engine.connect() as connection:
        shown = repr(service.keyed_tokens(connection, consumer.meter_key))
        shown += repr(service.orders_page(connection, consumer, 1))
    assert _reference(1) in shown
    assert sale.tokens[0].digits not in shown


def _resident_of(engine: Engine, external_id: str) -> Consumer:
    """Return a consumer as one of a demo meter of points of sale would be."""
    consumer = add_resident(engine)
    with engine.connect() as connection:
        meter = lock_meter(connection, external_id)
    return replace(consumer, meter_key=meter.key, meter_number=external_id)
