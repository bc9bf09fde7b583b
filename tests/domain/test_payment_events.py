"""Webhooks count once, in any order; what makes no sense is kept for somebody to look at."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.domain.paying import (
    ASKED,
    an_order,
    in_state,
    new_reference,
    now,
    payment,
    settle,
)
from tests.support.selling import count
from tests.support.service import NOON, writing
from vending_api.domain.payment_events import service
from vending_api.domain.payment_events.tables import PAYMENT_EVENT
from vending_api.domain.payment_events.types import (
    Delivery,
    EventProblem,
    EventState,
    PaymentEvent,
)
from vending_api.domain.payments.types import OrderState
from vending_api.domain.sales.tables import SALE
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

_CHARGE = "charge.success"
_AT = NOON + timedelta(seconds=50)


def test_a_charge_lets_its_order_be_verified_at_once_and_vends_nothing(engine: Engine) -> None:
    order = an_order(engine)
    assert _hear(engine, _CHARGE, order.reference, amount=ASKED) is EventState.DONE
    heard = now(engine, order)
    assert (heard.state, heard.next_step_at) == (OrderState.ORDERED, _AT)
    assert count(engine, SALE) == 0


def test_the_same_body_counts_once_however_often_and_at_once(engine: Engine) -> None:
    order = an_order(engine)
    outcomes, start = [], threading.Barrier(8)

    def one() -> None:
        start.wait()
        outcomes.append(_hear(engine, _CHARGE, order.reference, amount=ASKED))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [EventState.DONE] * 8
    assert count(engine, PAYMENT_EVENT) == 1


def test_a_body_that_is_known_has_no_effect(engine: Engine) -> None:
    order = in_state(engine, OrderState.FAILED)
    _hear(engine, _CHARGE, order.reference, amount=ASKED)
    failed = settle(engine, order, payment(order, status="failed"), _AT + timedelta(hours=1))
    _hear(engine, _CHARGE, order.reference, amount=ASKED)
    assert now(engine, order).next_step_at == failed.next_step_at


@pytest.mark.parametrize("amount", [99, 0, -1, -(10**12)])
def test_a_charge_of_less_than_a_hundred_is_looked_at(engine: Engine, amount: int) -> None:
    order = an_order(engine)
    assert _hear(engine, _CHARGE, order.reference, amount=amount) is EventState.REVIEW
    assert _problems(engine) == [EventProblem.AMOUNT_TOO_SMALL]
    assert now(engine, order) == order


@pytest.mark.parametrize("facts", [{"amount": 100}, {"amount": None}, {}, {"amount": "5000"}])
def test_a_charge_whose_sum_is_strange_is_verified_all_the_same(
    engine: Engine, facts: dict[str, Any]
) -> None:
    order = an_order(engine)
    assert _hear(engine, _CHARGE, order.reference, **facts) is EventState.DONE
    assert now(engine, order).next_step_at == _AT


def test_an_event_that_comes_before_its_order_is_looked_at_until_the_order_is_there(
    engine: Engine,
) -> None:
    reference = new_reference()
    assert _hear(engine, _CHARGE, reference, amount=ASKED) is EventState.REVIEW
    assert _hear(engine, "charge.dispute.create", reference, status="open") is EventState.REVIEW
    assert _problems(engine) == [EventProblem.UNKNOWN_REFERENCE] * 2
    an_order(engine, reference=reference)
    # That of the dispute had an effect to have, and nobody else tells of it.
    assert [one.event for one in _for_review(engine)] == ["charge.dispute.create"]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("", EventProblem.MALFORMED),
        ("charge.failed", EventProblem.UNKNOWN_EVENT),
        ("charge.success ", EventProblem.UNKNOWN_EVENT),
        ("refund.reversed", EventProblem.UNKNOWN_EVENT),
        ("charge.dispute.reopen", EventProblem.UNKNOWN_EVENT),
        ("transfer", EventProblem.UNKNOWN_EVENT),
        ("x" * 500, EventProblem.UNKNOWN_EVENT),
    ],
)
def test_an_event_of_an_unknown_kind_is_looked_at(
    engine: Engine, event: str, problem: EventProblem
) -> None:
    order = an_order(engine)
    assert _hear(engine, event, order.reference, amount=ASKED) is EventState.REVIEW
    assert _problems(engine) == [problem]
    assert now(engine, order) == order


@pytest.mark.parametrize(
    "event",
    [
        "transfer.success",
        "subscription.create",
        "invoice.payment_failed",
        "paymentrequest.pending",
        "customeridentification.success",
        "dedicatedaccount.assign.failed",
    ],
)
def test_an_event_that_is_no_matter_of_ours_is_kept_and_ignored(engine: Engine, event: str) -> None:
    assert _hear(engine, event, None) is EventState.IGNORED
    assert _for_review(engine) == []
    assert count(engine, PAYMENT_EVENT) == 1


@pytest.mark.parametrize("event", [_CHARGE, "refund.processed", "charge.dispute.create"])
def test_an_event_without_a_reference_is_looked_at(engine: Engine, event: str) -> None:
    for reference in (None, ""):
        assert _hear(engine, event, reference, amount=ASKED) is EventState.REVIEW
    assert set(_problems(engine)) == {EventProblem.NO_REFERENCE}


@pytest.mark.parametrize("reference", ["another shop's", "T1", "x" * 500])
def test_an_event_of_somebody_else_is_looked_at(engine: Engine, reference: str) -> None:
    for event in (_CHARGE, "refund.pending", "charge.dispute.create"):
        assert _hear(engine, event, reference, amount=ASKED) is EventState.REVIEW
    assert set(_problems(engine)) == {EventProblem.UNKNOWN_REFERENCE}


@pytest.mark.parametrize("amount", [None, "5000", 0, -5, 10**15 + 1])
def test_a_refund_of_no_sum_is_looked_at(engine: Engine, amount: Any) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    assert _hear(engine, "refund.processed", order.reference, amount=amount) is EventState.REVIEW
    assert _problems(engine) == [EventProblem.MALFORMED]
    assert now(engine, order) == order


def test_refund_events_follow_the_refund(engine: Engine) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    for word, bank in [("pending", None), ("processing", ""), ("processed", "B1")]:
        outcome = _hear(
            engine, f"refund.{word}", order.reference, amount=ASKED, refund_reference=bank
        )
        assert outcome is EventState.DONE
    assert now(engine, order).state is OrderState.REFUNDED


@pytest.mark.parametrize("word", ["failed", "needs-attention"])
def test_a_refund_that_does_not_go_through_is_heard(engine: Engine, word: str) -> None:
    order = in_state(engine, OrderState.REFUNDING)
    _hear(engine, f"refund.{word}", order.reference, amount=ASKED)
    assert now(engine, order).state is OrderState.REFUND_FAILED


def test_disputes_are_heard_from_beginning_to_end(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    heard = []
    for event, facts in [
        ("create", {"status": "awaiting-merchant-feedback"}),
        ("remind", {"status": "pending"}),
        ("resolve", {"status": "resolved", "resolution": "merchant-accepted"}),
    ]:
        outcome = _hear(engine, f"charge.dispute.{event}", order.reference, **facts)
        assert outcome is EventState.DONE
        heard.append(now(engine, order).dispute)
    assert heard == ["awaiting-merchant-feedback", "pending", "resolved: merchant-accepted"]
    assert now(engine, order).is_open


def test_a_dispute_of_few_words_is_heard(engine: Engine) -> None:
    for event, dispute in [("create", "open"), ("resolve", "resolved")]:
        order = in_state(engine, OrderState.VENDED)
        _hear(engine, f"charge.dispute.{event}", order.reference, status=None, resolution=7)
        assert now(engine, order).dispute == dispute


def test_an_event_is_closed_once_with_a_note(engine: Engine) -> None:
    _hear(engine, "strange", None)
    _hear(engine, "transfer.success", None)
    (event,) = _for_review(engine)
    assert _count(engine) == 1
    with pytest.raises(EntryInvalid, match="201"):
        _close(engine, event.key, "x" * 201)
    _close(engine, event.key, "seen")
    assert (_for_review(engine), _count(engine)) == ([], 0)
    for key in (event.key, event.key + 1, 999):
        with pytest.raises(EntryInvalid, match="waits"):
            _close(engine, key, "again")


def test_all_events_of_a_reference_are_kept_with_their_facts(engine: Engine) -> None:
    order = an_order(engine)
    _hear(engine, _CHARGE, order.reference, amount=ASKED, channel="card")
    _hear(engine, "refund.pending", order.reference, amount=7)
    with engine.connect() as connection:
        first, second = service.events_of(connection, order.reference)
    assert (first.event, first.state) == (_CHARGE, EventState.DONE)
    assert first.facts == {"amount": ASKED, "channel": "card"}
    assert (second.event, second.received_at) == ("refund.pending", _AT)


def _hear(engine: Engine, event: str, reference: str | None, **facts: Any) -> EventState:
    """Hear an event whose digest is that of what it says."""
    digest = hashlib.sha256(repr((event, reference, facts)).encode()).hexdigest()
    delivery = Delivery(
        digest=digest, event=event, reference=reference, facts=facts, received_at=_AT
    )
    with writing(engine) as connection, connection.begin():
        return service.hear(connection, delivery)


def _for_review(engine: Engine) -> list[PaymentEvent]:
    with engine.connect() as connection:
        return service.for_review(connection)


def _problems(engine: Engine) -> list[str]:
    return [event.problem for event in _for_review(engine)]


def _count(engine: Engine) -> int:
    with engine.connect() as connection:
        return service.count_for_review(connection)


def _close(engine: Engine, key: int, note: str) -> None:
    with writing(engine) as connection, connection.begin():
        service.close_event(connection, key, note)
