"""The daily check finds each difference that is planted, and explains where all money went."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from tests.domain.paying import (
    ASKED,
    CREDIT,
    SOON,
    an_order,
    in_state,
    new_reference,
    paid_only,
    payment,
    settle,
    spoil,
)
from tests.support.service import NOON, writing
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.payment_checks.service import check_day
from vending_api.domain.payment_checks.types import DayCheck, DayTotals
from vending_api.domain.payments.tables import PAYMENT_ORDER, REFUND
from vending_api.domain.payments.types import OrderState
from vending_api.domain.sales.tables import SALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from vending_api.domain.payments.types import Order, Payment

_DAY = NOON.date()
_CHARGE = ASKED - CREDIT


def test_a_day_on_which_all_went_well_agrees_and_is_explained(engine: Engine) -> None:
    vended = in_state(engine, OrderState.VENDED)
    passed_on = an_order(engine)
    paid_more = payment(passed_on, amount_minor=ASKED + 300)
    settle(engine, passed_on, paid_more)
    refunded = in_state(engine, OrderState.REFUNDED)
    unpaid = in_state(engine, OrderState.ORDERED)
    failed = in_state(engine, OrderState.FAILED)
    found = _check(
        engine,
        [
            payment(vended),
            paid_more,
            _stored(refunded, status="reversed"),
            payment(unpaid, status="abandoned"),
            payment(failed, status="failed"),
        ],
    )
    assert found.differences == []
    assert found.totals == {
        "NGN": DayTotals(
            paid_minor=3 * ASKED + 300,
            vended_minor=2 * CREDIT,
            charges_minor=2 * _CHARGE,
            passed_on_minor=300,
            refunded_minor=ASKED,
            open_minor=0,
        )
    }
    assert found.totals["NGN"].explained_minor == found.totals["NGN"].paid_minor


def test_a_day_without_money_is_empty(engine: Engine) -> None:
    assert _check(engine, []) == DayCheck(day=_DAY, differences=[], totals={})


def test_money_of_which_there_is_no_order_is_found(engine: Engine) -> None:
    order = an_order(engine)
    stranger = payment(order, reference="another shop", transaction_id=5)
    unpaid = payment(order, reference="unpaid", transaction_id=6, status="abandoned")
    found = _check(engine, [stranger, unpaid])
    problem = "520000 NGN were paid at Paystack, and there is no such order"
    assert _problems(found) == [("payment and order", "another shop", problem)]
    assert found.totals["NGN"].open_minor == ASKED


@pytest.mark.parametrize("state", [OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED])
def test_money_that_was_not_seen_is_found(engine: Engine, state: OrderState) -> None:
    order = in_state(engine, state)
    found = _check(engine, [payment(order)])
    assert _problems(found) == [
        ("payment and order", order.reference, f"it is paid at Paystack, and {state} here")
    ]
    assert found.totals["NGN"].open_minor == ASKED


@pytest.mark.parametrize("there", [None, "failed", "abandoned"])
def test_money_that_is_not_there_is_found(engine: Engine, there: str | None) -> None:
    order = in_state(engine, OrderState.VENDED)
    listed = [] if there is None else [payment(order, status=there)]
    word = "unknown" if there is None else there
    assert _problems(_check(engine, listed)) == [
        ("payment and order", order.reference, f"it was paid here, and is {word} at Paystack")
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"amount_minor": ASKED + 1}, "520001 were paid at Paystack, and 520000 here"),
        (
            {"requested_minor": ASKED - 1},
            "519999 were asked for at Paystack, and 520000 ordered here",
        ),
        ({"currency": "GHS"}, "it is in GHS at Paystack, in NGN here"),
    ],
)
def test_another_sum_or_currency_is_found(
    engine: Engine, changes: dict[str, Any], problem: str
) -> None:
    order = in_state(engine, OrderState.VENDED)
    found = _problems(_check(engine, [payment(order, **changes)]))
    assert ("payment and order", order.reference, problem) in found


def test_a_sum_that_was_refunded_for_being_another_is_no_difference(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUNDED)
    assert _check(engine, [_stored(order, status="reversed")]).differences == []


@pytest.mark.parametrize(
    "state",
    [
        OrderState.PAID,
        OrderState.REFUND_DUE,
        OrderState.REFUNDING,
        OrderState.REFUND_FAILED,
    ],
)
def test_money_that_is_neither_vended_nor_given_back_is_found(
    engine: Engine, state: OrderState
) -> None:
    order = in_state(engine, state)
    found = _check(engine, [_stored(order)])
    problem = f"it is paid, and neither vended nor given back: {state}"
    assert _problems(found) == [("order and sale", order.reference, problem)]
    totals = found.totals["NGN"]
    assert totals.open_minor == totals.paid_minor == totals.explained_minor


def test_a_refund_that_failed_and_was_settled_by_hand_is_no_difference(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUND_FAILED)
    spoil(engine, order, is_open=False, closed_at=SOON)
    assert _check(engine, [_stored(order)]).differences == []


def test_a_vended_order_without_its_sale_is_found_and_its_money_not_explained(
    engine: Engine,
) -> None:
    order = in_state(engine, OrderState.VENDED)
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(TOKEN))
    assert _problems(_check(engine, [payment(order)])) == [
        ("order and sale", order.reference, "it is vended, and the sale has no token")
    ]
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(SALE))
    assert _problems(_check(engine, [payment(order)])) == [
        ("money", "NGN", "520000 of 520000 are not explained"),
        ("order and sale", order.reference, "it is vended, and there is no sale"),
    ]


def test_a_sale_of_another_sum_is_found(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    with writing(engine) as connection, connection.begin():
        connection.execute(update(SALE).values(amount_minor=CREDIT + 1))
    assert _problems(_check(engine, [payment(order)])) == [
        ("money", "NGN", "-1 of 520000 are not explained"),
        ("order and sale", order.reference, "500001 were sold for, and 500000 ordered"),
    ]


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_sale_whose_order_does_not_say_so_is_found_whenever_it_was_paid(
    engine: Engine, *, is_listed: bool
) -> None:
    order = in_state(engine, OrderState.VENDED)
    spoil(engine, order, state="refunded", paid_minor=None, payment=None)
    listed = [payment(order, status="reversed")] if is_listed else []
    problem = "500000 were sold for, and the order is refunded"
    assert ("order and sale", order.reference, problem) in _problems(_check(engine, listed))


def test_a_sale_without_any_order_is_found(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    with writing(engine) as connection, connection.begin():
        connection.execute(update(SALE).values(purchase_id=new_reference()))
        connection.execute(delete(REFUND))
        connection.execute(
            update(PAYMENT_ORDER).values(state="ordered", paid_minor=None, payment=None)
        )
    ((check, _, problem),) = _problems(_check(engine, []))
    assert (check, problem) == (
        "order and sale",
        "500000 were sold for, and there is no such order",
    )
    assert order.state is OrderState.VENDED


def test_a_refund_that_only_one_side_knows_is_found(engine: Engine) -> None:
    ours = in_state(engine, OrderState.REFUNDED)
    theirs = in_state(engine, OrderState.VENDED)
    stuck = in_state(engine, OrderState.REFUNDING)
    found = _check(
        engine,
        [
            _stored(ours),
            payment(theirs, status="reversed"),
            _stored(stuck, status="reversed"),
        ],
    )
    assert {one for one in _problems(found) if one[0] == "refund"} == {
        ("refund", ours.reference, "it was given back here, and is success at Paystack"),
        ("refund", theirs.reference, "it was given back at Paystack, and is vended here"),
        ("refund", stuck.reference, "it was given back at Paystack, and is refunding here"),
    }


def test_money_back_after_vending_is_found_until_its_case_is_closed(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    settle(engine, order, payment(order, status="reversed"))
    listed = [payment(order, status="reversed")]
    assert [one[0] for one in _problems(_check(engine, listed))] == ["refund"]
    spoil(engine, order, is_open=False, closed_at=SOON)
    assert _check(engine, listed).differences == []


def test_two_transactions_of_one_reference_are_found_and_one_listed_twice_is_one(
    engine: Engine,
) -> None:
    order = in_state(engine, OrderState.VENDED)
    once = payment(order)
    assert _check(engine, [once, once]).differences == []
    twice = _check(engine, [once, payment(order, transaction_id=7)])
    assert _problems(twice) == [
        ("payment and order", order.reference, "Paystack lists two transactions of this reference")
    ]


def test_each_payment_is_checked_on_the_day_of_its_making_alone(engine: Engine) -> None:
    midnight = datetime.combine(_DAY, datetime.min.time(), UTC) + timedelta(days=1)
    tick = timedelta(milliseconds=1)
    before, after = (_paid_at(engine, created_at) for created_at in (midnight - tick, midnight))
    for day, known in [
        (_DAY - timedelta(days=1), set()),
        (_DAY, {before.reference}),
        (_DAY + timedelta(days=1), {after.reference}),
        (_DAY + timedelta(days=2), set()),
    ]:
        listed = [_stored(before), _stored(after)]
        found = _check(engine, listed, day=day)
        assert {one.reference for one in found.differences} == known, day
        # What is paid here and not listed at all is missed on the same day.
        assert {one.reference for one in _check(engine, [], day=day).differences} == known, day


def test_a_payment_without_a_moment_is_looked_at_each_day(engine: Engine) -> None:
    order = an_order(engine)
    timeless = payment(order, created_at=None)
    for day in (_DAY, _DAY + timedelta(days=9)):
        assert len(_check(engine, [timeless], day=day).differences) == 1


def test_sums_are_kept_apart_by_currency(engine: Engine) -> None:
    order = an_order(engine)
    wrong = payment(order, currency="GHS", amount_minor=777)
    settle(engine, order, wrong)
    right = in_state(engine, OrderState.VENDED)
    totals = _check(engine, [wrong, payment(right)]).totals
    assert list(totals) == ["GHS", "NGN"]
    assert (totals["GHS"].open_minor, totals["NGN"].vended_minor) == (777, CREDIT)


def _paid_at(engine: Engine, created_at: datetime) -> Order:
    """Return an order that waits to be vended, whose payment was created at a moment."""
    order = paid_only(engine, an_order(engine))
    return settle(engine, order, payment(order, created_at=created_at))


def _stored(order: Order, **changes: Any) -> Payment:
    """Return the payment of an order as it was verified last, with `changes`."""
    assert order.payment is not None
    return replace(order.payment, **changes)


def _check(engine: Engine, listed: Sequence[Payment], *, day: date = _DAY) -> DayCheck:
    with engine.connect() as connection:
        return check_day(connection, day, listed)


def _problems(found: DayCheck) -> list[tuple[str, str, str]]:
    return [(one.check, one.reference, one.problem) for one in found.differences]
