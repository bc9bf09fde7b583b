"""Each call sends what the contract says, and takes only an answer that fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx2
import pytest

from tests.gateways.called import (
    CHECKOUT,
    KEY,
    NEW,
    REFERENCE,
    REFUNDED,
    VERIFIED,
    Called,
    no,
    yes,
)
from vending_api.domain.payments.errors import PaymentGatewayRefused, PaymentGatewayUnavailable
from vending_api.domain.payments.gateway import AskedRefund, Checkout
from vending_api.domain.payments.types import Payment, RefundState
from vending_api.gateways.paystack.client import ALREADY_REFUNDED
from vending_api.gateways.paystack.reading import read_payment, read_refund

NINE: Final = datetime(2026, 1, 2, 9, 14, 2, tzinfo=UTC)


def test_initialize_announces_the_order_in_the_smallest_unit() -> None:
    called = Called([yes(CHECKOUT)])
    checkout = called.ask(lambda gateway: gateway.initialize(NEW))
    assert checkout == Checkout(
        authorization_url="https://checkout.paystack.com/0peioxfhpn", access_code="0peioxfhpn"
    )
    (request,) = called.requests
    assert (request.method, request.url.path) == ("POST", "/transaction/initialize")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert called.bodies() == [
        {
            "email": "tenant@example.org",
            "amount": 520_000,
            "currency": "NGN",
            "reference": REFERENCE,
            "callback_url": "https://vend.example.org/paystack/return",
            "metadata": {
                "meter_number": "01234567890",
                "user_id": 7,
                "purchase_id": REFERENCE,
            },
            "subaccount": "ACCT_demo0000estate1",
            "transaction_charge": 20_000,
            "bearer": "account",
        }
    ]


def test_without_a_subaccount_nothing_is_split() -> None:
    called = Called([yes(CHECKOUT)])
    called.ask(lambda gateway: gateway.initialize(replace(NEW, account_code="")))
    assert {"subaccount", "transaction_charge", "bearer"}.isdisjoint(called.bodies()[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "T000000000000000"},
        {"reference": None},
        {"authorization_url": None},
        {"authorization_url": "javascript:alert(1)"},
        {"authorization_url": "https://x/" + "y" * 246},
        {"access_code": ""},
        {"access_code": "z" * 65},
    ],
    ids=["other", "none", "no page", "script", "long page", "no code", "long code"],
)
def test_a_checkout_that_cannot_be_used_is_none(changes: dict[str, Any]) -> None:
    called = Called([yes({**CHECKOUT, **changes})])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.initialize(NEW))


def test_the_longest_page_and_code_are_taken() -> None:
    longest = {"authorization_url": "https://x/" + "y" * 245, "access_code": "z" * 64}
    called = Called([yes({**CHECKOUT, **longest})])
    assert called.ask(lambda gateway: gateway.initialize(NEW)) == Checkout(**longest)


def test_a_duplicate_reference_is_a_no_with_its_code() -> None:
    told = no(400, "Duplicate Transaction Reference", code="duplicate_reference")
    called = Called([told])
    with pytest.raises(PaymentGatewayRefused) as refused:
        called.ask(lambda gateway: gateway.initialize(NEW))
    assert (refused.value.status, refused.value.reason_code) == (400, "duplicate_reference")
    assert len(called.requests) == 1


def test_verify_tells_what_was_charged_and_what_was_asked_for() -> None:
    called = Called([yes(VERIFIED)])
    assert called.ask(lambda gateway: gateway.verify(REFERENCE)) == Payment(
        transaction_id=900000123,
        reference=REFERENCE,
        mode="test",
        status="success",
        amount_minor=528_000,
        requested_minor=520_000,
        currency="NGN",
        fees_minor=17_800,
        channel="card",
        gateway_response="Successful",
        created_at=NINE,
        paid_at=datetime(2026, 1, 2, 9, 15, 30, tzinfo=UTC),
    )
    (request,) = called.requests
    assert (request.method, request.url.path) == ("GET", f"/transaction/verify/{REFERENCE}")


def test_a_reference_stays_one_part_of_the_address() -> None:
    called = Called([no(404)])
    called.ask(lambda gateway: gateway.verify("../a?b#c"))
    assert called.requests[0].url.raw_path == b"/transaction/verify/..%2Fa%3Fb%23c"


@pytest.mark.parametrize(
    "answer",
    [
        no(404, "Transaction reference not found"),
        no(404, "", code="transaction_not_found"),
        no(400, "Transaction reference not found."),
        no(400, "", code="transaction_not_found"),
    ],
    ids=["404", "404 with code", "400", "400 with code"],
)
def test_a_reference_that_paystack_does_not_know_is_none(answer: httpx2.Response) -> None:
    called = Called([answer])
    assert called.ask(lambda gateway: gateway.verify(REFERENCE)) is None
    assert [(call, outcome) for call, outcome, _ in called.told] == [("verify", "answered")]


def test_an_answer_about_another_reference_decides_nothing() -> None:
    called = Called([yes({**VERIFIED, "reference": "T123456789012346"})])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.verify(REFERENCE))


def test_a_404_that_is_not_paystacks_decides_nothing() -> None:
    called = Called([httpx2.Response(404, text="<html>no such site</html>")])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.verify(REFERENCE))


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"amount": "528000"}, {"amount_minor": 528_000}),
        ({"amount": Decimal("528000.0")}, {"amount_minor": 528_000}),
        ({"amount": 0}, {"amount_minor": 0}),
        ({"requested_amount": "520000"}, {"requested_minor": 520_000}),
        ({"requested_amount": None}, {"requested_minor": None}),
        ({"fees": None}, {"fees_minor": None}),
        ({"fees": "17800"}, {"fees_minor": 17_800}),
        ({"fees": {}}, {"fees_minor": None}),
        ({"status": "Abandoned"}, {"status": "abandoned"}),
        ({"paid_at": None, "paidAt": "2026-01-02T09:14:02Z"}, {"paid_at": NINE}),
        ({"paid_at": None}, {"paid_at": None}),
        ({"created_at": None, "createdAt": "2026-01-02T09:14:02Z"}, {"created_at": NINE}),
        ({"created_at": 0, "transaction_date": "2026-01-02T09:14:02Z"}, {"created_at": NINE}),
        ({"gateway_response": None}, {"gateway_response": ""}),
        ({"channel": 5}, {"channel": "5"}),
        ({"metadata": 0, "plan": None, "log": None, "tomorrow": [{}]}, {"amount_minor": 528_000}),
    ],
)
def test_a_transaction_is_read_in_every_shape(
    changes: dict[str, Any], read: dict[str, Any]
) -> None:
    assert read_payment({**VERIFIED, **changes}) == replace(read_payment(VERIFIED), **read)


@pytest.mark.parametrize("name", ["id", "domain", "status", "reference", "amount", "currency"])
def test_a_transaction_without_what_decides_is_not_usable(name: str) -> None:
    nothings: list[Any] = [None, "", {}, []]
    for nothing in nothings:
        with pytest.raises(ValueError, match=name):
            read_payment({**VERIFIED, name: nothing})
    with pytest.raises(ValueError, match=name):
        read_payment({key: value for key, value in VERIFIED.items() if key != name})


@pytest.mark.parametrize("name", ["amount", "requested_amount", "id"])
@pytest.mark.parametrize(
    "value", [-1, "-2", Decimal("50.5"), "50.5", "5,000", "5000 ", True, 2**63]
)
def test_a_sum_that_is_none_is_not_usable(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        read_payment({**VERIFIED, name: value})


@pytest.mark.parametrize("data", [None, "", 0, [], "text"])
def test_data_that_is_no_object_is_not_usable(data: Any) -> None:
    with pytest.raises(ValueError, match=r"missing|no sum"):
        read_payment(data)
    with pytest.raises(ValueError, match=r"missing|no sum"):
        read_refund(data)


def test_nothing_of_customer_and_card_is_taken() -> None:
    taken = repr(read_payment(VERIFIED))
    for personal in ("tenant@example.org", "+2348031234567", "AUTH_demo1", "4081"):
        assert personal not in taken


def test_a_refund_is_of_all_and_names_no_sum() -> None:
    called = Called([yes(REFUNDED)])
    asked = called.ask(lambda gateway: gateway.refund(900000123, note="not_vended_in_time"))
    assert asked == AskedRefund(
        refund_id="3018284", amount_minor=528_000, state=RefundState.PENDING
    )
    assert called.requests[0].url.path == "/refund"
    assert called.bodies() == [{"transaction": 900000123, "merchant_note": "not_vended_in_time"}]


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"amount": "5000"}, {"amount_minor": 5_000}),
        ({"amount": None}, {"amount_minor": 528_000}),
        ({"id": "RF_7"}, {"refund_id": "RF_7"}),
        ({"status": "needs_attention"}, {"state": RefundState.NEEDS_ATTENTION}),
        ({"status": "Processed"}, {"state": RefundState.PROCESSED}),
        ({"status": "on its way"}, {"state": RefundState.PENDING}),
        ({"status": None}, {"state": RefundState.PENDING}),
    ],
)
def test_a_refund_is_read_in_every_shape(changes: dict[str, Any], read: dict[str, Any]) -> None:
    assert read_refund({**REFUNDED, **changes}) == replace(read_refund(REFUNDED), **read)


@pytest.mark.parametrize("changes", [{"id": None}, {"amount": -1}, {"amount": "5000.5"}])
def test_a_refund_without_number_or_sum_is_not_usable(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"id|amount"):
        read_refund({**REFUNDED, **changes})


@pytest.mark.parametrize(
    "message",
    [
        "Transaction has been fully reversed",
        "Transaction has already been refunded",
        "This transaction was already fully reversed",
        "Refund already exists for this transaction",
    ],
)
def test_that_all_is_given_back_already_has_a_code_of_ours(message: str) -> None:
    called = Called([no(400, message, code="transaction_reversed")])
    with pytest.raises(PaymentGatewayRefused) as refused:
        called.ask(lambda gateway: gateway.refund(1, note=""))
    assert refused.value.reason_code == ALREADY_REFUNDED


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Refund amount is more than what is left", "invalid_amount"),
        ("A transaction that has not been paid is not refunded", "not_paid"),
        ("No such transaction", ""),
    ],
)
def test_any_other_no_to_a_refund_keeps_its_code(message: str, code: str) -> None:
    called = Called([no(400, message, **({"code": code} if code else {}))])
    with pytest.raises(PaymentGatewayRefused) as refused:
        called.ask(lambda gateway: gateway.refund(1, note=""))
    assert refused.value.reason_code == code


def test_where_a_refund_stands_is_asked_by_its_id() -> None:
    called = Called([yes({**REFUNDED, "status": "processed"}), no(404, "Refund not found")])
    assert called.ask(lambda one: one.find_refund("3018284")).state is RefundState.PROCESSED
    assert called.requests[0].url.path == "/refund/3018284"
    with pytest.raises(PaymentGatewayRefused):
        called.ask(lambda gateway: gateway.find_refund("3018284"))


def _listed(first: int, last: int) -> list[dict[str, Any]]:
    return [
        {**VERIFIED, "id": number, "reference": f"T{number:015}"} for number in range(first, last)
    ]


def _page(first: int, last: int, pages: int | None) -> httpx2.Response:
    return yes(_listed(first, last), meta={} if pages is None else {"pageCount": pages})


@pytest.mark.parametrize(
    "pages",
    [
        [_page(0, 100, 2), _page(100, 130, 2)],
        [_page(0, 100, None), _page(100, 130, None), _page(0, 0, None)],
        [_page(0, 100, 3), _page(90, 130, 3), _page(0, 0, 3)],
    ],
    ids=["as many as it says", "until one is empty", "shifted meanwhile"],
)
def test_all_pages_of_a_list_are_read_and_each_payment_once(pages: list[httpx2.Response]) -> None:
    called = Called([*pages])
    end = NINE.replace(day=3, microsecond=999_000)
    found = called.ask(lambda gateway: gateway.payments(NINE, end))
    assert [one.transaction_id for one in found] == list(range(130))
    queries = [dict(one.url.params) for one in called.requests]
    assert queries[1] == {
        "perPage": "100",
        "page": "2",
        "from": "2026-01-02T09:14:02.000Z",
        "to": "2026-01-03T09:14:02.999Z",
    }
    assert [query["page"] for query in queries] == [str(1 + page) for page in range(len(pages))]


def test_a_day_without_payments_is_an_empty_list() -> None:
    called = Called([_page(0, 0, 0)])
    assert called.ask(lambda gateway: gateway.payments(NINE, NINE)) == []


def test_a_list_with_a_payment_that_cannot_be_read_is_not_usable() -> None:
    called = Called([yes([*_listed(0, 3), {"id": 4}], meta={"pageCount": 1})])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.payments(NINE, NINE))


def test_a_list_that_is_none_is_not_usable() -> None:
    called = Called([yes({}, meta={"pageCount": 1})])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.payments(NINE, NINE))


def test_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vending_api.gateways.paystack.client.MOST_PAGES", 3)
    called = Called([_page(number, number + 1, None) for number in range(4)])
    with pytest.raises(PaymentGatewayUnavailable):
        called.ask(lambda gateway: gateway.payments(NINE, NINE))
    assert len(called.requests) == 3
