"""What operators may do with an order, and in which states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.domain.paying import (
    POLICY,
    SOON,
    asked,
    hear_dispute,
    hear_refund,
    in_state,
    note,
    now,
    told,
    vend,
)
from tests.support.service import writing
from vending_api.domain.payments import cases, refunds
from vending_api.domain.payments.errors import OrderStepRefused, OrderUnknown
from vending_api.domain.payments.types import OrderState, RefundState
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from vending_api.domain.payments.types import Order

_MAY_STILL_BE_VENDED = {
    OrderState.ORDERED,
    OrderState.FAILED,
    OrderState.EXPIRED,
    OrderState.PAID,
}
_MAY_GO_BACK = {OrderState.PAID, OrderState.REFUND_FAILED}


@pytest.mark.parametrize("state", list(OrderState))
def test_what_may_become_a_token_may_be_hurried(engine: Engine, state: OrderState) -> None:
    order = in_state(engine, state)
    if state in _MAY_STILL_BE_VENDED:
        assert _hurry(engine, order).next_step_at == SOON
    else:
        with pytest.raises(OrderStepRefused, match=f"is {state}, which does not allow to vend"):
            _hurry(engine, order)
    assert now(engine, order).state is state


@pytest.mark.parametrize("state", list(OrderState))
def test_what_is_paid_or_whose_refund_failed_may_be_given_back(
    engine: Engine, state: OrderState
) -> None:
    order = in_state(engine, state)
    if state not in _MAY_GO_BACK:
        with pytest.raises(OrderStepRefused, match="refund"):
            _refund(engine, order)
        assert now(engine, order) == order
        return
    due = _refund(engine, order)
    assert (due.state, due.problem, due.is_open) == (OrderState.REFUND_DUE, "by_operator", False)
    assert (due.next_step_at, due.closing_note) == (SOON, "meter removed")
    assert {(kind, channel) for kind, channel, _ in told(engine)} == {
        ("refund", "email"),
        ("refund", "sms"),
    }
    assert vend(engine, order, SOON).state is OrderState.REFUND_DUE


def test_a_held_order_is_not_hurried_until_its_case_is_closed(engine: Engine) -> None:
    order = in_state(engine, OrderState.PAID)
    hear_dispute(engine, order, "pending")
    with pytest.raises(OrderStepRefused, match="open case"):
        _hurry(engine, order)
    closed = _close(engine, order)
    assert (closed.is_open, closed.closed_at, closed.closing_note) == (False, SOON, "agreed")
    assert closed.next_step_at == SOON
    assert vend(engine, order, SOON).state is OrderState.VENDED


def test_a_case_that_was_closed_before_the_payment_was_seen_holds_nothing(engine: Engine) -> None:
    order = in_state(engine, OrderState.ORDERED)
    hear_dispute(engine, order, "pending")
    assert _close(engine, order).next_step_at == order.next_step_at


@pytest.mark.parametrize("state", list(OrderState))
def test_only_an_open_case_is_closed(engine: Engine, state: OrderState) -> None:
    order = in_state(engine, state)
    if order.is_open:
        _close(engine, order)
    with pytest.raises(OrderStepRefused, match="without an open case"):
        _close(engine, order)
    with pytest.raises(OrderUnknown), writing(engine) as connection, connection.begin():
        cases.close_case(connection, "T999999999999999", "x", SOON)


def test_a_part_that_goes_back_after_a_case_was_closed_opens_it_again(engine: Engine) -> None:
    order = in_state(engine, OrderState.PAID)
    hear_refund(engine, order, RefundState.PROCESSED, amount_minor=5, bank="B1")
    _close(engine, order)
    again = hear_refund(engine, order, RefundState.PROCESSED, amount_minor=7, bank="B2")
    assert (again.is_open, again.closed_at, again.closing_note) == (True, None, "")


def test_giving_back_settles_the_case_but_not_a_dispute(engine: Engine) -> None:
    held = in_state(engine, OrderState.PAID)
    hear_refund(engine, held, RefundState.PROCESSED, amount_minor=5, bank="B1")
    due = _refund(engine, held)
    assert (due.is_open, due.closed_at) == (False, SOON)
    disputed = in_state(engine, OrderState.PAID)
    hear_dispute(engine, disputed, "pending")
    due = _refund(engine, disputed)
    assert (due.state, due.is_open, due.closed_at) == (OrderState.REFUND_DUE, True, None)


def test_a_refund_that_failed_may_be_asked_for_again_and_then_succeeds(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUND_FAILED)
    _refund(engine, order)
    again = note(engine, refunds.note_refund, order, asked(refund_id="7002"), SOON)
    assert (again.state, again.is_open) == (OrderState.REFUNDING, False)
    done = asked(refund_id="7002", state=RefundState.PROCESSED)
    assert note(engine, refunds.note_refund_state, order, done, SOON).state is OrderState.REFUNDED


def test_a_note_fits_its_column(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUND_FAILED)
    with pytest.raises(EntryInvalid, match="201"):
        _close(engine, order, "x" * 201)
    assert _close(engine, order, "x" * 200).closing_note == "x" * 200


def _hurry(engine: Engine, order: Order) -> Order:
    with writing(engine) as connection, connection.begin():
        return cases.hurry(connection, order.reference, SOON)


def _refund(engine: Engine, order: Order) -> Order:
    with writing(engine) as connection, connection.begin():
        return cases.order_refund(
            connection,
            order.reference,
            SOON,
            note="meter removed",
            channels=POLICY.channels,
        )


def _close(engine: Engine, order: Order, note_text: str = "agreed") -> Order:
    with writing(engine) as connection, connection.begin():
        return cases.close_case(connection, order.reference, note_text, SOON)
