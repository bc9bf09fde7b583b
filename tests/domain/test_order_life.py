"""The life of an order, cell by cell; what a payment means for it; when its steps are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from tests.domain.paying import POLICY
from tests.support.service import NOON
from vending_api.domain.payments import schedule
from vending_api.domain.payments.types import (
    Order,
    OrderEvent,
    OrderState,
    Payment,
    PaymentProblem,
    next_state,
)
from vending_api.domain.payments.verdict import verdict
from vending_api.kit.due import LEASE

_TABLE: Final = """
               paid_right paid_wrong payment_failed time_is_up vend   refund     refund_asked refund_not_done money_back
ordered        paid       refund_due failed         expired    -      -          -            -               refunded
failed         paid       refund_due -              -          -      -          -            -               refunded
expired        paid       refund_due -              -          -      -          -            -               refunded
paid           -          -          -              -          vended refund_due refunding    -               refunded
vended         -          -          -              -          -      -          -            -               -
refund_due     -          -          -              -          -      -          refunding    refund_failed   refunded
refunding      -          -          -              -          -      -          -            refund_failed   refunded
refund_failed  -          -          -              -          -      refund_due refunding    -               refunded
refunded       -          -          -              -          -      -          -            -               -
"""  # noqa: E501 (a table is read across)
_ORDER: Final = Order(
    key=1,
    reference="T000000000000001",
    consumer_key=1,
    consumer_name="Ngozi",
    email="ngozi@example.org",
    phone="",
    meter_number="01000001013",
    utility_name="Demo Estate",
    time_zone="Africa/Lagos",
    account_code="",
    amount_minor=30_050,
    charge_minor=50,
    currency="566",
    state=OrderState.ORDERED,
    problem="",
    authorization_url="",
    access_code="",
    payment=None,
    ordered_at=NOON,
    updated_at=NOON,
    paid_at=None,
    attempts=0,
    dispute="",
    first_shown_at=None,
    first_shown_through="",
    is_open=False,
    closed_at=None,
    closing_note="",
)
_PAYMENT: Final = Payment(
    transaction_id=1,
    reference=_ORDER.reference,
    mode="test",
    status="success",
    amount_minor=30_050,
    requested_minor=30_050,
    currency="NGN",
    fees_minor=None,
    channel="card",
    gateway_response="",
    created_at=NOON,
    paid_at=NOON,
)
_END: Final = NOON + timedelta(hours=72)
_TICK: Final = timedelta(milliseconds=1)


def _cells() -> list[tuple[OrderState, OrderEvent, OrderState | None]]:
    head, *lines = _TABLE.strip().splitlines()
    events = [OrderEvent(word) for word in head.split()]
    cells = []
    for line in lines:
        state, *leads = line.split()
        for event, leads_to in zip(events, leads, strict=True):
            target = None if leads_to == "-" else OrderState(leads_to)
            cells.append((OrderState(state), event, target))
    return cells


def test_every_cell_of_the_table_is_as_it_is_drawn() -> None:
    cells = _cells()
    assert len(cells) == len(OrderState) * len(OrderEvent)
    for state, event, target in cells:
        assert next_state(state, event) is target, (state, event)


def test_nothing_leads_from_a_decided_refund_to_a_token() -> None:
    reached, fresh = set[OrderState](), {OrderState.REFUND_DUE}
    while fresh:
        reached |= fresh
        leads = {next_state(state, event) for state in fresh for event in OrderEvent}
        fresh = {state for state in leads if state is not None} - reached
    assert reached.isdisjoint({OrderState.VENDED, OrderState.PAID})


@pytest.mark.parametrize(
    ("changes", "event", "problem"),
    [
        ({}, OrderEvent.PAID_RIGHT, None),
        # Fees passed on: the customer was charged more than was asked for.
        ({"amount_minor": 40_333}, OrderEvent.PAID_RIGHT, None),
        ({"requested_minor": None}, OrderEvent.PAID_RIGHT, None),
        (
            {"requested_minor": None, "amount_minor": 40_333},
            OrderEvent.PAID_WRONG,
            PaymentProblem.OTHER_AMOUNT,
        ),
        (
            {"requested_minor": None, "amount_minor": 30_049},
            OrderEvent.PAID_WRONG,
            PaymentProblem.UNDERPAID,
        ),
        ({"requested_minor": 30_051}, OrderEvent.PAID_WRONG, PaymentProblem.UNDERPAID),
        (
            {"requested_minor": 30_051, "amount_minor": 30_051},
            OrderEvent.PAID_WRONG,
            PaymentProblem.OTHER_AMOUNT,
        ),
        ({"requested_minor": 30_049}, OrderEvent.PAID_WRONG, PaymentProblem.UNDERPAID),
        ({"amount_minor": 30_049}, OrderEvent.PAID_WRONG, PaymentProblem.UNDERPAID),
        ({"amount_minor": 0}, OrderEvent.PAID_WRONG, PaymentProblem.UNDERPAID),
        ({"currency": "USD"}, OrderEvent.PAID_WRONG, PaymentProblem.WRONG_CURRENCY),
        ({"currency": "566"}, OrderEvent.PAID_WRONG, PaymentProblem.WRONG_CURRENCY),
        ({"mode": "live"}, OrderEvent.PAID_WRONG, PaymentProblem.WRONG_MODE),
        # Of several faults the first is named.
        (
            {"mode": "live", "currency": "USD", "amount_minor": 1},
            OrderEvent.PAID_WRONG,
            PaymentProblem.WRONG_MODE,
        ),
        ({"status": "failed"}, OrderEvent.PAYMENT_FAILED, None),
        ({"status": "failed", "amount_minor": 1}, OrderEvent.PAYMENT_FAILED, None),
        ({"status": "reversed"}, OrderEvent.MONEY_BACK, None),
        ({"status": "abandoned"}, None, None),
        ({"status": "ongoing"}, None, None),
        ({"status": "pending"}, None, None),
        ({"status": "processing"}, None, None),
        ({"status": "queued"}, None, None),
        ({"status": "SUCCESS"}, None, None),
        ({"status": "successful"}, None, None),
    ],
)
def test_a_payment_means_this_for_its_order(
    changes: dict[str, object],
    event: OrderEvent | None,
    problem: PaymentProblem | None,
) -> None:
    payment = replace(_PAYMENT, **changes)  # type: ignore[arg-type]  # real fields
    found = verdict(_ORDER, payment, POLICY, NOON)
    assert (found.event, found.problem) == (event, problem)
    assert found.is_unheard_of is (str(changes.get("status")).startswith(("SUCC", "succ")))


def test_live_money_is_right_where_money_is_live() -> None:
    live = replace(POLICY, mode="live")
    assert verdict(_ORDER, replace(_PAYMENT, mode="live"), live, NOON).problem is None
    assert verdict(_ORDER, _PAYMENT, live, NOON).problem is PaymentProblem.WRONG_MODE


@pytest.mark.parametrize("status", ["abandoned", "ongoing", "pending", "processing", "queued", ""])
def test_the_time_is_up_after_72_hours_and_not_before(status: str) -> None:
    undecided = replace(_PAYMENT, status=status) if status else None
    assert verdict(_ORDER, undecided, POLICY, _END - _TICK).event is None
    assert verdict(_ORDER, undecided, POLICY, _END).event is OrderEvent.TIME_IS_UP


def test_an_unheard_of_word_ends_no_order_however_old() -> None:
    strange = replace(_PAYMENT, status="maybe")
    assert verdict(_ORDER, strange, POLICY, _END) == (None, None, True)


def test_money_that_comes_after_the_time_is_still_money() -> None:
    assert verdict(_ORDER, _PAYMENT, POLICY, _END + _TICK).event is OrderEvent.PAID_RIGHT


def test_orders_are_verified_ever_less_often_and_once_when_the_time_is_up() -> None:
    ages, at = [], NOON + timedelta(minutes=2)
    while at <= _END:
        ages.append((at - NOON) // timedelta(minutes=1))
        at = schedule.next_verify(NOON, at)
    assert ages[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert ages[9:] == [*range(512 + 360, 72 * 60, 360), 72 * 60]


def test_verifying_goes_on_every_six_hours_where_the_time_was_not_enough() -> None:
    assert schedule.next_verify(NOON, _END) == _END + timedelta(hours=6)
    assert schedule.next_verify(NOON, _END - _TICK) == _END


def test_a_clock_that_was_set_back_delays_no_order() -> None:
    before = NOON - timedelta(hours=1)
    assert schedule.next_verify(NOON, before) == before + timedelta(minutes=2)


def test_each_state_has_its_first_step() -> None:
    due = {state: schedule.first_step(state, NOON) for state in OrderState}
    assert due == dict.fromkeys(OrderState) | {
        OrderState.PAID: NOON + timedelta(seconds=5),
        OrderState.REFUND_DUE: NOON,
        OrderState.REFUNDING: NOON + timedelta(hours=1),
    }


def test_a_refused_sale_is_tried_again_after_5_seconds_up_to_10_minutes() -> None:
    pauses = [
        (schedule.after_refusal(attempts, NOON) - NOON).total_seconds() for attempts in range(1, 10)
    ]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]


@pytest.mark.parametrize(
    ("state", "minutes"),
    [
        (OrderState.ORDERED, [1, 2, 4, 8, 16, 32, 60, 60]),
        (OrderState.FAILED, [1, 2, 4, 8, 16, 32, 64, 128]),
        (OrderState.EXPIRED, [1, 2, 4, 8, 16, 32, 64, 128]),
        (OrderState.REFUND_DUE, [1, 2, 4, 8, 16, 32, 64, 128]),
    ],
)
def test_a_call_without_an_answer_is_made_again(state: OrderState, minutes: list[int]) -> None:
    at = NOON + timedelta(hours=1)
    due = [schedule.after_failed_call(state, NOON, attempts, at) for attempts in range(1, 9)]
    assert due == [at + timedelta(minutes=one) for one in minutes]


@pytest.mark.parametrize(
    "state",
    [OrderState.PAID, OrderState.VENDED, OrderState.REFUNDED, OrderState.REFUND_FAILED],
)
def test_a_state_that_calls_nobody_is_never_put_off(state: OrderState) -> None:
    assert schedule.after_failed_call(state, NOON, 1, NOON) is None


def test_an_order_is_asked_after_for_ever_if_paystack_never_answers() -> None:
    due = schedule.after_failed_call(OrderState.ORDERED, NOON, 1, _END)
    assert due == _END + timedelta(hours=6)


def test_who_hastens_an_order_while_paystack_is_asked_is_not_forgotten() -> None:
    later = NOON + timedelta(hours=6)
    leased = NOON + LEASE
    assert schedule.unless_hastened(later, leased, NOON) == later
    assert schedule.unless_hastened(later, None, NOON) == later
    for due in (NOON - _TICK, NOON, NOON + LEASE / 2 - _TICK):
        assert schedule.unless_hastened(later, due, NOON) == due
    assert schedule.unless_hastened(later, NOON + LEASE / 2, NOON) == later
    assert schedule.unless_hastened(None, NOON, NOON) == NOON


def test_what_is_vended_is_what_was_ordered_less_the_charge() -> None:
    assert _ORDER.vended_minor == 30_000
