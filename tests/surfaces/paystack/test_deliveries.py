"""Of every shape of body what matters is found, and nothing of customer or card is kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.service import NOON, writing
from tests.surfaces.paystack.bodies import (
    CHARGE,
    NO_DATA,
    NO_FORM,
    ODD_CHARGES,
    ODD_OTHERS,
    REFERENCE,
    body,
    charge,
    dispute,
    refund,
)
from vending_api.domain.payment_events import service as payment_events
from vending_api.domain.payment_events.types import Delivery, EventProblem, EventState
from vending_api.surfaces.paystack.mapping import to_delivery

if TYPE_CHECKING:
    from sqlalchemy import Engine

OF_ORDER = {**ODD_CHARGES, **ODD_OTHERS}
ALL = {**OF_ORDER, **NO_FORM, **NO_DATA}
OF_OTHERS = ("transfer.success", "subscription.create", "invoice.update", "paymentrequest.success")
PERSONAL = ("tenant@example.org", "Amina", "4081", "AUTH_demo1", "197.211.0.1", "no token")


def _heard(octets: bytes) -> Delivery:
    return to_delivery(octets, received_at=NOON)


def test_the_documented_charge_is_read() -> None:
    delivery = _heard(charge())
    assert (delivery.event, delivery.reference) == ("charge.success", REFERENCE)
    assert delivery.digest == hashlib.sha256(charge()).hexdigest()
    assert delivery.received_at == NOON
    assert delivery.facts == {
        "id": 900000123,
        "amount": 520000,
        "requested_amount": 520000,
        "fees": 17800,
        "status": "success",
        "domain": "test",
        "currency": "NGN",
        "channel": "card",
        "gateway_response": "Successful",
        "paid_at": "2026-01-02T09:15:30.000Z",
        "created_at": "2026-01-02T09:14:02.000Z",
    }


@pytest.mark.parametrize("octets", [*OF_ORDER.values()], ids=OF_ORDER)
def test_the_transaction_is_found_in_every_shape(octets: bytes) -> None:
    assert _heard(octets).reference == REFERENCE


@pytest.mark.parametrize("octets", [*NO_FORM.values()], ids=NO_FORM)
def test_what_is_of_no_form_has_no_event(octets: bytes) -> None:
    delivery = _heard(octets)
    assert (delivery.event, delivery.reference, delivery.facts) == ("", None, {})
    assert delivery.digest == hashlib.sha256(octets).hexdigest()


@pytest.mark.parametrize("octets", [*NO_DATA.values()], ids=NO_DATA)
def test_a_charge_of_nobody_knows_what_has_no_reference(octets: bytes) -> None:
    delivery = _heard(octets)
    assert (delivery.event, delivery.reference) == ("charge.success", None)


@pytest.mark.parametrize(
    ("amount", "read"),
    [(5306, 5306), ("5000", 5000), ("0", 0), (-1, -1), (99, 99), ("50.5", None), (None, None)],
)
def test_a_sum_is_read_from_number_and_text(amount: Any, read: int | None) -> None:
    assert _heard(charge(amount=amount)).facts.get("amount") == read
    assert _heard(refund(amount=amount)).facts.get("amount") == read


def test_a_refund_and_a_dispute_say_what_became_of_them() -> None:
    assert _heard(refund("failed")).facts["status"] == "failed"
    assert _heard(refund()).facts["refund_reference"] == "132013318360"
    facts = _heard(dispute("resolve", status="resolved", resolution="declined")).facts
    assert (facts["status"], facts["resolution"]) == ("resolved", "declined")


def test_a_refund_is_of_its_transaction_and_not_of_its_own_reference() -> None:
    assert _heard(refund(reference="RF_1", transaction_reference="T1")).reference == "T1"
    assert _heard(refund(reference="RF_1", transaction_reference=None)).reference == "RF_1"


def test_a_charge_goes_by_its_own_reference() -> None:
    assert _heard(charge(transaction_reference="T1")).reference == REFERENCE


@pytest.mark.parametrize("octets", [*ALL.values()], ids=ALL)
def test_nothing_of_customer_or_card_is_kept(octets: bytes) -> None:
    kept = repr(_heard(octets))
    assert [one for one in PERSONAL if one in kept] == []


def test_a_word_is_cut_to_what_is_stored() -> None:
    delivery = _heard(body("x" * 65, {"reference": "y" * 101, "status": "z" * 65}))
    assert (len(delivery.event), len(delivery.reference or "")) == (64, 100)
    assert delivery.facts == {"status": "z" * 64}


def test_every_shape_is_stored_once_and_waits_for_somebody(engine: Engine) -> None:
    # No order is there, and each body is another, so each is looked at by itself.
    for octets in (*ALL.values(), *ALL.values()):
        with writing(engine) as connection, connection.begin():
            state = payment_events.hear(connection, _heard(octets))
        assert state is EventState.REVIEW
    with engine.connect() as connection:
        kept = payment_events.for_review(connection)
    assert [one.facts for one in kept] == [_heard(octets).facts for octets in ALL.values()]
    problems = {
        **dict.fromkeys(NO_FORM.values(), EventProblem.MALFORMED),
        **dict.fromkeys(NO_DATA.values(), EventProblem.NO_REFERENCE),
    }
    assert [one.problem for one in kept] == [
        problems.get(octets, EventProblem.UNKNOWN_REFERENCE) for octets in ALL.values()
    ]


def test_other_kinds_are_ignored_or_wait_for_somebody(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        for name in OF_OTHERS:
            octets = body(name, {**CHARGE, "reference": "TRF_1"})
            assert payment_events.hear(connection, _heard(octets)) is EventState.IGNORED
        unheard_of = _heard(body("bank.transfer.rejected", CHARGE))
        assert payment_events.hear(connection, unheard_of) is EventState.REVIEW
        (kept,) = payment_events.for_review(connection)
    assert kept.problem == EventProblem.UNKNOWN_EVENT
