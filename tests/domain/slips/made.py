"""Sales as slips show them, made by hand from real prices, and a slip as a text file shows it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sts.base_date import BaseDate
from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from tariffs.account import Account, Debt, Owed
from tariffs.document import parse_tariff
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.meters.types import (
    Customer,
    KeyData,
    Meter,
    PurchaseLimits,
    ServiceType,
    UtilityRules,
)
from vending_api.domain.pricing.service import price
from vending_api.domain.pricing.types import FREE_OF_CHARGE, Bill, TaxedAmount
from vending_api.domain.sales.types import Sale, SaleKind, SaleState, Trial
from vending_api.sandbox.demo_data import UTILITY, demo_meter_configuration

if TYPE_CHECKING:
    from tariffs.tariff import Tariff
    from vending_api.domain.slips.types import Slip, SlipLine

AT: Final = datetime(2026, 11, 21, 12, 4, 5, 678_000, tzinfo=UTC)
PURCHASE_ID: Final = "0b1c2d3e-4f50-4617-8829-a0b1c2d3e4f5"
FLAT: Final = """
name = "flat"
unit = "kWh"
price_currency = "ZAR"
time_zone = "Africa/Johannesburg"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "216.11"
[[version.tax]]
name = "VAT"
percent = "15"
on = "everything"
"""
BLOCKS_WITH_TAX: Final = FLAT.replace(
    'rate = "216.11"', 'blocks = [{ up_to = "50", rate = "117.3" }, { rate = "173.74" }]'
).replace("2014-01-01", "2014-01-01\ntax_inclusive = true")
WATER: Final = """
name = "water"
unit = "m3"
price_currency = "UGX"
time_zone = "Africa/Kampala"
source = "made up"
[[version]]
valid_from = 2014-01-01
[version.energy]
rate = "4820"
[[version.charge]]
name = "service fee"
every = "month"
amount_minor = "1500"
[[version.tax]]
name = "VAT"
percent = "18"
on = "everything"
"""
NEW_KEY: Final = KeyData(SupplyGroupCode("000001"), KeyRevisionNumber(2), TariffIndex("01"))
NEW: Final = Account()
OWING: Final = Account(
    gets_free_units=True,
    last_purchase_on=datetime(2026, 10, 18, tzinfo=UTC).date(),
    units_this_month=Decimal(40),
    owed=(Owed(name="Network", amount_minor=1_250),),
    debts=(
        Debt(name="Municipal rates arrears", balance_minor=3_300),
        Debt(name="Municipal water arrears", balance_minor=32_300),
    ),
    carried_minor=13,
)


def meter(tariff: Tariff, **changes: Any) -> Meter:
    """Return a meter of the demo's utility under a tariff, with `changes`."""
    configuration = demo_meter_configuration(1)
    plain = Meter(
        key=1,
        external_id=configuration.pan.decoder.digits,
        configuration=configuration,
        key_data_to_hold=KeyData.of(configuration),
        base_date=BaseDate.YEAR_2014,
        service_type=ServiceType.ELECTRICITY,
        token_technology_code="02",
        limits=PurchaseLimits(minimum_minor=0, maximum_minor=10**9),
        is_blocked=False,
        last_token_identifier=None,
        has_queued_tokens=False,
        tariff=tariff,
        customer=Customer(first_name="Pierre", last_name="De Wet", address="21 Dorp Straat"),
        utility_key=1,
        utility=UTILITY,
        rules=UtilityRules(),
    )
    return plain._replace(**changes)


def token(kind: TokenKind, number: int, **changes: Any) -> SoldToken:
    """Return a token that costs nothing, with digits of its own number and `changes`."""
    digits = f"{int(sha256(bytes([number])).hexdigest(), 16) % 10**20:020}"
    plain = SoldToken(
        kind=kind, digits=digits, units_tenths=0, token_identifier=None, charge=FREE_OF_CHARGE
    )
    return replace(plain, **changes)


def worth(amount_minor: int) -> TaxedAmount:
    """Return what a refund is worth."""
    return FREE_OF_CHARGE._replace(net_minor=amount_minor)


QUEUED: Final = (
    token(TokenKind.REFUND, 11, units_tenths=738, charge=worth(10_000)),
    token(TokenKind.POWER_LIMIT, 12, setting=13_800),
    token(TokenKind.CLEAR_TAMPER, 13),
    token(TokenKind.CLEAR_CREDIT, 14, setting=0xFFFF),
    token(TokenKind.CLEAR_CREDIT, 15, setting=3),
)


