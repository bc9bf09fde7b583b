"""Who comes back from paying sees the token, or in honest words how the order stands."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final

import pytest

from tests.surfaces.crestflow.goods import at, order, sale
from tests.surfaces.paystack.door import Door
from vending_api.domain.notifications.types import Channel
from vending_api.domain.payments.types import Order, OrderState, Payment
from vending_api.kit.errors import DomainError, Fault, OutcomeUnknown, StorageUnavailable
from vending_api.surfaces.paystack.errors import page_for
from vending_api.surfaces.paystack.routes import PATIENCE_SECONDS

QUERY: Final = "reference=T123456789012345"
LOOKS_AGAIN: Final = '<meta http-equiv="refresh" content="5">'
WAITING: Final = {OrderState.ORDERED, OrderState.PAID}


class _Texts(HTMLParser):
    """What a browser shows, and which elements it meets."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, _: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _shown(html: str) -> str:
    parser = _Texts()
    parser.feed(html)
    return " ".join(" ".join(parser.texts).split())


def _tags(html: str) -> list[str]:
    parser = _Texts()
    parser.feed(html)
    return parser.tags


def _vended(**changes: Any) -> Order:
    facts = {"state": OrderState.VENDED, "paid_at": at("2026-01-02 14:53:07"), **changes}
    return order(**facts)


def _payment(**changes: Any) -> Payment:
    known = Payment(
        transaction_id=1,
        reference="T123456789012345",
        mode="test",
        status="success",
        amount_minor=528_000,
        requested_minor=520_000,
        currency="NGN",
        fees_minor=8_000,
        channel="card",
        gateway_response="Successful",
        created_at=None,
        paid_at=None,
    )
    return replace(known, **changes)


def test_the_tokens_are_shown_grouped_and_in_order() -> None:
    door = Door(shown=(_vended(), sale()))
    answer = door.back(QUERY)
    shown = _shown(answer.text)
    assert answer.status_code == 200
    tokens = re.findall(r"(?:\d{4} ){4}\d{4}", shown)
    assert tokens == [
        "1111 2111 1211 1121 1112",
        "2222 3222 2322 2232 2223",
        "3333 4333 3433 3343 3334",
        "4444 5444 4544 4454 4445",
    ]
    assert "one after the other, in this order" in shown
    assert "17-000042, 17-000043" in shown
    assert "2026-01-02 15:53" in shown  # in the estate's time zone
    assert "47000000000, Estate1" in shown
    assert "NGN 5,000.00; the charge is 200.00" in shown
    assert LOOKS_AGAIN not in answer.text


def test_a_single_token_needs_no_order() -> None:
    sold = sale()
    only = sold._replace(tokens=sold.tokens[2:3])
    shown = _shown(Door(shown=(_vended(charge_minor=0), only)).back(QUERY).text)
    assert "Key in this number at your meter." in shown
    assert "in this order" not in shown
    assert "charge" not in shown


@pytest.mark.parametrize("query", [QUERY, "trxref=T123456789012345", f"trxref=x&{QUERY}"])
def test_the_reference_is_found_under_both_of_its_names(query: str) -> None:
    door = Door(shown=(_vended(), sale()))
    assert door.back(query).status_code == 200
    assert door.settled == [("T123456789012345", PATIENCE_SECONDS)]


@pytest.mark.parametrize(
    "query",
    [
        *("", "reference=", "reference=T12345678901234", "reference=T1234567890123456"),
        *("reference=t123456789012345", "reference=T12345678901234%D9%A5"),
        *("reference=T123456789012345%0A", "reference=%3Cscript%3E", "reference=%00"),
    ],
)
def test_what_can_be_no_reference_is_not_even_looked_for(query: str) -> None:
    door = Door(shown=(_vended(), sale()))
    answer = door.back(query)
    assert (answer.status_code, door.settled) == (404, [])
    assert "No order has this reference" in _shown(answer.text)
    assert "<script" not in answer.text


def test_an_unknown_reference_is_said_to_be_unknown() -> None:
    assert Door().back(QUERY).status_code == 404


@pytest.mark.parametrize("fault", [StorageUnavailable(), OutcomeUnknown(), RuntimeError("hunter2")])
def test_while_orders_cannot_be_looked_at_the_page_says_so_and_looks_again(
    fault: Exception,
) -> None:
    answer = Door(fault=fault).back(QUERY)
    assert answer.status_code == 503
    assert "nothing is lost" in _shown(answer.text)
    assert LOOKS_AGAIN in answer.text
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("fault", list(Fault))
def test_every_kind_of_refusal_has_its_page(fault: Fault) -> None:
    error = type("Some", (DomainError,), {"fault": fault, "code": "some"})()
    assert page_for(error).status == (404 if fault is Fault.NOT_FOUND else 503)


