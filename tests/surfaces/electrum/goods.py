"""What the shop of the tests sells: its meters, its sales, and their slips."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sts.base_date import BaseDate
from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import MeterConfiguration
from sts.token_identifier import TokenIdentifier
from tariffs.document import parse_tariff
from tariffs.lines import LineKind
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.types import (
    Customer,
    KeyData,
    Meter,
    PurchaseLimits,
    ServiceType,
    Utility,
    UtilityRules,
)
from vending_api.domain.pricing.types import FREE_OF_CHARGE, Bill, BillLine, TaxedAmount
from vending_api.domain.sales.types import ChangeKey, Sale, SaleKind, SaleState, Trial
from vending_api.domain.slips.types import Mark, SlipLine, WrittenSlip

if TYPE_CHECKING:
    from vending_api.domain.sales.types import SellCredit, TryCredit
    from vending_api.domain.slips.types import Row

PAN: Final = "600727000000000009"
METER_ID: Final = "00000000000"
BLOCKED_METER_ID: Final = "00000000018"
CHARGED_METER_ID: Final = "00000000026"
"""Of R200, it pays R50 of a debt, R5 and R30 for services, and the rest for units of two prices."""
KEY_CHANGE_METER_ID: Final = "00000000034"
"""Its key is to change; free units and three tokens of its operator wait for it, too."""
TRACK_2: Final = f"{PAN}=301207123456011"
"""What the card of METER_ID says."""
ARREARS_MINOR: Final = 37_300
_TARIFF: Final = """
name = "flat"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "248.14"
[[version.tax]]
name = "VAT"
percent = "15"
on = "everything"
"""


def _taxed(net_minor: int, tax_minor: int) -> TaxedAmount:
    return TaxedAmount(
        net_minor=net_minor,
        tax_minor=tax_minor,
        tax_name="VAT",
        tax_rate_percent=Decimal("15.00"),
    )


def _energy(units: str, price_minor: str, charge: TaxedAmount) -> BillLine:
    return BillLine(
        kind=LineKind.ENERGY,
        name="energy",
        reason="units of this month",
        charge=charge,
        units=Decimal(units),
        price_minor=Decimal(price_minor),
    )


def _other(
    kind: LineKind, name: str, charge: TaxedAmount, balance_minor: int | None = None
) -> BillLine:
    return BillLine(
        kind=kind, name=name, reason="made up", charge=charge, balance_minor=balance_minor
    )


_PLAIN: Final = (_energy("40.3", "285.361", _taxed(10_000, 1_500)),)
_CHARGED: Final = (
    _other(LineKind.CHANNEL_FEE, "Cash handling", FREE_OF_CHARGE._replace(net_minor=500)),
    _other(LineKind.DEBT, "Old debt", FREE_OF_CHARGE._replace(net_minor=5_000), 27_300),
    _other(LineKind.DEBT, "Older debt", FREE_OF_CHARGE, 10_000),
    _other(LineKind.CHARGE, "Connection fee", _taxed(2_609, 391), 0),
    _other(LineKind.CHARGE, "Service fee", FREE_OF_CHARGE, 4_945),
    _energy("20", "230", _taxed(4_000, 600)),
    _energy("20.3", "339.9055", _taxed(6_001, 900)),
    _other(LineKind.ROUNDING, "rounding", _taxed(-1, 0)),
)
_NEW_KEY_DATA: Final = KeyData(SupplyGroupCode("123457"), KeyRevisionNumber(2), TariffIndex("05"))


def meter_of(external_id: str) -> Meter:
    """Return one of the four meters; raises UnknownMeter."""
    if external_id not in {METER_ID, BLOCKED_METER_ID, CHARGED_METER_ID, KEY_CHANGE_METER_ID}:
        raise UnknownMeter(external_id)
    configuration = MeterConfiguration(
        pan=MeterPan.parse(PAN),
        supply_group_code=SupplyGroupCode("123456"),
        key_revision_number=KeyRevisionNumber(1),
        tariff_index=TariffIndex("01"),
        encryption_algorithm=EncryptionAlgorithm.EA07,
    )
    is_due = external_id == KEY_CHANGE_METER_ID
    return Meter(
        key=1,
        external_id=external_id,
        configuration=configuration,
        key_data_to_hold=_NEW_KEY_DATA if is_due else KeyData.of(configuration),
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",
        limits=PurchaseLimits(minimum_minor=500, maximum_minor=500_000),
        is_blocked=external_id == BLOCKED_METER_ID,
        last_token_identifier=None,
        has_queued_tokens=is_due,
        tariff=parse_tariff(_TARIFF, document="test"),
        customer=Customer(first_name="Nomsa", last_name="Dube", address="12 Long Street"),
        utility_key=1,
        utility=Utility(
            name="Umoya Municipality",
            address="1 Market Square",
            vat_registration_number="4012345678",
            client_id="0001",
            message="Save water",
            currency="710",
            time_zone="Africa/Johannesburg",
        ),
        rules=UtilityRules(),
    )


def sale_of(command: SellCredit, meter: Meter, key: int, token_kind: TokenKind) -> Sale:
    """Return the sale that a request brings, with numbers and digits made from its key."""
    is_due = meter.external_id == KEY_CHANGE_METER_ID
    paid = _token(
        token_kind, key * 10, units_tenths=403, charge=_taxed(10_000, 1_500), number=f"17-{key:05}1"
    )
    return Sale(
        key=key,
        kind=SaleKind.PURCHASE,
        purchase_id=command.purchase_id,
        state=SaleState.ISSUED,
        client_key=command.client.key,
        terminal_id=command.terminal_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        sold_at=command.received_at,
        meter=meter,
        new_key_data=_NEW_KEY_DATA if is_due else None,
        tokens=(*_key_change(key), paid, *_extras(key)) if is_due else (paid,),
        bill=_numbered(bill_of(meter), key),
        invoice_number=f"17-2026-{key:06}",
    )


def key_change_of(command: ChangeKey, meter: Meter, key: int) -> Sale:
    """Return the key change tokens that a request brings."""
    return Sale(
        key=key,
        kind=SaleKind.KEY_CHANGE,
        purchase_id=command.request_id,
        state=SaleState.ISSUED,
        client_key=command.client.key,
        terminal_id=command.terminal_id,
        amount_minor=0,
        currency=meter.utility.currency,
        sold_at=command.received_at,
        meter=meter,
        new_key_data=_NEW_KEY_DATA,
        tokens=_key_change(key),
        bill=Bill(),
        invoice_number=None,
    )


def trial_of(command: TryCredit, meter: Meter) -> Trial:
    """Return what a purchase would bring."""
    is_due = meter.external_id == KEY_CHANGE_METER_ID
    return Trial(
        amount_minor=command.amount_minor,
        currency=command.currency,
        tried_at=command.received_at,
        meter=meter,
        new_key_data=_NEW_KEY_DATA if is_due else None,
        units_tenths=403,
        free_units_tenths=500 if is_due else 0,
        bill=bill_of(meter),
    )


def bill_of(meter: Meter) -> Bill:
    """Return where the money of a meter's purchase goes."""
    return Bill(_CHARGED if meter.external_id == CHARGED_METER_ID else _PLAIN)