def purchase(
    document: str,
    amount_minor: int,
    *,
    account: Account = NEW,
    new_key_data: KeyData | None = None,
    queued: tuple[SoldToken, ...] = (),
    invoice_number: str | None = "17-2026-000042",
    **changes: Any,
) -> Sale:
    """Return a purchase under a tariff, for a meter with `changes`."""
    tariff = parse_tariff(document, document="made")
    bought = price(tariff, account, amount_minor, AT)
    receipts = (f"17-{number:06}" for number in range(42, 99))
    tokens = []
    if new_key_data is not None:
        tokens += [token(TokenKind.KEY_CHANGE, number) for number in (1, 2)]
    for number, kind, tenths, charge in (
        (3, TokenKind.STANDARD, bought.units_tenths, bought.bill.credit),
        (4, TokenKind.FREE, bought.free_units_tenths, FREE_OF_CHARGE),
    ):
        if tenths:
            receipt = next(receipts)
            tokens.append(
                token(kind, number, units_tenths=tenths, charge=charge, receipt_number=receipt)
            )
    return Sale(
        key=1,
        kind=SaleKind.PURCHASE,
        purchase_id=PURCHASE_ID,
        state=SaleState.ISSUED,
        client_key=1,
        terminal_id="TILL0001",
        amount_minor=amount_minor,
        currency=changes.get("utility", UTILITY).currency,
        sold_at=AT,
        meter=meter(tariff, **changes),
        new_key_data=new_key_data,
        tokens=(*tokens, *queued),
        bill=bought.bill.with_receipts(list(receipts)),
        invoice_number=invoice_number if amount_minor else None,
    )


def key_change() -> Sale:
    """Return a key change that was asked for by itself."""
    tokens = tuple(token(TokenKind.KEY_CHANGE, number) for number in (1, 2))
    return purchase(FLAT, 0)._replace(
        kind=SaleKind.KEY_CHANGE,
        new_key_data=NEW_KEY,
        tokens=tokens,
        bill=Bill(),
    )


def trial_of(sale: Sale) -> Trial:
    """Return the trial that would have told of a purchase."""
    units = {one.kind: one.units_tenths for one in sale.tokens}
    return Trial(
        amount_minor=sale.amount_minor,
        currency=sale.currency,
        tried_at=sale.sold_at,
        meter=sale.meter,
        new_key_data=sale.new_key_data,
        units_tenths=units.get(TokenKind.STANDARD, 0),
        free_units_tenths=units.get(TokenKind.FREE, 0),
        bill=Bill(tuple(line._replace(receipt_number=None) for line in sale.bill.lines)),
    )


_MONEY: Final = re.compile(r"(?:^| )(-?[0-9][0-9,]*\.[0-9]{2})$")


def texts(slip: Slip) -> list[str]:
    """Return the text of every line."""
    return [line.text for line in slip.lines]


def sums(slip: Slip, heading: str) -> list[tuple[str, int]]:
    """Return the lines of a section that have a sum, and the sums in minor units."""
    lines = texts(slip)
    start = next(place for place, text in enumerate(lines) if text.startswith(heading))
    end = next(place for place in range(start, len(lines)) if not lines[place])
    found = []
    for text in lines[start:end]:
        match = _MONEY.search(text)
        if match and len(text) == slip.columns:
            amount = match[1].replace(",", "").replace(".", "")
            found.append((text[: match.start()].strip(), int(amount)))
    return found


def drawn(slip: Slip) -> str:
    """Return a slip as a text file shows it, with what is tall beside the paper."""
    edge = f"+{'-' * (slip.columns + 2)}+"
    lines = [f"{slip.columns} columns, reference {slip.reference}", edge]
    lines += [_drawn_line(line, slip.columns) for line in slip.lines]
    return "\n".join([*lines, edge, ""])


def _drawn_line(line: SlipLine, columns: int) -> str:
    text = line.text
    if line.is_rule:
        text = "-" * columns
    if line.barcode is not None:
        text = f"[barcode {line.barcode}]".center(columns)
    if line.is_wide:
        text = "".join(f"{character} " for character in text)
    return f"| {text:{columns}} |{' tall' if line.is_tall else ''}"
