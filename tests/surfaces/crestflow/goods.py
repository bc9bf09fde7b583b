"""What the service of the tests knows: residents, their tokens, orders and readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from tariffs.document import parse_tariff
from tariffs.lines import LineKind
from vending_api.domain.consumers.types import Consumer
from vending_api.domain.estates.types import Estate
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.meters.types import (
    Customer,
    KeyData,
    Meter,
    PurchaseLimits,
    ServiceType,
    Utility,
    UtilityRules,
)
from vending_api.domain.payments.types import Expected, Order, OrderState, Refund, RefundState
from vending_api.domain.pricing.types import FREE_OF_CHARGE, Bill, BillLine, TaxedAmount
from vending_api.domain.readings.items import ITEMS
from vending_api.domain.readings.types import ReadingTask, TaskState
from vending_api.domain.receipts.types import PaidOrder, TokenReceipt
from vending_api.domain.sales.types import Sale, SaleKind, SaleState

NAIRA: Final = "566"
LAGOS: Final = "Africa/Lagos"
REFERENCE: Final = "T000000000000000"


def at(text: str) -> datetime:
    """Return a moment in UTC, as `2020-06-18 14:51:53`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def estate(**changes: Any) -> Estate:
    """Return the estate of the documented user."""
    known = Estate(
        key=1,
        utility_key=7,
        name="Estate1",
        currency=NAIRA,
        time_zone=LAGOS,
        account_code="ACCT_***************",
        transaction_charge_minor=20_000,
        created_at=at("2020-04-18 08:24:19"),
        updated_at=at("2020-06-05 12:29:02"),
    )
    return replace(known, **changes)


def consumer(**changes: Any) -> Consumer:
    """Return the documented user."""
    known = Consumer(
        key=1,
        name="Jane Doe",
        email="janedoe@crestflowenergy.com",
        flat_number="001",
        estate=estate(),
        meter_key=4711,
        meter_number="47000000000",
        meter_type_id=1,
        meter_phase_type_id=1,
        created_at=at("2019-10-13 10:18:46"),
        updated_at=at("2020-06-24 10:30:52"),
    )
    return replace(known, **changes)


def paid_order(**changes: Any) -> PaidOrder:
    """Return the payment of the documented receipt."""
    known = PaidOrder(
        key=1,
        reference=REFERENCE,
        amount_minor=30_000,
        currency=NAIRA,
        state=OrderState.VENDED,
        ordered_at=at("2020-06-18 14:51:53"),
        updated_at=at("2020-06-18 14:51:53"),
    )
    return replace(known, **changes)


def receipt(**changes: Any) -> TokenReceipt:
    """Return the documented receipt."""
    known = TokenReceipt(
        key=1,
        kind=TokenKind.STANDARD,
        digits="0" * 20,
        units_tenths=1_000,
        paid_minor=10_000,
        tax_minor=0,
        price_minor=Decimal(0),
        currency=NAIRA,
        sold_at=at("2020-06-18 14:51:54"),
        meter_number="40000000000",
        service_type=ServiceType.WATER,
        time_zone=LAGOS,
        order=paid_order(),
    )
    return replace(known, **changes)


def reading(label: str, **changes: Any) -> ReadingTask:
    """Return a reading that went well, of an item that is named by label or key."""
    item = next(one for one in ITEMS if label in {one.label, one.key})
    known = ReadingTask(
        key=1,
        consumer_key=1,
        meter_number="40000000000",
        time_zone=LAGOS,
        item_id=item.id,
        task_no="3f0c9a1e-0f3d-4a44-8a3e-94a5e0c3b7d2",
        state=TaskState.SUCCESSFUL,
        asked_at=at("2020-07-05 04:49:51.033"),
        ended_at=at("2020-07-05 04:49:51.033"),
        value=None,
        read_at=None,
        created_at=at("2019-10-31 17:00:25"),
        updated_at=at("2020-07-05 04:49:51"),
        attempts=0,
    )
    return replace(known, **changes)


def _taxed(net_minor: int, tax_minor: int) -> TaxedAmount:
    return TaxedAmount(
        net_minor=net_minor,
        tax_minor=tax_minor,
        tax_name="VAT",
        tax_rate_percent=Decimal("7.5"),
    )