def short_slip_of_sale(sale: Sale, *, columns: int, mark: Mark | None = None) -> WrittenSlip:
    """Return a slip of a few lines, one of each kind, for recorded cases that stay readable."""
    return WrittenSlip(
        columns=columns,
        rows=[
            SlipLine(text=mark.name if mark else sale.kind.upper(), is_wide=True, is_tall=True),
            SlipLine(text="", is_rule=True),
            SlipLine(text=f"{len(sale.tokens)} tokens", is_tall=True),
            SlipLine(text="", barcode=sale.tokens[0].digits),
        ],
        reference=f"SLIP{sale.key}",
    )


def short_slip_of_trial(trial: Trial, *, columns: int) -> WrittenSlip:
    """Return a slip of two lines."""
    rows: list[Row] = [SlipLine(text=Mark.TRIAL.name, is_wide=True), f"{trial.units_tenths} tenths"]
    return WrittenSlip(columns=columns, rows=rows, reference="TRIAL1")


def _numbered(bill: Bill, key: int) -> Bill:
    """Return a bill with a receipt number for each debt that something was paid of."""
    return Bill(
        tuple(
            line._replace(receipt_number=f"17-{key:05}8")
            if line.kind is LineKind.DEBT and line.is_paid
            else line
            for line in bill.lines
        )
    )


def _key_change(key: int) -> tuple[SoldToken, ...]:
    kind = TokenKind.KEY_CHANGE
    return (_token(kind, key * 10 + 1), _token(kind, key * 10 + 2))


def _extras(key: int) -> tuple[SoldToken, ...]:
    worth = FREE_OF_CHARGE._replace(net_minor=2_500)
    return (
        _token(TokenKind.FREE, key * 10 + 3, units_tenths=500, number=f"17-{key:05}2"),
        _token(TokenKind.REFUND, key * 10 + 4, units_tenths=100, charge=worth),
        _token(TokenKind.POWER_LIMIT, key * 10 + 5, setting=9_000),
        _token(TokenKind.CLEAR_CREDIT, key * 10 + 6, setting=0),
    )


def _token(
    kind: TokenKind,
    digits: int,
    *,
    units_tenths: int = 0,
    charge: TaxedAmount = FREE_OF_CHARGE,
    setting: int | None = None,
    number: str | None = None,
) -> SoldToken:
    return SoldToken(
        kind=kind,
        digits=f"{digits:020d}",
        units_tenths=units_tenths,
        token_identifier=None if kind is TokenKind.KEY_CHANGE else TokenIdentifier(1),
        charge=charge,
        setting=setting,
        receipt_number=number,
    )
