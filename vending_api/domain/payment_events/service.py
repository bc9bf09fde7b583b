"""What is done with a webhook of Paystack: kept once, then acted on, ignored or put aside.

Nothing is ever vended for what an event says of money: it only lets the order be verified. What
it says of refunds and disputes is noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vending_api.domain.payment_events import repository
from vending_api.domain.payment_events.tables import PAYMENT_EVENT
from vending_api.domain.payment_events.types import EventProblem, EventState
from vending_api.domain.payments.refunds import hear_dispute, hear_refund
from vending_api.domain.payments.service import hasten
from vending_api.domain.payments.types import RefundState
from vending_api.kit.entries import EntryInvalid, require_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from vending_api.domain.payment_events.types import Delivery, PaymentEvent

SMALLEST_CHARGE: Final = 100
"""Of the smallest unit; Paystack charges no less, so less is no honest event."""
_LARGEST_AMOUNT: Final = 10**15
_CHARGE: Final = "charge.success"
_REFUNDS: Final = {f"refund.{state.value}": state for state in RefundState}
_DISPUTES: Final = ("charge.dispute.create", "charge.dispute.remind", "charge.dispute.resolve")
_RESOLVE: Final = "charge.dispute.resolve"
_NO_MATTER_OF_OURS: Final = (
    "transfer.",
    "subscription.",
    "invoice.",
    "paymentrequest.",
    "customeridentification.",
    "dedicatedaccount.",
)
_NAMELESS: Final = EventProblem.NO_REFERENCE
_LONGEST_EVENT: Final = 64
_LONGEST_REFERENCE: Final = 100
_LONGEST_FACT: Final = 64


class _Outcome(NamedTuple):
    """What came of an event."""

    state: EventState
    problem: EventProblem | None = None


_DONE: Final = _Outcome(EventState.DONE)


def hear(connection: Connection, delivery: Delivery) -> EventState:
    """Keep an event whose signature was right, and do what it asks for, in one transaction.

    The same body again changes nothing. An event of an unknown reference or kind is put aside
    for somebody to look at.
    """
    reference = delivery.reference
    key = repository.add(
        connection,
        {
            "digest": delivery.digest,
            "event": delivery.event[:_LONGEST_EVENT],
            "reference": None if reference is None else reference[:_LONGEST_REFERENCE],
            "facts": dict(delivery.facts),
            "state": EventState.DONE.value,
            "problem": "",
            "note": "",
            "received_at": delivery.received_at,
        },
    )
    if key is None:
        return repository.state_of(connection, delivery.digest)
    state, problem = _outcome(connection, delivery)
    if state is not EventState.DONE:
        told = "" if problem is None else problem.value
        repository.store(connection, key, state=state.value, problem=told)
    return state


def for_review(connection: Connection) -> list[PaymentEvent]:
    """Return the events that somebody must look at, the oldest first.

    An event that came before its order is left out as soon as the order is there.
    """
    return repository.for_review(connection)


def count_for_review(connection: Connection) -> int:
    """Return how many events somebody must look at."""
    return repository.count_for_review(connection)


def events_of(connection: Connection, reference: str) -> list[PaymentEvent]:
    """Return the events of a reference, the oldest first."""
    return repository.of_reference(connection, reference)


def close_event(connection: Connection, key: int, note: str) -> None:
    """Note what came of looking at an event; raises EntryInvalid if it waits for nobody."""
    require_fit(PAYMENT_EVENT, {"note": note})
    if not repository.close(connection, key, note):
        raise EntryInvalid("event", f"none of number {key} waits; see `vending payments events`")


def _outcome(connection: Connection, delivery: Delivery) -> _Outcome:
    event, reference = delivery.event, delivery.reference
    act = _ACTS.get(event)
    if act is not None:
        return act(connection, delivery, reference) if reference else _for_review(_NAMELESS)
    if event.startswith(_NO_MATTER_OF_OURS):
        return _Outcome(EventState.IGNORED)
    return _for_review(EventProblem.UNKNOWN_EVENT if event else EventProblem.MALFORMED)


def _hear_charge(connection: Connection, delivery: Delivery, reference: str) -> _Outcome:
    amount_minor = delivery.facts.get("amount")
    # Without a sum it is strange, but verifying tells what there is.
    if isinstance(amount_minor, int) and amount_minor < SMALLEST_CHARGE:
        return _for_review(EventProblem.AMOUNT_TOO_SMALL)
    return _known(is_known=hasten(connection, reference, delivery.received_at))


def _hear_refund(connection: Connection, delivery: Delivery, reference: str) -> _Outcome:
    amount_minor = delivery.facts.get("amount")
    if not isinstance(amount_minor, int) or not 0 < amount_minor <= _LARGEST_AMOUNT:
        return _for_review(EventProblem.MALFORMED)
    is_known = hear_refund(
        connection,
        reference,
        state=_REFUNDS[delivery.event],
        amount_minor=amount_minor,
        refund_reference=_text(delivery, "refund_reference") or None,
        at=delivery.received_at,
    )
    return _known(is_known=is_known)


def _hear_dispute(connection: Connection, delivery: Delivery, reference: str) -> _Outcome:
    status = _text(delivery, "status") or "open"
    if delivery.event == _RESOLVE:
        resolution = _text(delivery, "resolution")
        status = f"resolved: {resolution}" if resolution else "resolved"
    is_known = hear_dispute(connection, reference, status=status, at=delivery.received_at)
    return _known(is_known=is_known)


def _text(delivery: Delivery, fact: str) -> str:
    """Return a fact as a text that can be stored; empty for what is none."""
    value: Any = delivery.facts.get(fact)
    return value.strip()[:_LONGEST_FACT] if isinstance(value, str) else ""


def _known(*, is_known: bool) -> _Outcome:
    return _DONE if is_known else _for_review(EventProblem.UNKNOWN_REFERENCE)


def _for_review(problem: EventProblem) -> _Outcome:
    return _Outcome(EventState.REVIEW, problem)


_ACTS: Final[Mapping[str, Callable[[Connection, Delivery, str], _Outcome]]] = {
    _CHARGE: _hear_charge,
    **dict.fromkeys(_DISPUTES, _hear_dispute),
    **dict.fromkeys(_REFUNDS, _hear_refund),
}
"""What is done with the events that matter, by their names."""