BILL: Final = Bill(
    (
        BillLine(
            kind=LineKind.ENERGY,
            name="Band A",
            reason="22.2 kWh at 209.50",
            charge=_taxed(465_090, 34_882),
            units=Decimal("22.20"),
            rate_minor=Decimal("20950.125"),
            price_minor=Decimal("22521.25"),
        ),
        BillLine(
            kind=LineKind.ROUNDING,
            name="Rounding",
            reason="less than a step of the meter",
            charge=_taxed(28, 0),
        ),
    )
)
"""Of N5,000."""
EXPECTED: Final = Expected(units_tenths=222, free_units_tenths=50, bill=BILL)


def order(**changes: Any) -> Order:
    """Return an order of N5,200 that nobody has paid yet."""
    known = Order(
        key=1,
        reference="T123456789012345",
        consumer_key=1,
        consumer_name="Jane Doe",
        email="janedoe@crestflowenergy.com",
        phone="+2348031234567",
        meter_number="47000000000",
        utility_name="Estate1",
        time_zone=LAGOS,
        account_code="ACCT_***************",
        amount_minor=520_000,
        charge_minor=20_000,
        currency=NAIRA,
        state=OrderState.ORDERED,
        problem="",
        authorization_url="https://checkout.paystack.com/0peioxfhpn",
        access_code="0peioxfhpn",
        payment=None,
        ordered_at=at("2026-01-02 14:51:53"),
        updated_at=at("2026-01-02 14:51:54"),
        paid_at=None,
        attempts=0,
        dispute="",
        first_shown_at=None,
        first_shown_through="",
        is_open=False,
        closed_at=None,
        closing_note="",
    )
    return replace(known, **changes)


def refund(**changes: Any) -> Refund:
    """Return a refund of N5,200 that Paystack was asked for."""
    known = Refund(
        key=1,
        order_key=1,
        amount_minor=520_000,
        state=RefundState.PENDING,
        refund_id="77",
        refund_reference=None,
        reason="not_vended_in_time",
        asked_at=at("2026-01-03 14:53:08"),
        updated_at=at("2026-01-03 14:53:08"),
    )
    return replace(known, **changes)


def _token(kind: TokenKind, digits: str, units_tenths: int, number: str | None) -> SoldToken:
    return SoldToken(
        kind=kind,
        digits=digits * 4,
        units_tenths=units_tenths,
        token_identifier=None,
        charge=FREE_OF_CHARGE,
        receipt_number=number,
    )


def sale() -> Sale:
    """Return what was sold for an order: a key change, credit, free units."""
    return Sale(
        key=9,
        kind=SaleKind.PURCHASE,
        purchase_id="T123456789012345",
        state=SaleState.ISSUED,
        client_key=3,
        terminal_id="ONLINE01",
        amount_minor=500_000,
        currency=NAIRA,
        sold_at=at("2026-01-02 14:53:08"),
        meter=_meter(),
        new_key_data=None,
        tokens=(
            _token(TokenKind.KEY_CHANGE, "11112", 0, None),
            _token(TokenKind.KEY_CHANGE, "22223", 0, None),
            _token(TokenKind.STANDARD, "33334", 222, "17-000042"),
            _token(TokenKind.FREE, "44445", 50, "17-000043"),
        ),
        bill=BILL,
        invoice_number=None,
    )


def _meter() -> Meter:
    configuration = MeterConfiguration(
        pan=MeterPan.parse("600727000000000009"),
        supply_group_code=SupplyGroupCode("123457"),
        key_revision_number=KeyRevisionNumber(1),
        tariff_index=TariffIndex("01"),
        encryption_algorithm=EncryptionAlgorithm.EA07,
    )
    return Meter(
        key=4711,
        external_id="47000000000",
        configuration=configuration,
        key_data_to_hold=KeyData.of(configuration),
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",
        limits=PurchaseLimits(minimum_minor=50_000, maximum_minor=5_000_000),
        is_blocked=False,
        last_token_identifier=None,
        has_queued_tokens=False,
        tariff=parse_tariff(_TARIFF, document="test"),
        customer=Customer(first_name="Jane", last_name="Doe", address="1 Broad Street"),
        utility_key=7,
        utility=Utility(
            name="Estate1",
            address="1 Broad Street",
            vat_registration_number="",
            client_id="0001",
            message="",
            currency=NAIRA,
            time_zone=LAGOS,
        ),
        rules=UtilityRules(),
    )


_TARIFF: Final = """
name = "flat"
unit = "kWh"
price_currency = "NGN"
time_zone = "Africa/Lagos"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "20950"
"""
