"""What Paystack says late, again, or in odd words, and what is refused or disputed meanwhile."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.domain.paying import (
    ASKED,
    POLICY,
    SOON,
    an_order,
    asked,
    block,
    hasten,
    hear_dispute,
    hear_refund,
    in_state,
    note,
    paid_only,
    payment,
    put_off,
    settle,
    spoil,
    vend,
)
from tests.support.selling import MAKER, count
from tests.support.service import NOON, writing
from vending_api.domain.payments import refunds, service, settling
from vending_api.domain.payments.errors import OrderUnknown, PaymentGatewayRefused
from vending_api.domain.payments.types import OrderState, PaymentProblem, RefundState
from vending_api.domain.sales.tables import SALE
from vending_api.kit.due import LEASE

if TYPE_CHECKING:
    from sqlalchemy import Engine

_DAY = timedelta(hours=24)


def test_what_is_not_paid_yet_is_asked_after_again(engine: Engine) -> None:
    order = an_order(engine)
    at = NOON + timedelta(minutes=8)
    for answer in (None, payment(order, status="abandoned"), payment(order, status="pending")):
        spoil(engine, order, next_step_at=at + LEASE, attempts=3, problem="no_answer")
        after = settle(engine, order, answer, at)
        assert (after.state, after.attempts, after.problem) == (OrderState.ORDERED, 0, "")
        assert after.next_step_at == NOON + timedelta(minutes=16)


def test_late_money_is_taken_from_whatever_was_given_up(engine: Engine) -> None:
    for state in (OrderState.FAILED, OrderState.EXPIRED):
        order = in_state(engine, state)
        assert order.next_step_at is None
        hasten(engine, order, NOON + 4 * _DAY)
        paid = payment(order, paid_at=NOON + 4 * _DAY)
        assert settle(engine, order, paid, NOON + 4 * _DAY).state is OrderState.VENDED


def test_what_is_given_up_and_asked_after_in_vain_rests_again(engine: Engine) -> None:
    order = in_state(engine, OrderState.FAILED)
    at = NOON + timedelta(hours=1)
    hasten(engine, order, at)
    waits = put_off(engine, order, at + timedelta(seconds=31))
    assert waits.next_step_at == at
    spoil(engine, order, next_step_at=at + LEASE)
    assert settle(engine, order, payment(order, status="failed"), at).next_step_at is None


def test_a_payment_that_was_taken_back_before_it_was_seen_is_refunded(engine: Engine) -> None:
    order = an_order(engine)
    back = settle(engine, order, payment(order, status="reversed"))
    assert (back.state, back.paid_minor, back.is_open) == (OrderState.REFUNDED, ASKED, False)
    assert count(engine, SALE) == 0


def test_money_that_was_taken_back_after_vending_is_a_case_until_it_is_settled(
    engine: Engine,
) -> None:
    order = in_state(engine, OrderState.VENDED)
    for _ in range(2):
        case = settle(engine, order, payment(order, status="reversed"))
        assert (case.state, case.is_open) == (OrderState.VENDED, True)
        assert case.problem == "refunded_after_vending"
    spoil(engine, order, is_open=False, closed_at=SOON)
    assert not settle(engine, order, payment(order, status="reversed")).is_open


def test_an_answer_that_was_overtaken_changes_nothing(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    for stale in (None, payment(order, status="pending"), payment(order, status="failed")):
        assert settle(engine, order, stale, NOON + 4 * _DAY) == order


def test_an_unheard_of_word_decides_nothing_and_is_logged(engine: Engine) -> None:
    order = an_order(engine)
    with capture_logs() as logged:
        strange = settle(engine, order, payment(order, status="maybe"))
        late = settle(engine, order, payment(order, status="maybe"), NOON + 3 * _DAY)
    assert strange.state is OrderState.ORDERED
    assert (late.state, late.is_open, late.problem) == (OrderState.ORDERED, True, "not_verified")
    assert [one["event"] for one in logged] == ["payment_status_unknown"] * 2
    assert {one["status"] for one in logged} == {"maybe"}


def test_a_disputed_order_is_held_until_its_case_is_closed(engine: Engine) -> None:
    for is_disputed_first in (True, False):
        order = an_order(engine)
        if is_disputed_first:
            hear_dispute(engine, order, "pending")
            settle(engine, order, payment(order))
        else:
            paid_only(engine, order)
            hear_dispute(engine, order, "pending")
        held = vend(engine, order, SOON)
        assert (held.state, held.is_open, held.next_step_at) == (OrderState.PAID, True, None)
        assert held.problem == "disputed"
        assert settle(engine, order, payment(order)).state is OrderState.PAID


def test_money_that_is_on_its_way_back_is_not_vended_for(engine: Engine) -> None:
    part = an_order(engine)
    hear_refund(engine, part, RefundState.PENDING, amount_minor=1_000)
    held = settle(engine, part, payment(part))
    assert (held.state, held.problem) == (OrderState.PAID, "partly_refunded")
    assert held.is_open
    whole = an_order(engine)
    hear_refund(engine, whole, RefundState.PENDING)
    assert settle(engine, whole, payment(whole)).state is OrderState.REFUNDING
    back = an_order(engine)
    hear_refund(engine, back, RefundState.PROCESSED)
    assert settle(engine, back, payment(back)).state is OrderState.REFUNDED
    assert count(engine, SALE) == 0


def test_a_payment_from_the_future_counts_from_now(engine: Engine) -> None:
    order = an_order(engine)
    block(engine, order, is_blocked=True)
    ahead = settle(engine, order, payment(order, paid_at=SOON + _DAY))
    assert ahead.paid_at == SOON


def test_a_payment_without_a_moment_counts_from_now(engine: Engine) -> None:
    order = an_order(engine)
    assert settle(engine, order, payment(order, paid_at=None, created_at=None)).paid_at == SOON


def test_a_refund_that_was_asked_for_is_followed_hourly(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    at = NOON + timedelta(hours=5)
    assert settle(engine, order, payment(order), at).next_step_at == at + timedelta(hours=1)
    back = settle(engine, order, payment(order, status="reversed"), at)
    assert (back.state, back.next_step_at) == (OrderState.REFUNDED, None)


def test_an_unknown_order_is_neither_settled_nor_vended(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        with pytest.raises(OrderUnknown):
            settling.settle(connection, MAKER, "T999999999999999", None, POLICY, SOON)
        with pytest.raises(OrderUnknown):
            settling.vend(connection, MAKER, "T999999999999999", POLICY, SOON)


def test_orders_and_refusals_travel_between_processes(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    assert pickle.loads(pickle.dumps(order)) == order  # noqa: S301 (our own)
    refused = PaymentGatewayRefused("refund", status=400, reason_code="x", message="no")
    again = pickle.loads(pickle.dumps(refused))  # noqa: S301 (our own)
    assert type(again) is PaymentGatewayRefused
    assert (str(again), again.reason_code) == (str(refused), "x")


def test_problems_fit_their_column_and_codes_are_cut(engine: Engine) -> None:
    assert all(len(problem) <= 40 for problem in PaymentProblem)
    order = an_order(engine)
    assert put_off(engine, order, NOON + timedelta(hours=2), problem="x" * 50).problem == "x" * 40


def test_a_whole_refund_of_ours_is_told_once(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUND_DUE)
    note(engine, refunds.note_refund, order, asked(), SOON)
    note(engine, refunds.note_refund, order, asked(), SOON)
    with engine.connect() as connection:
        assert len(service.refunds_of(connection, order)) == 1
