"""Records become the words of the contract: sums, moments, states, tokens."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.surfaces.crestflow import goods
from tests.surfaces.crestflow.desk import Desk, browser
from tests.surfaces.crestflow.goods import at
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.types import ServiceType
from vending_api.domain.payments.types import OrderState, RefundState
from vending_api.domain.readings.types import TaskState
from vending_api.surfaces.crestflow import forms
from vending_api.surfaces.crestflow.mapping import people, purchases, readings, receipts

if TYPE_CHECKING:
    from vending_api.surfaces.crestflow.wire import Number


@pytest.mark.parametrize(
    ("amount_minor", "currency", "sum_"),
    [
        (20_000, "566", 200),
        (30_050, "566", Decimal("300.5")),
        (1, "566", Decimal("0.01")),
        (0, "566", 0),
        (-150, "566", Decimal("-1.5")),
        (200, "952", 200),
        (1_500, "788", Decimal("1.5")),
    ],
)
def test_sums_stand_in_the_unit_of_their_currency(
    amount_minor: int, currency: str, sum_: Number
) -> None:
    assert forms.money(amount_minor, currency) == sum_
    assert type(forms.money(amount_minor, currency)) is type(sum_)


@pytest.mark.parametrize(
    ("price_minor", "price"),
    [
        ("3500", 35),
        ("22521.25", Decimal("225.21")),
        ("22521.5", Decimal("225.22")),
        ("22521.4999", Decimal("225.21")),
        ("0.4", 0),
        ("0", 0),
    ],
)
def test_prices_are_rounded_half_up(price_minor: str, price: Number) -> None:
    assert forms.price(Decimal(price_minor), "566") == price


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        ("2020-06-18 14:51:54", "Africa/Lagos", "2020/6/18 15:51:54"),
        ("2019-12-31 23:30:00", "Africa/Lagos", "2020/1/1 00:30:00"),
        ("2020-11-09 03:04:05", "Africa/Accra", "2020/11/9 03:04:05"),
        ("2020-03-01 02:00:00", "America/New_York", "2020/2/29 21:00:00"),
    ],
)
def test_receipts_are_dated_in_local_time(moment: str, zone: str, shown: str) -> None:
    assert forms.local_moment(at(moment), zone) == shown


def test_the_minute_after_a_token_is_a_real_minute() -> None:
    # One second before the clocks of New York go from 02:00 to 03:00.
    sold = goods.receipt(sold_at=at("2020-03-08 06:59:59"), time_zone="America/New_York")
    shown = receipts.token_receipt(goods.consumer(), sold)
    assert (shown.gen_datetime, shown.tid_datetime) == ("2020/3/8 01:59:59", "2020/3/8 03:00:59")


def test_a_moment_is_told_in_utc_without_its_fraction() -> None:
    assert forms.moment(at("2026-01-02 14:51:53.999999")) == "2026-01-02 14:51:53"
    assert forms.moment_or_none(None) is None


@pytest.mark.parametrize(
    ("service_type", "unit"),
    [
        (ServiceType.ELECTRICITY, "kWh"),
        (ServiceType.WATER, "m³"),
        (ServiceType.GAS, "m³"),
        (ServiceType.TIME, "min"),
    ],
)
def test_units_are_those_of_the_supply(service_type: ServiceType, unit: str) -> None:
    assert forms.UNITS[service_type] == unit
    sold = goods.receipt(service_type=service_type)
    assert receipts.token_receipt(goods.consumer(), sold).unit == unit


def test_every_supply_has_a_unit() -> None:
    assert set(forms.UNITS) == set(ServiceType)


def test_a_receipt_has_the_numbers_of_its_payment_and_its_meter() -> None:
    consumer = goods.consumer(key=12)
    sold = goods.receipt(key=5, order=goods.paid_order(key=8), tax_minor=698, units_tenths=403)
    shown = receipts.token_receipt(consumer, sold)
    assert (shown.id, shown.meter_id, shown.meter_payment_transaction_id) == (5, 12, 8)
    assert (shown.vat, shown.total_unit) == (Decimal("6.98"), Decimal("40.3"))
    assert shown.meter_payment_transaction is not None
    assert shown.meter_payment_transaction.meter_id == 12


def test_task_numbers_stay_the_same_and_differ_by_token() -> None:
    numbers = [
        receipts.token_receipt(goods.consumer(), goods.receipt(key=key)).task_no
        for key in (1, 2, 1)
    ]
    assert numbers[0] == numbers[2] != numbers[1]
    assert [len(number) for number in numbers] == [36] * 3


@pytest.mark.parametrize(
    ("state", "as_payment", "as_purchase"),
    [
        (OrderState.ORDERED, "pending", "ordered"),
        (OrderState.PAID, "success", "paid"),
        (OrderState.VENDED, "success", "vended"),
        (OrderState.FAILED, "failed", "failed"),
        (OrderState.EXPIRED, "abandoned", "failed"),
        (OrderState.REFUND_DUE, "success", "failed"),
        (OrderState.REFUNDING, "success", "failed"),
        (OrderState.REFUND_FAILED, "success", "failed"),
        (OrderState.REFUNDED, "reversed", "refunded"),
    ],
)
def test_states_have_their_words(state: OrderState, as_payment: str, as_purchase: str) -> None:
    sold = goods.receipt(order=goods.paid_order(state=state))
    payment = receipts.token_receipt(goods.consumer(), sold).meter_payment_transaction
    assert payment is not None
    assert payment.status == as_payment
    assert purchases.purchase(goods.order(state=state), None, ()).status == as_purchase


def test_every_state_has_its_words() -> None:
    assert set(receipts._STATUSES) == set(purchases._STATUSES) == set(OrderState)


def test_a_purchase_without_a_sale_has_no_tokens() -> None:
    shown = purchases.purchase(goods.order(), None, ())
    assert (shown.tokens, shown.lines, shown.refund) == ((), (), None)
    assert (shown.units, shown.free_units, shown.unit) == (None, None, None)
    assert (shown.paid_at, shown.vended_at, shown.first_shown_at) == (None, None, None)


def test_tokens_stand_in_the_order_to_key_them_in() -> None:
    shown = purchases.purchase(goods.order(state=OrderState.VENDED), goods.sale(), ())
    assert [(one.kind, one.units, one.receipt_number) for one in shown.tokens] == [
        ("key_change", None, None),
        ("key_change", None, None),
        ("standard", Decimal("22.2"), "17-000042"),
        ("free", 5, "17-000043"),
    ]
    assert shown.tokens[2].token == "3333 4333 3433 3343 3334"
    assert (shown.units, shown.free_units, shown.unit) == (Decimal("22.2"), 5, "kWh")


@pytest.mark.parametrize(
    ("kind", "carried"),
    [
        (TokenKind.STANDARD, 1),
        (TokenKind.FREE, 1),
        (TokenKind.REFUND, 1),
        (TokenKind.KEY_CHANGE, None),
        (TokenKind.POWER_LIMIT, None),
        (TokenKind.CLEAR_TAMPER, None),
        (TokenKind.CLEAR_CREDIT, None),
    ],
)
def test_only_credit_has_units(kind: TokenKind, carried: int | None) -> None:
    assert forms.units_of(kind, 10) == carried


def test_lines_add_up_to_what_credit_is_bought_for() -> None:
    shown = purchases.ordered(goods.order(), goods.EXPECTED, ServiceType.ELECTRICITY)
    assert sum(line.amount + line.tax for line in shown.lines) == shown.total_paid == 5_000
    assert shown.amount == shown.total_paid + shown.transaction_charge == 5_200
    assert (shown.lines[0].rate, shown.lines[1].rate) == (Decimal("209.50125"), None)


@pytest.mark.parametrize(
    ("state", "refunds", "told"),
    [
        (OrderState.ORDERED, (), None),
        (OrderState.PAID, (), None),
        (OrderState.REFUND_DUE, (), ("pending", 5_250)),
        (OrderState.REFUNDING, (), ("pending", 5_250)),
        (OrderState.REFUND_FAILED, (), None),
        (OrderState.REFUNDING, ((520_000, RefundState.PROCESSING),), ("processing", 5_200)),
        (OrderState.REFUNDED, ((520_000, RefundState.PROCESSED),), ("processed", 5_200)),
        (OrderState.REFUND_FAILED, ((520_000, RefundState.FAILED),), ("failed", 5_200)),
        (
            OrderState.REFUND_FAILED,
            ((520_000, RefundState.NEEDS_ATTENTION),),
            ("needs-attention", 5_200),
        ),
        (
            OrderState.REFUNDING,
            ((520_000, RefundState.FAILED), (520_000, RefundState.PENDING)),
            ("pending", 5_200),
        ),
        (
            OrderState.VENDED,
            ((100_050, RefundState.PROCESSED), (50_000, RefundState.PENDING)),
            ("pending", Decimal("1500.5")),
        ),
    ],
)
def test_a_purchase_tells_what_goes_back(
    state: OrderState, refunds: tuple[tuple[int, RefundState], ...], told: Any
) -> None:
    listed = [
        goods.refund(key=key, amount_minor=amount_minor, state=refund_state)
        for key, (amount_minor, refund_state) in enumerate(refunds)
    ]
    shown = purchases.purchase(goods.order(state=state, paid_minor=525_000), None, listed).refund
    assert (None if shown is None else (shown.status, shown.amount)) == told


def test_a_refund_that_is_due_before_the_charge_is_known_is_of_what_was_ordered() -> None:
    shown = purchases.purchase(goods.order(state=OrderState.REFUND_DUE), None, ())
    assert shown.refund is not None
    assert shown.refund.amount == 5_200


def test_types_of_meters_are_labels_and_objects() -> None:
    consumer = goods.consumer(meter_type_id=2, meter_phase_type_id=2)
    shown = people.user(consumer)
    assert (shown.meter_type, shown.meter_phase_type) == ("dual source", "3 phase")
    deep = people.meter_with_all(consumer, transactions=(), receipts=(), readings=None)
    assert (deep.meter_type.id, deep.meter_type.label) == (2, "dual source")
    assert (deep.meter_phase_type.id, deep.meter_phase_type.label) == (2, "3 phase")


def test_our_own_number_of_the_meter_stays_with_us() -> None:
    desk = Desk()
    for path in ("user", "tokenreceipts", "metertransactions", "purchases"):
        assert "4711" not in browser(desk).get(f"/api/{path}").text


@pytest.mark.parametrize("state", list(TaskState))
def test_a_task_is_told_in_local_time_with_its_state(state: TaskState) -> None:
    task = goods.reading(
        "Power",
        state=state,
        asked_at=at("2020-12-31 23:00:00.500"),
        ended_at=None if state is TaskState.PENDING else at("2020-12-31 23:00:07.25"),
    )
    shown = readings.reading_task(task)
    assert shown.create_date == "2021-01-01T00:00:00.500"
    ended = shown.create_date if state is TaskState.PENDING else "2021-01-01T00:00:07.250"
    assert (shown.end_date, shown.status) == (ended, state.value)


def test_readings_are_dated_by_the_first_task_and_the_newest_value() -> None:
    read = [
        goods.reading(
            "Voltage",
            value="230 V",
            created_at=at("2020-01-02 00:00:00"),
            read_at=at("2020-01-05 00:00:00"),
        ),
        goods.reading(
            "Power",
            value="1 kW",
            created_at=at("2020-01-01 00:00:00"),
            read_at=at("2020-01-04 00:00:00"),
        ),
    ]
    shown = readings.remote_reading_data(goods.consumer(key=3), read)
    assert shown is not None
    assert (shown["id"], shown["meter_id"]) == (3, 3)
    assert (shown["Voltage"], shown["Power"], shown["Current"]) == ("230 V", "1 kW", None)
    assert (shown["created_at"], shown["updated_at"]) == (
        "2020-01-01 00:00:00",
        "2020-01-05 00:00:00",
    )
    assert len(shown) == 80


def test_a_payment_without_a_token_has_no_receipt() -> None:
    desk = Desk()
    desk.receipts = []
    shown = browser(desk).get("/api/metertransactions").json()["data"][0]
    assert (shown["token_receipt"], shown["meter"]["token_receipts"]) == (None, [])
    assert shown["meter"]["remote_reading_data"] is None


def test_nested_lists_are_the_oldest_first() -> None:
    desk = Desk()
    desk.orders = [goods.paid_order(key=2), goods.paid_order(key=1)]
    desk.receipts = [replace(goods.receipt(key=4), order=None), goods.receipt(key=3)]
    shown = browser(desk).get("/api/metertransactions").json()["data"]
    assert [one["id"] for one in shown] == [2, 1]
    for one in shown:
        assert [inner["id"] for inner in one["meter"]["meter_payment_transactions"]] == [1, 2]
        assert [inner["id"] for inner in one["meter"]["token_receipts"]] == [3, 4]


def test_what_is_answered_does_not_print() -> None:
    shown = [
        people.user(goods.consumer()),
        receipts.token_receipt(goods.consumer(), goods.receipt()),
        purchases.purchase(goods.order(), goods.sale(), ()),
    ]
    for secret in ("Jane", "0000 0000", "3333 4333"):
        assert secret not in repr(shown)
