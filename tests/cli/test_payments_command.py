"""`vending payments`: what operators see of orders, and what they do about cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.domain.paying import (
    ASKED,
    an_order,
    hear_dispute,
    in_state,
    now,
    payment,
    told,
)
from tests.support.residents import EMAIL, METER
from tests.support.service import NOON, writing
from tests.support.staff import Staff
from vending_api.cli import payment_check
from vending_api.domain.payment_events import service as payment_events
from vending_api.domain.payment_events.types import Delivery
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.types import Order, OrderState, Payment
from vending_api.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.vending_command import VendingCommand
    from vending_api.domain.payment_events.types import EventState

_KEY = "sk_test_" + "7c" * 20
_DAY = f"{NOON:%Y-%m-%d}"


@pytest.fixture
def vending(vending: VendingCommand, monkeypatch: pytest.MonkeyPatch) -> VendingCommand:
    """Give the command in a wide terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    return vending


class _Paystack:
    """A gateway that lists what it is given."""

    def __init__(self, listed: Sequence[Payment]) -> None:
        self.listed = list(listed)
        self.asked: list[tuple[datetime, datetime]] = []
        self.is_closed = False

    async def payments(self, begin: datetime, end: datetime) -> list[Payment]:
        self.asked.append((begin, end))
        return self.listed

    async def aclose(self) -> None:
        self.is_closed = True


def _with_paystack(monkeypatch: pytest.MonkeyPatch, *listed: Payment) -> _Paystack:
    paystack = _Paystack(listed)
    monkeypatch.setattr(payment_check, "open_gateway", lambda _: paystack)
    return paystack


def test_orders_are_listed_newest_first_and_by_what_is_asked(
    vending: VendingCommand, engine: Engine
) -> None:
    older = in_state(engine, OrderState.VENDED)
    newer = an_order(engine, received_at=NOON + timedelta(days=1))
    stuck = in_state(engine, OrderState.REFUND_FAILED)
    done = vending("payments", "list")
    lines = [line for line in done.out.splitlines() if line.startswith("T0")]
    assert [line.split()[0] for line in lines] == [
        newer.reference,
        stuck.reference,
        older.reference,
    ]
    assert "5,200.00 NGN" in lines[2]
    for options, found in [
        (("--state", "vended"), [older]),
        (("--state", "vended", "--state", "ordered"), [newer, older]),
        (("--open",), [stuck]),
        (("--meter", METER), [newer, stuck, older]),
        (("--meter", "nobody's"), []),
        (("--since", f"{NOON + timedelta(days=1):%Y-%m-%d}"), [newer]),
        (("--until", _DAY), [stuck, older]),
        (("--most", "1"), [newer]),
    ]:
        listed = json.loads(vending("payments", "list", *options, "--json").out)
        assert [one["reference"] for one in listed] == [one.reference for one in found], options
    assert "There are 3; --most 3 shows them all." in vending("payments", "list", "--most", 1).err


