"""Money that goes back: by whomever, in parts, told by events in any order and more than once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.domain.paying import (
    ASKED,
    SOON,
    an_order,
    asked,
    hear_dispute,
    hear_refund,
    in_state,
    note,
    now,
    paid_only,
    payment,
    settle,
    vend,
)
from tests.support.service import writing
from vending_api.domain.payments import refunds, service
from vending_api.domain.payments.types import ELSEWHERE, Order, OrderState, Refund, RefundState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

_HOUR = timedelta(hours=1)
_PENDING, _PROCESSING = RefundState.PENDING, RefundState.PROCESSING
_PROCESSED, _FAILED = RefundState.PROCESSED, RefundState.FAILED
_ATTENTION = RefundState.NEEDS_ATTENTION


def test_a_refund_that_is_taken_is_followed_until_the_money_is_back(engine: Engine) -> None:
    due = in_state(engine, OrderState.REFUND_DUE)
    asked_for = note(engine, refunds.note_refund, due, asked(), SOON)
    assert (asked_for.state, asked_for.problem) == (OrderState.REFUNDING, "underpaid")
    assert asked_for.next_step_at == SOON + _HOUR
    goes_on = note(engine, refunds.note_refund_state, due, asked(state=_PROCESSING), SOON + _HOUR)
    assert (goes_on.state, goes_on.next_step_at) == (OrderState.REFUNDING, SOON + 2 * _HOUR)
    back = note(engine, refunds.note_refund_state, due, asked(state=_PROCESSED), SOON + 2 * _HOUR)
    assert (back.state, back.next_step_at, back.is_open) == (OrderState.REFUNDED, None, False)
    (refund,) = _refunds(engine, due)
    assert (refund.refund_id, refund.state, refund.reason) == ("7001", _PROCESSED, "underpaid")
    assert (refund.asked_at, refund.updated_at) == (SOON, SOON + 2 * _HOUR)


def test_an_answer_without_news_lets_the_refund_be_followed(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    for number, told in enumerate([asked(), asked(5, refund_id="another's")], start=1):
        at = SOON + number * _HOUR
        same = note(engine, refunds.note_refund_state, order, told, at)
        assert (same.state, same.next_step_at) == (OrderState.REFUNDING, at + _HOUR)
    back = in_state(engine, OrderState.REFUNDED)
    assert note(engine, refunds.note_refund_state, back, asked(), SOON) == back


@pytest.mark.parametrize("end", [_FAILED, _ATTENTION])
def test_a_refund_that_does_not_go_through_is_a_case(engine: Engine, end: RefundState) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    case = note(engine, refunds.note_refund_state, order, asked(state=end), SOON)
    assert (case.state, case.problem) == (OrderState.REFUND_FAILED, "refund_failed")
    assert (case.is_open, case.next_step_at) == (True, None)
    # Somebody has seen to it at Paystack.
    back = hear_refund(engine, order, _PROCESSED)
    assert (back.state, back.is_open) == (OrderState.REFUNDED, False)


def test_a_refund_that_is_done_or_failed_at_once_needs_no_following(engine: Engine) -> None:
    for state, leads_to in [
        (_PROCESSED, OrderState.REFUNDED),
        (_FAILED, OrderState.REFUND_FAILED),
        (_ATTENTION, OrderState.REFUND_FAILED),
        (_PROCESSING, OrderState.REFUNDING),
    ]:
        order = in_state(engine, OrderState.REFUND_DUE)
        assert note(engine, refunds.note_refund, order, asked(state=state), SOON).state is leads_to


def test_a_definite_no_is_a_case_with_what_paystack_said(engine: Engine) -> None:
    due = in_state(engine, OrderState.REFUND_DUE)
    case = note(engine, refunds.note_refund_refused, due, "insufficient_balance", SOON)
    assert (case.state, case.is_open) == (OrderState.REFUND_FAILED, True)
    (refund,) = _refunds(engine, due)
    assert (refund.state, refund.reason) == (_FAILED, "insufficient_balance")
    assert refund.amount_minor == due.paid_minor
    again = note(engine, refunds.note_refund_refused, due, "", SOON)
    assert (again, len(_refunds(engine, due))) == (case, 1)


def test_what_paystack_gave_back_before_it_was_asked_is_followed_without_an_id(
    engine: Engine,
) -> None:
    due = in_state(engine, OrderState.REFUND_DUE)
    known = note(engine, refunds.note_refund, due, asked(refund_id=""), SOON)
    assert known.state is OrderState.REFUNDING
    assert [refund.refund_id for refund in _refunds(engine, due)] == [None]
    assert settle(engine, due, payment(due, status="reversed")).state is OrderState.REFUNDED


def test_an_event_that_overtakes_our_own_record_is_about_the_same_refund(engine: Engine) -> None:
    due = in_state(engine, OrderState.REFUND_DUE)
    assert hear_refund(engine, due, _PENDING, bank="B1").state is OrderState.REFUNDING
    note(engine, refunds.note_refund, due, asked(), SOON)
    (refund,) = _refunds(engine, due)
    assert (refund.refund_id, refund.refund_reference) == ("7001", "B1")
    assert refund.reason == "underpaid"
    assert hear_refund(engine, due, _PROCESSED, bank="B1").state is OrderState.REFUNDED
    assert note(engine, refunds.note_refund, due, asked(), SOON).state is OrderState.REFUNDED
    assert len(_refunds(engine, due)) == 1


_STORY = (
    (_PENDING, None),
    (_PROCESSING, None),
    (_PROCESSED, "B1"),
)


@pytest.mark.parametrize("order_of_events", list(permutations(range(3))))
def test_events_of_one_refund_in_any_order_and_twice_tell_of_one(
    engine: Engine, order_of_events: Sequence[int]
) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    for number in (*order_of_events, *order_of_events):
        state, bank = _STORY[number]
        hear_refund(engine, order, state, bank=bank)
    assert now(engine, order).state is OrderState.REFUNDED
    (refund,) = _refunds(engine, order)
    assert (refund.state, refund.refund_reference) == (_PROCESSED, "B1")


@pytest.mark.parametrize("old", [_PENDING, _PROCESSING, _ATTENTION])
def test_an_old_event_opens_no_refund_that_has_failed_and_none_that_is_done(
    engine: Engine, old: RefundState
) -> None:
    failed = in_state(engine, OrderState.REFUND_FAILED)
    done = in_state(engine, OrderState.REFUNDED)
    for bank in (None, "B9"):
        assert hear_refund(engine, failed, old, bank=bank).state is OrderState.REFUND_FAILED
        assert now(engine, failed).is_open
        assert hear_refund(engine, done, old, bank=bank).state is OrderState.REFUNDED
    assert hear_refund(engine, done, _FAILED).state is OrderState.REFUNDED


def test_parts_that_go_back_elsewhere_add_up(engine: Engine) -> None:
    order = paid_only(engine, an_order(engine))
    first = hear_refund(engine, order, _PROCESSED, amount_minor=5_000, bank="B1")
    assert (first.state, first.problem) == (OrderState.PAID, "partly_refunded")
    assert (first.is_open, first.next_step_at) == (True, None)
    assert vend(engine, order, SOON).state is OrderState.PAID
    rest = ASKED - 5_000
    almost = hear_refund(engine, order, _PROCESSED, amount_minor=rest - 1, bank="B2")
    assert almost.state is OrderState.PAID
    back = hear_refund(engine, order, _PROCESSED, amount_minor=1, bank="B3")
    assert (back.state, back.is_open) == (OrderState.REFUNDED, False)
    assert {refund.reason for refund in _refunds(engine, order)} == {ELSEWHERE}


def test_two_equal_parts_are_two(engine: Engine) -> None:
    order = paid_only(engine, an_order(engine))
    for bank in ("B1", "B2", "B1", "B2"):
        hear_refund(engine, order, _PENDING, amount_minor=ASKED // 2)
        hear_refund(engine, order, _PROCESSED, amount_minor=ASKED // 2, bank=bank)
    assert now(engine, order).state is OrderState.REFUNDED
    assert [refund.amount_minor for refund in _refunds(engine, order)] == [ASKED // 2] * 2


def test_a_whole_refund_elsewhere_takes_a_paid_order_out_of_vending(engine: Engine) -> None:
    order = paid_only(engine, an_order(engine))
    assert hear_refund(engine, order, _PENDING).state is OrderState.REFUNDING
    assert vend(engine, order, SOON).state is OrderState.REFUNDING
    assert hear_refund(engine, order, _FAILED).state is OrderState.REFUND_FAILED


def test_a_part_that_needs_attention_holds_a_paid_order_and_one_that_failed_does_not(
    engine: Engine,
) -> None:
    held = paid_only(engine, an_order(engine))
    assert hear_refund(engine, held, _ATTENTION).problem == "partly_refunded"
    free = paid_only(engine, an_order(engine))
    assert not hear_refund(engine, free, _FAILED).is_open
    assert vend(engine, free, SOON).state is OrderState.VENDED


def test_a_refund_that_was_done_in_part_only_is_a_case(engine: Engine) -> None:
    due = in_state(engine, OrderState.REFUND_DUE)
    part = asked(ASKED - 1, state=_PROCESSED)
    case = note(engine, refunds.note_refund, due, part, SOON)
    assert (case.state, case.problem) == (OrderState.REFUND_FAILED, "partly_refunded")
    assert case.is_open


def test_money_back_after_vending_is_a_case_and_the_token_stays_sold(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    assert not hear_refund(engine, order, _PENDING).is_open
    case = hear_refund(engine, order, _PROCESSED)
    assert (case.state, case.is_open) == (OrderState.VENDED, True)
    assert case.problem == "refunded_after_vending"
    with engine.connect() as connection:
        assert service.sale_of(connection, case) is not None


def test_a_refund_of_what_nobody_knew_to_be_paid_lets_it_be_verified(engine: Engine) -> None:
    for state in (OrderState.ORDERED, OrderState.FAILED, OrderState.EXPIRED):
        order = in_state(engine, state)
        assert hear_refund(engine, order, _PENDING, amount_minor=9).next_step_at == SOON
        assert now(engine, order).state is state


def test_an_event_of_an_unknown_order_says_so(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        for reference in ("T999999999999999", "somebody else's", "\x00"):
            assert not refunds.hear_dispute(connection, reference, status="open", at=SOON)
            assert not refunds.hear_refund(
                connection,
                reference,
                state=_PENDING,
                amount_minor=1,
                refund_reference=None,
                at=SOON,
            )


@pytest.mark.parametrize("state", list(OrderState))
def test_the_first_news_of_a_dispute_opens_a_case_and_changes_no_state(
    engine: Engine, state: OrderState
) -> None:
    order = in_state(engine, state)
    case = hear_dispute(engine, order, "awaiting-merchant-feedback")
    assert (case.state, case.is_open) == (state, True)
    assert case.dispute == "awaiting-merchant-feedback"
    keeps_why = state in {
        OrderState.REFUND_DUE,
        OrderState.REFUNDING,
        OrderState.REFUND_FAILED,
        OrderState.REFUNDED,
    }
    assert case.problem == (order.problem if keeps_why else "disputed")


def test_the_end_of_a_dispute_is_the_last_of_it(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    hear_dispute(engine, order, "pending")
    hear_dispute(engine, order, "resolved: declined")
    old = hear_dispute(engine, order, "pending")
    assert (old.dispute, old.is_open) == ("resolved: declined", True)
    long = in_state(engine, OrderState.VENDED)
    assert hear_dispute(engine, long, "x" * 64).dispute == "x" * 40
    assert hear_dispute(engine, long, "x" * 64).dispute == "x" * 40


def test_a_disputed_order_whose_money_goes_back_stays_open(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    hear_dispute(engine, order, "pending")
    back = hear_refund(engine, order, _PROCESSED)
    assert (back.state, back.is_open) == (OrderState.REFUNDED, True)


def _refunds(engine: Engine, order: Order) -> list[Refund]:
    with engine.connect() as connection:
        return service.refunds_of(connection, order)


@pytest.mark.parametrize(
    ("waited", "problem"),
    [
        (timedelta(days=14) - timedelta(seconds=1), "underpaid"),
        (timedelta(days=14), "refund_late"),
        (timedelta(days=30), "refund_late"),
    ],
)
@pytest.mark.parametrize("how", ["said so", "not known by id", "no answer"])
def test_a_refund_that_takes_too_long_is_a_case_and_followed_all_the_same(
    engine: Engine, how: str, waited: timedelta, problem: str
) -> None:
    due = in_state(engine, OrderState.REFUND_DUE)
    note(engine, refunds.note_refund, due, asked(), SOON)
    at = SOON + waited
    if how == "said so":
        order = note(engine, refunds.note_refund_state, due, asked(state=_PROCESSING), at)
    elif how == "not known by id":
        order = settle(engine, due, payment(due), at)
    else:
        with writing(engine) as connection, connection.begin():
            service.put_off(connection, due.reference, at, problem="gateway_unavailable")
        order = now(engine, due)
    assert (order.state, order.problem) == (OrderState.REFUNDING, problem)
    assert order.is_open == (problem == "refund_late")
    assert order.next_step_at == at + _HOUR
