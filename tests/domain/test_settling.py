"""A paid order is sold once, whoever settles it and how often; nothing that was paid is lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sts.virtual_meter import Accepted, Refused
from tests.domain.paying import (
    ASKED,
    CREDIT,
    PHONE,
    POLICY,
    SOON,
    an_order,
    block,
    in_state,
    now,
    paid_only,
    payment,
    settle,
    sold_for,
    spoil,
    told,
    vend,
)
from tests.support.residents import EMAIL, SERIAL
from tests.support.selling import BROKEN_MAKER, MAKER, count
from tests.support.service import NOON, writing
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.notifications.tables import NOTIFICATION
from vending_api.domain.payments import service, settling
from vending_api.domain.payments.types import OrderState
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sales.tables import SALE
from vending_api.sandbox.virtual_meters import estate_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine

_TOKEN_TOLD = {("token", "email", EMAIL), ("token", "sms", PHONE)}
_REFUND_TOLD = {("refund", "email", EMAIL), ("refund", "sms", PHONE)}
_DAY = timedelta(hours=24)


def test_a_paid_order_becomes_a_sale_a_token_and_news_for_its_customer(engine: Engine) -> None:
    order = an_order(engine)
    vended = settle(engine, order, payment(order))
    assert vended == now(engine, order)
    assert (vended.state, vended.problem, vended.next_step_at) == (OrderState.VENDED, "", None)
    assert (vended.paid_minor, vended.paid_at) == (ASKED, NOON + timedelta(minutes=1))
    assert vended.payment == payment(order)
    with engine.connect() as connection:
        assert sold_for(connection, order) == [CREDIT]
        sale = service.sale_of(connection, vended)
        assert differences(connection) == []
    assert sale is not None
    meter = estate_virtual_meter(SERIAL)
    for token in sale.tokens:
        assert isinstance(meter.enter(token.digits), Accepted)
        assert isinstance(meter.enter(token.digits), Refused)
    assert told(engine) == _TOKEN_TOLD


def test_fees_that_the_customer_bears_buy_nothing(engine: Engine) -> None:
    order = an_order(engine)
    vended = settle(engine, order, payment(order, amount_minor=ASKED + 10_283))
    assert (vended.state, vended.paid_minor) == (OrderState.VENDED, ASKED + 10_283)
    with engine.connect() as connection:
        assert sold_for(connection, order) == [CREDIT]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"requested_minor": ASKED + 1, "amount_minor": ASKED + 1}, "other_amount"),
        ({"amount_minor": ASKED - 1}, "underpaid"),
        ({"currency": "GHS"}, "wrong_currency"),
        ({"mode": "live"}, "wrong_mode"),
    ],
)
def test_money_that_came_otherwise_is_recorded_and_goes_back(
    engine: Engine, changes: dict[str, Any], problem: str
) -> None:
    order = an_order(engine)
    paid = payment(order, **changes)
    due = settle(engine, order, paid)
    assert (due.state, due.problem) == (OrderState.REFUND_DUE, problem)
    assert (due.payment, due.paid_minor, due.next_step_at) == (paid, paid.amount_minor, SOON)
    assert count(engine, SALE) == 0
    assert told(engine) == _REFUND_TOLD
    # Never both: from here on it is not vended, whatever Paystack says.
    assert settle(engine, order, payment(order)).state is OrderState.REFUND_DUE
    assert vend(engine, order, SOON).state is OrderState.REFUND_DUE
    assert count(engine, SALE) == 0


def test_thirty_two_at_once_sell_once(engine: Engine) -> None:
    order = an_order(engine)
    states, start = [], threading.Barrier(16)

    def one(number: int) -> None:
        start.wait()
        for turn in range(2):
            at = SOON + timedelta(milliseconds=2 * number + turn)
            states.append(settle(engine, order, payment(order), at).state)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == [OrderState.VENDED] * 32
    assert count(engine, NOTIFICATION) == 2
    with engine.connect() as connection:
        assert sold_for(connection, order) == [CREDIT]
        assert differences(connection) == []


def test_vending_and_refunding_at_once_end_in_one_of_the_two(engine: Engine) -> None:
    order = an_order(engine)
    paid_only(engine, order)
    start = threading.Barrier(8)
    acts = [
        lambda: vend(engine, order, NOON + _DAY * 2),
        lambda: vend(engine, order, NOON + _DAY * 2, sell=False),
    ]

    def one(number: int) -> None:
        start.wait()
        acts[number % 2]()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = now(engine, order).state
    is_vended = state is OrderState.VENDED
    assert is_vended or state is OrderState.REFUND_DUE
    with engine.connect() as connection:
        assert sold_for(connection, order) == ([CREDIT] if is_vended else [])
    assert told(engine) == (_TOKEN_TOLD if is_vended else _REFUND_TOLD)


@pytest.mark.parametrize("state", list(OrderState))
def test_settling_again_with_the_same_payment_changes_no_end(
    engine: Engine, state: OrderState
) -> None:
    order = in_state(engine, state)
    spoil(engine, order, next_step_at=None)
    after = settle(engine, order, payment(order), NOON + timedelta(days=4))
    if state in {OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED}:
        assert after.state is OrderState.VENDED
    else:
        assert after.state is state
        assert after.problem == order.problem


def test_a_refused_sale_keeps_the_money_and_is_tried_again(engine: Engine) -> None:
    order = an_order(engine)
    block(engine, order, is_blocked=True)
    first = settle(engine, order, payment(order))
    assert (first.state, first.problem, first.attempts) == (OrderState.PAID, "meter_blocked", 1)
    assert first.next_step_at == SOON + timedelta(seconds=5)
    assert told(engine) == set()
    second = vend(engine, order, SOON + timedelta(seconds=5))
    assert (second.attempts, second.problem) == (2, "meter_blocked")
    assert second.next_step_at == SOON + timedelta(seconds=15)
    with engine.connect() as connection:
        assert sold_for(connection, order) == []
        assert differences(connection) == []
    block(engine, order, is_blocked=False)
    vended = vend(engine, order, SOON + timedelta(seconds=15))
    assert (vended.state, vended.problem, vended.attempts) == (OrderState.VENDED, "", 0)
    with engine.connect() as connection:
        assert sold_for(connection, order) == [CREDIT]
        assert differences(connection) == []


def test_a_token_that_does_not_read_back_is_thrown_away_and_the_money_kept(engine: Engine) -> None:
    order = an_order(engine)
    kept = settle(engine, order, payment(order), maker=BROKEN_MAKER)
    assert (kept.state, kept.problem) == (OrderState.PAID, "token_not_proven")
    assert (count(engine, SALE), count(engine, TOKEN)) == (0, 0)
    assert vend(engine, order, SOON).state is OrderState.VENDED


def test_what_a_fault_undoes_is_stored_without_the_sale(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order(engine)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(settling, "retry", broken)
        with pytest.raises(ZeroDivisionError):
            settle(engine, order, payment(order))
        assert now(engine, order) == order
        kept = settle(engine, order, payment(order), vend=False)
        with pytest.raises(ZeroDivisionError):
            vend(engine, order, SOON)
        again = vend(engine, order, SOON, sell=False)
    assert (kept.state, kept.problem, kept.attempts) == (OrderState.PAID, "unexpected", 1)
    assert (again.state, again.attempts) == (OrderState.PAID, 2)
    assert vend(engine, order, SOON).state is OrderState.VENDED


def test_payment_sale_and_news_are_stored_together_or_not_at_all(engine: Engine) -> None:
    order = an_order(engine)
    with writing(engine) as connection:
        transaction = connection.begin()
        vended = settling.settle(connection, MAKER, order.reference, payment(order), POLICY, SOON)
        assert vended.state is OrderState.VENDED
        transaction.rollback()
    assert now(engine, order) == order
    assert [count(engine, table) for table in (SALE, TOKEN, NOTIFICATION)] == [0, 0, 0]


def test_after_its_time_the_money_goes_back_and_never_before(engine: Engine) -> None:
    order = an_order(engine)
    block(engine, order, is_blocked=True)
    paid_at = NOON + timedelta(minutes=1)
    settle(engine, order, payment(order))
    early = vend(engine, order, paid_at + _DAY - timedelta(milliseconds=1))
    assert (early.state, told(engine)) == (OrderState.PAID, set())
    due = vend(engine, order, paid_at + _DAY)
    assert (due.state, due.problem) == (OrderState.REFUND_DUE, "not_vended_in_time")
    assert (due.attempts, due.next_step_at) == (0, paid_at + _DAY)
    assert told(engine) == _REFUND_TOLD
    block(engine, order, is_blocked=False)
    assert vend(engine, order, paid_at + _DAY).state is OrderState.REFUND_DUE


def test_after_an_outage_longer_than_its_time_an_order_is_vended_rather(engine: Engine) -> None:
    order = an_order(engine)
    paid_only(engine, order)
    assert vend(engine, order, NOON + 3 * _DAY).state is OrderState.VENDED


def test_a_fault_that_stays_does_not_keep_the_money_for_ever(engine: Engine) -> None:
    order = an_order(engine)
    settle(engine, order, payment(order), vend=False)
    assert vend(engine, order, NOON + 2 * _DAY, sell=False).state is OrderState.REFUND_DUE


def test_nobody_is_told_on_a_channel_that_is_not_there(engine: Engine) -> None:
    order = an_order(engine)
    silent = type(POLICY)(mode="test", refund_after=_DAY, channels=frozenset())
    settle(engine, order, payment(order), policy=silent)
    assert told(engine) == set()


def test_who_gave_no_number_gets_no_sms(engine: Engine) -> None:
    order = an_order(engine)
    spoil(engine, order, phone="")
    settle(engine, order, payment(order))
    assert told(engine) == {("token", "email", EMAIL)}