def test_an_order_is_shown_whole_but_for_the_token(vending: VendingCommand, engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    _hear(engine, "refund.pending", order.reference, amount=5)
    digits = _digits(engine, order)
    done = vending("payments", "show", order.reference)
    assert done.code == 0
    for part in (
        *("vended", METER, "5,200.00 NGN", "200.00 NGN", "5,000.00 NGN", "success"),
        *("refund.pending", "elsewhere", "email", "sms", f"**** {digits[-1][-4:]}"),
    ):
        assert part in done.out, part
    facts = json.loads(vending("payments", "show", order.reference, "--json").out)
    assert facts["payment"]["transaction_id"] == 900_000_000 + order.key
    assert facts["events"][0]["facts"] == {"amount": 5}
    for text in (done.out, json.dumps(facts)):
        assert not any(one in text or one.replace(" ", "") in text for one in digits)
        assert EMAIL not in text
    shown = vending("payments", "show", order.reference, "--token").out
    assert all(one in shown for one in digits)


@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_of_any_state_can_be_shown(
    vending: VendingCommand, engine: Engine, state: OrderState
) -> None:
    order = in_state(engine, state)
    done = vending("payments", "show", order.reference)
    assert (done.code, done.err) == (0, "")
    assert state.value in done.out


@pytest.mark.parametrize(
    "command",
    [
        ("show", "T999999999999999"),
        ("vend", "T999999999999999"),
        ("refund", "T999999999999999", "--note", "x"),
        ("close", "T999999999999999", "--note", "x"),
        ("show", "x"),
    ],
)
def test_an_unknown_order_is_one_line(vending: VendingCommand, command: tuple[str, ...]) -> None:
    done = vending("payments", *command)
    assert done.code == 1
    assert done.err == f"vending: no order {command[1]!r} is known\n"


def test_an_order_is_hurried_or_that_is_refused(vending: VendingCommand, engine: Engine) -> None:
    ordered, paid = in_state(engine, OrderState.ORDERED), in_state(engine, OrderState.PAID)
    for order, what in [(ordered, "verified with Paystack"), (paid, "vended")]:
        done = vending("payments", "vend", order.reference)
        assert done.code == 0
        assert what in done.err
        due = now(engine, order).next_step_at
        assert due is not None
        assert due <= datetime.now(UTC)
    done = vending("payments", "vend", in_state(engine, OrderState.REFUNDED).reference)
    assert done.code == 1
    assert "is refunded, which does not allow to vend it" in done.err


def test_money_is_given_back_and_the_customer_told_on_what_is_configured(
    vending: VendingCommand, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_SMTP_HOST", "mail.example.org")
    order = in_state(engine, OrderState.PAID)
    done = vending("payments", "refund", order.reference, "--note", "meter removed")
    assert done.code == 0
    due = now(engine, order)
    assert (due.state, due.closing_note) == (OrderState.REFUND_DUE, "meter removed")
    assert told(engine) == {("refund", "email", EMAIL)}
    assert vending("payments", "refund", order.reference, "--note", "again").code == 1
    assert vending("payments", "refund", order.reference).code == 2


def test_money_goes_back_when_a_second_operator_says_so(
    vending: VendingCommand, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    staff = Staff(vending, monkeypatch, tmp_path)
    order = in_state(engine, OrderState.PAID)
    command = ("payments", "refund", order.reference, "--note", "meter removed")
    assert staff("themba", *command).code == 1
    assert staff("thandi", *command).code == 0
    assert staff("thandi", "approvals", "approve", "1").code == 1
    assert now(engine, order).state is OrderState.PAID
    assert staff("lindiwe", "approvals", "approve", "1").code == 0
    assert now(engine, order).state is OrderState.REFUND_DUE


def test_a_case_is_closed_once_with_a_note(vending: VendingCommand, engine: Engine) -> None:
    order = in_state(engine, OrderState.PAID)
    hear_dispute(engine, order, "pending")
    done = vending("payments", "close", order.reference, "--note", "agreed with the bank")
    assert done.code == 0
    assert "is vended as soon as the service runs" in done.err
    assert now(engine, order).closing_note == "agreed with the bank"
    again = vending("payments", "close", order.reference, "--note", "once more")
    assert again.code == 1
    assert "without an open case" in again.err
    long = vending("payments", "close", order.reference, "--note", "x" * 201)
    assert long.code == 1


def test_events_wait_for_review_until_they_are_closed(
    vending: VendingCommand, engine: Engine
) -> None:
    assert "No event waits" in vending("payments", "events").err
    _hear(engine, "charge.success", "another shop's", amount=ASKED)
    done = vending("payments", "events")
    assert "another shop's" in done.out
    assert "unknown_reference" in done.out
    (event,) = json.loads(vending("payments", "events", "--json").out)
    assert event["facts"] == {"amount": ASKED}
    for misuse in (("--close", event["key"]), ("--note", "x")):
        assert vending("payments", "events", *misuse).code == 2
    close = ("payments", "events", "--close", event["key"], "--note", "not ours")
    assert vending(*close).code == 0
    assert vending(*close).code == 1
    assert "No event waits" in vending("payments", "events").err


def test_a_day_that_agrees_is_success_and_is_asked_for_with_its_neighbours(
    vending: VendingCommand, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = in_state(engine, OrderState.VENDED)
    paystack = _with_paystack(monkeypatch, payment(order))
    done = vending("payments", "check", "--date", _DAY)
    assert done.code == 0
    assert "Paystack, orders and tokens agree." in done.err
    row = next(line for line in done.out.splitlines() if line.startswith("NGN"))
    assert row.split() == ["NGN", "5,200.00", "5,000.00", "200.00", "0.00", "0.00", "0.00"]
    ((begin, end),) = paystack.asked
    assert begin == datetime(2026, 11, 20, tzinfo=UTC)
    assert end == datetime(2026, 11, 23, tzinfo=UTC)
    assert paystack.is_closed


def test_a_difference_is_printed_and_is_a_failure(
    vending: VendingCommand, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order(engine)
    _with_paystack(monkeypatch, payment(order))
    done = vending("payments", "check", "--date", _DAY)
    assert done.code == 1
    assert order.reference in done.out
    assert "it is paid at Paystack, and ordered here" in done.out
    assert "agree" not in done.err
    found = json.loads(vending("payments", "check", "--date", _DAY, "--json").out)
    assert found["date"] == _DAY
    assert [one["reference"] for one in found["differences"]] == [order.reference]
    assert found["totals"]["NGN"]["open_minor"] == ASKED
    assert vending("payments", "check", "--date", _DAY, "--json").code == 1


def test_a_day_without_money_says_so(
    vending: VendingCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_paystack(monkeypatch)
    done = vending("payments", "check", "--date", "2026-01-02")
    assert done.code == 0
    assert "No money came on 2026-01-02." in done.err


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-11-21T12:00:00"])
def test_what_is_no_day_is_misuse(vending: VendingCommand, date: str) -> None:
    assert vending("payments", "check", "--date", date).code == 2
    assert vending("payments", "check").code == 2


def test_without_a_key_nothing_can_be_checked(vending: VendingCommand) -> None:
    done = vending("payments", "check", "--date", _DAY)
    assert done.code == 2
    assert "VENDING_PAYSTACK_SECRET_KEY" in done.err


def test_the_gateway_of_the_check_is_the_one_that_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDING_PAYSTACK_SECRET_KEY", _KEY)
    monkeypatch.setenv("VENDING_PUBLIC_URL", "https://vend.example.org")
    gateway = payment_check.open_gateway(read_settings())
    assert _KEY not in repr(gateway)


def _hear(engine: Engine, event: str, reference: str, **facts: Any) -> EventState:
    digest = f"{event} {reference}"
    delivery = Delivery(
        digest=digest, event=event, reference=reference, facts=facts, received_at=NOON
    )
    with writing(engine) as connection, connection.begin():
        return payment_events.hear(connection, delivery)


def _digits(engine: Engine, order: Order) -> list[str]:
    """Return the tokens of an order as they are shown."""
    with engine.connect() as connection:
        sale = payments.sale_of(connection, order)
    assert sale is not None
    return [
        " ".join(token.digits[place : place + 4] for place in range(0, 20, 4))
        for token in sale.tokens
    ]
