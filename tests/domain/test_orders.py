"""Orders are placed with what they would bring, found again, and due when they should be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from tests.domain.paying import (
    ASKED,
    CREDIT,
    SOON,
    an_order,
    block,
    hasten,
    in_state,
    new_reference,
    now,
    paid_only,
    payment,
    place,
    put_off,
    settle,
    spoil,
)
from tests.support.residents import METER, OTHER_METER, add_resident
from tests.support.selling import MAKER, count
from tests.support.service import NOON, purchase, writing
from vending_api.domain.clients import service as clients
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.domain.clients.types import HOUSE_USER
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.meters.tables import UTILITY
from vending_api.domain.payments import service
from vending_api.domain.payments.errors import (
    AmountNotAboveCharge,
    OrderUnknown,
    PaymentsNotOffered,
)
from vending_api.domain.payments.gateway import Checkout
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import Order, OrderFilter, OrderState
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.domain.sales.tables import SALE
from vending_api.domain.selling import service as selling
from vending_api.kit.due import LEASE, take_due
from vending_api.kit.errors import MessageIdUsed
from vending_api.sandbox.estate import ACCOUNT_CODE, ESTATE, LIMITS, TRANSACTION_CHARGE_MINOR

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_an_order_is_stored_with_its_terms_and_what_it_would_bring(engine: Engine) -> None:
    resident = add_resident(engine)
    order, expected = place(engine, resident)
    assert order == now(engine, order)
    assert (order.state, order.amount_minor, order.vended_minor) == ("ordered", ASKED, CREDIT)
    assert (order.account_code, order.charge_minor) == (ACCOUNT_CODE, TRANSACTION_CHARGE_MINOR)
    assert (order.meter_number, order.utility_name) == (METER, ESTATE.name)
    assert order.next_step_at == NOON + timedelta(minutes=2)
    assert expected.units_tenths > 0
    billed = sum(line.charge.net_minor + line.charge.tax_minor for line in expected.bill.lines)
    assert billed == CREDIT
    assert count(engine, SALE) == 0


def test_what_was_expected_is_what_is_vended(engine: Engine) -> None:
    order, expected = place(engine, add_resident(engine))
    vended = settle(engine, order, payment(order))
    with engine.connect() as connection:
        sale = service.sale_of(connection, vended)
    assert sale is not None
    assert sum(token.units_tenths for token in sale.tokens) == expected.units_tenths
    assert (sale.amount_minor, sale.terminal_id) == (CREDIT, "ONLINE01")


@pytest.mark.parametrize("amount_minor", [TRANSACTION_CHARGE_MINOR, 1, 0, -1])
def test_a_sum_of_which_the_charge_leaves_nothing_is_refused(
    engine: Engine, amount_minor: int
) -> None:
    resident = add_resident(engine)
    with pytest.raises(AmountNotAboveCharge):
        place(engine, resident, amount_minor=amount_minor)
    assert count(engine, PAYMENT_ORDER) == 0


def test_limits_are_told_with_the_charge_on_them_and_hold_on_both_sides(engine: Engine) -> None:
    resident = add_resident(engine)
    charge = TRANSACTION_CHARGE_MINOR
    smallest, largest = LIMITS.minimum_minor + charge, LIMITS.maximum_minor + charge
    for amount_minor in (charge + 1, smallest - 1, largest + 1):
        with pytest.raises(AmountOutsideLimits) as refused:
            place(engine, resident, amount_minor=amount_minor)
        assert refused.value.amount_minor == amount_minor
        assert (refused.value.minimum_minor, refused.value.maximum_minor) == (smallest, largest)
    for amount_minor in (smallest, largest):
        place(engine, resident, amount_minor=amount_minor)


def test_a_blocked_meter_orders_nothing(engine: Engine) -> None:
    order = an_order(engine)
    block(engine, order, is_blocked=True)
    with pytest.raises(MeterBlocked):
        an_order(engine)


def test_a_currency_that_paystack_does_not_take_is_not_offered(engine: Engine) -> None:
    an_order(engine)
    with writing(engine) as connection, connection.begin():
        changed = update(UTILITY).where(UTILITY.c.name == ESTATE.name)
        connection.execute(changed.values(currency="978"))
    with pytest.raises(PaymentsNotOffered, match="EUR"):
        an_order(engine, amount_minor=1)


def test_an_operator_may_switch_online_orders_off_and_what_is_paid_is_vended_all_the_same(
    engine: Engine,
) -> None:
    order = an_order(engine)
    with writing(engine) as connection, connection.begin():
        house = clients.house_client(connection)
        clients.set_active(connection, house.key, is_active=False)
    with pytest.raises(PaymentsNotOffered, match="switched off"):
        an_order(engine)
    assert settle(engine, order, payment(order)).state is OrderState.VENDED


def test_a_reference_is_used_once_for_orders_and_for_sales_of_tills(engine: Engine) -> None:
    order = an_order(engine)
    with pytest.raises(MessageIdUsed):
        an_order(engine, reference=order.reference)
    taken = new_reference()
    with writing(engine) as connection, connection.begin():
        command = purchase(purchase_id=taken, message_id=taken)
        selling.sell(connection, MAKER, command)
    with pytest.raises(MessageIdUsed):
        an_order(engine, reference=taken)
    assert count(engine, PAYMENT_ORDER) == 1


def test_the_house_client_is_one_and_nobody_can_log_in_as_it(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        first = clients.house_client(connection)
        assert clients.house_client(connection) == first
        assert first.user_name == HOUSE_USER
        assert not first.terms.is_prepaid
        for password in ("", "!", "online"):
            with pytest.raises(CredentialsRejected):
                clients.check_credentials(connection, HOUSE_USER, password)


def test_where_to_pay_is_stored_with_the_order(engine: Engine) -> None:
    order = an_order(engine)
    checkout = Checkout(authorization_url="https://checkout.example/abc", access_code="abc")
    with writing(engine) as connection, connection.begin():
        service.store_checkout(connection, order.reference, checkout, SOON)
    found = now(engine, order)
    assert (found.authorization_url, found.access_code) == (checkout.authorization_url, "abc")
    assert found.updated_at == SOON
    assert found.next_step_at == order.next_step_at


@pytest.mark.parametrize("reference", ["", "T1", "T00000000000000X", "t000000000000001", "T\x00'"])
def test_what_is_no_reference_is_unknown_and_never_an_error(engine: Engine, reference: str) -> None:
    with writing(engine) as connection, connection.begin():
        with pytest.raises(OrderUnknown):
            service.find_order(connection, reference)
        with pytest.raises(OrderUnknown):
            service.put_off(connection, reference, NOON)
        assert not service.hasten(connection, reference, NOON)
        with pytest.raises(OrderUnknown):
            service.reference_of(connection, 0)


def test_orders_are_found_by_what_is_asked_for_newest_first(engine: Engine) -> None:
    resident = add_resident(engine)
    other = add_resident(engine, email="b@example.org", meter_number=OTHER_METER)
    placed = [
        place(engine, who, received_at=NOON + timedelta(minutes=minute))[0]
        for minute, who in enumerate([resident, other, resident])
    ]
    first, second, third = placed
    settle(engine, third, payment(third), NOON + timedelta(hours=1))
    minute = timedelta(minutes=1)
    cases: list[tuple[dict[str, Any], list[Order]]] = [
        ({}, [third, second, first]),
        ({"meter_number": OTHER_METER}, [second]),
        ({"consumer_key": resident.key}, [third, first]),
        ({"states": (OrderState.ORDERED,)}, [second, first]),
        ({"states": (OrderState.ORDERED, OrderState.VENDED)}, [third, second, first]),
        ({"since": NOON + minute}, [third, second]),
        ({"until": NOON + minute}, [first]),
        ({"is_open": True}, []),
        ({"is_open": False, "states": (OrderState.VENDED,)}, [third]),
        ({"meter_number": "nobody's"}, []),
    ]
    for wanted, found in cases:
        assert _found(engine, **wanted) == ([one.reference for one in found], len(found)), wanted
    with engine.connect() as connection:
        page = [service.find_orders(connection, OrderFilter(), one, size=2) for one in (1, 2, 3)]
    assert [len(orders) for orders, _ in page] == [2, 1, 0]
    assert {total for _, total in page} == {3}


def test_an_order_that_is_due_is_taken_by_one_and_comes_back_if_nothing_was_done(
    engine: Engine,
) -> None:
    order = an_order(engine)
    due = NOON + timedelta(minutes=2)
    for at, taken in [
        (due - timedelta(milliseconds=1), []),
        (due, [order.key]),
        (due, []),
        (due + LEASE, [order.key]),
    ]:
        with writing(engine) as connection, connection.begin():
            assert take_due(connection, PAYMENT_ORDER, now=at, most=20) == taken
    with engine.connect() as connection:
        assert service.reference_of(connection, order.key) == order.reference


@pytest.mark.parametrize("state", list(OrderState))
def test_hastening_wakes_only_what_may_still_be_paid(engine: Engine, state: OrderState) -> None:
    order = in_state(engine, state)
    at = NOON + timedelta(days=4)
    hastened = hasten(engine, order, at)
    is_unpaid = state in {OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED}
    assert hastened == (replace(order, next_step_at=at) if is_unpaid else order)


@pytest.mark.parametrize("state", list(OrderState))
def test_a_call_without_an_answer_puts_off_what_calls_and_keeps_every_state(
    engine: Engine, state: OrderState
) -> None:
    order = in_state(engine, state)
    at = (order.next_step_at or SOON) + timedelta(minutes=1)
    spoil(engine, order, next_step_at=at + LEASE)
    after = put_off(engine, order, at)
    assert after.state is state
    if state in {OrderState.VENDED, OrderState.REFUNDED, OrderState.REFUND_FAILED}:
        assert after == replace(order, next_step_at=at + LEASE)
    else:
        assert after.attempts == order.attempts + 1
        assert after.next_step_at is not None
        assert at < after.next_step_at <= at + timedelta(hours=1)
    if state is OrderState.REFUND_DUE:
        assert after.problem == order.problem


def test_an_order_that_could_not_be_verified_in_time_is_a_case_and_goes_on(
    engine: Engine,
) -> None:
    order = an_order(engine)
    end = NOON + timedelta(hours=72)
    assert not put_off(engine, order, end - timedelta(seconds=50)).is_open
    spoil(engine, order, next_step_at=end + LEASE)
    late = put_off(engine, order, end)
    assert (late.is_open, late.problem) == (True, "not_verified")
    assert late.next_step_at == end + timedelta(hours=6)
    # Once there is an answer, whatever it is, the case has settled itself.
    for answer, state in [(None, OrderState.EXPIRED), (payment(order), OrderState.VENDED)]:
        settled = settle(engine, order, answer, end + timedelta(hours=1))
        assert (settled.state, settled.is_open, settled.problem) == (state, False, "")


def test_news_that_comes_while_paystack_is_asked_is_not_put_off(engine: Engine) -> None:
    order = an_order(engine)
    at = NOON + timedelta(hours=10)
    news = at + timedelta(seconds=3)
    for answer in ("none", "not yet", "failed"):
        spoil(engine, order, next_step_at=at + LEASE)
        hasten(engine, order, news)
        if answer == "none":
            put_off(engine, order, at)
        else:
            paid = payment(order, status="failed") if answer == "failed" else None
            settle(engine, order, paid, at)
        assert now(engine, order).next_step_at == news


def test_the_first_showing_of_a_token_is_kept_as_proof(engine: Engine) -> None:
    order = an_order(engine)
    with writing(engine) as connection, connection.begin():
        service.note_shown(connection, [], "api", SOON)
        service.note_shown(connection, [order.key], "api", SOON)
    assert now(engine, order).first_shown_at is None
    settle(engine, order, payment(order))
    for through, at in [("return", SOON), ("api", SOON + timedelta(hours=1))]:
        with writing(engine) as connection, connection.begin():
            service.note_shown(connection, [order.key], through, at)
    shown = now(engine, order)
    assert (shown.first_shown_at, shown.first_shown_through) == (SOON, "return")


def test_what_waits_is_counted(engine: Engine) -> None:
    resident = add_resident(engine)
    with engine.connect() as connection:
        oldest, states, cases = service.counts(connection)
    assert (oldest, set(states.values()), cases) == (None, {0}, 0)
    orders = [place(engine, resident)[0] for _ in range(4)]
    paid_only(engine, orders[0])
    settle(engine, orders[1], payment(orders[1], requested_minor=1))
    settle(engine, orders[2], payment(orders[2]))
    spoil(engine, orders[1], is_open=True)
    with engine.connect() as connection:
        oldest, states, cases = service.counts(connection)
    assert oldest == NOON + timedelta(minutes=1)
    assert {state: n for state, n in states.items() if n} == {
        OrderState.ORDERED: 1,
        OrderState.PAID: 1,
        OrderState.REFUND_DUE: 1,
    }
    assert cases == 1


def test_nothing_personal_and_nothing_secret_is_shown_of_an_order(engine: Engine) -> None:
    order = an_order(engine)
    for hidden in (order.email, order.phone, order.consumer_name):
        assert hidden
        assert hidden not in repr(order)


def _found(engine: Engine, **wanted: Any) -> tuple[list[str], int]:
    with engine.connect() as connection:
        orders, total = service.find_orders(connection, OrderFilter(**wanted), 1)
    return [order.reference for order in orders], total