WORDS: Final = {
    OrderState.ORDERED: "We have not heard yet that NGN 5,200.00 was paid for this order.",
    OrderState.PAID: "Your payment has arrived",
    OrderState.VENDED: "Your payment has arrived",
    OrderState.FAILED: "did not go through",
    OrderState.EXPIRED: "No payment of NGN 5,200.00 has come in time",
    OrderState.REFUND_DUE: "All of it goes back to you",
    OrderState.REFUNDING: "All of it goes back to you",
    OrderState.REFUNDED: "Your payment of NGN 5,200.00 was given back",
    OrderState.REFUND_FAILED: "Somebody is to see to it",
}


@pytest.mark.parametrize("state", list(OrderState))
def test_each_state_is_told_in_its_own_words(state: OrderState) -> None:
    answer = Door(shown=(order(state=state), None)).back(QUERY)
    shown = _shown(answer.text)
    assert answer.status_code == 200
    assert WORDS[state] in shown
    assert "T123456789012345" in shown
    looks_again = state in WAITING or state is OrderState.VENDED  # its sale is not found
    assert (LOOKS_AGAIN in answer.text) == looks_again


def test_nobody_is_told_to_pay_again_who_has_paid() -> None:
    shown = _shown(Door(shown=(order(state=OrderState.PAID), None)).back(QUERY).text)
    assert "You need not pay again." in shown
    assert "Pay now" not in shown
    unpaid = Door(shown=(order(), None)).back(QUERY).text
    assert 'href="https://checkout.paystack.com/0peioxfhpn"' in unpaid


def test_a_paid_order_that_waits_for_somebody_is_not_looked_at_again() -> None:
    answer = Door(shown=(order(state=OrderState.PAID, is_open=True), None)).back(QUERY)
    assert "Somebody has to look at it" in _shown(answer.text)
    assert LOOKS_AGAIN not in answer.text


@pytest.mark.parametrize(
    ("channels", "phone", "told"),
    [
        (frozenset(Channel), "+2348031234567", "come by e-mail and SMS."),
        (frozenset(Channel), "", "come by e-mail."),
        (frozenset({Channel.SMS}), "+2348031234567", "come by SMS."),
        (frozenset({Channel.SMS}), "", None),
        (frozenset(), "+2348031234567", None),
    ],
)
def test_only_what_will_be_sent_is_promised(
    channels: frozenset[Channel], phone: str, told: str | None
) -> None:
    for state in WAITING:
        door = Door(shown=(order(state=state, phone=phone), None), channels=channels)
        shown = _shown(door.back(QUERY).text)
        assert "will also come by" not in shown if told is None else told in shown


def test_what_came_is_told_and_not_what_was_ordered() -> None:
    paid = order(
        state=OrderState.REFUND_DUE, paid_minor=100, payment=_payment(currency="USD"), paid_at=None
    )
    assert "your payment of USD 1.00" in _shown(Door(shown=(paid, None)).back(QUERY).text)


EVIL: Final = '"><script>alert(1)</script>&amp;'


def test_whatever_stands_in_the_records_is_shown_as_text() -> None:
    evil = {"utility_name": EVIL, "meter_number": EVIL, "authorization_url": f"https://x/{EVIL}"}
    for state in OrderState:
        sold = sale() if state is OrderState.VENDED else None
        text = Door(shown=(order(state=state, **evil), sold)).back(QUERY).text
        assert "script" not in _tags(text)
        assert EVIL in _shown(text)


def test_no_link_leads_to_a_script() -> None:
    text = Door(shown=(order(authorization_url="javascript:alert(1)"), None)).back(QUERY).text
    assert "javascript" not in text


def test_no_cache_keeps_a_token_and_no_script_runs() -> None:
    answer = Door(shown=(_vended(), sale())).back(QUERY)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = answer.text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert {"script", "img", "link", "iframe", "form"}.isdisjoint(_tags(answer.text))
    assert " style=" not in answer.text


def test_a_look_without_a_body_shows_no_token_and_so_proves_no_delivery() -> None:
    door = Door(shown=(_vended(), sale()))
    assert door.call("HEAD", f"/return?{QUERY}").status_code == 405
    assert door.settled == []
