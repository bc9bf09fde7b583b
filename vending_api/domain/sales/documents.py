"""The documents in the row of a sale: its bill, and the key data of its meter.

Whole numbers are stored as such, decimals as texts, so nothing is lost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sts.base_date import BaseDate
from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from tariffs.lines import LineKind
from vending_api.domain.meters.types import KeyData
from vending_api.domain.pricing.types import Bill, BillLine, TaxedAmount
from vending_api.domain.sales.types import HeldKey

if TYPE_CHECKING:
    from collections.abc import Sequence


def stored_bill(bill: Bill) -> list[dict[str, Any]]:
    """Return a bill as it is stored."""
    return [_stored_line(line) for line in bill.lines]


def bill_of(stored: Sequence[dict[str, Any]] | None) -> Bill:
    """Return a bill as it was; what was sold before bills were kept has an empty one."""
    return Bill(tuple(_line(line) for line in stored or ()))


def stored_key_data(held: HeldKey, new: KeyData | None) -> dict[str, Any]:
    """Return what a meter held before a sale, and what it was changed to."""
    stored = {"held": _stored_key_data(held.key_data), "base_date": held.base_date.value}
    return stored if new is None else {**stored, "new": _stored_key_data(new)}


def key_data_of(stored: dict[str, Any] | None) -> tuple[HeldKey | None, KeyData | None]:
    """Return what a meter held before a sale, and what it was changed to, where there is any."""
    if stored is None:
        return None, None
    held = HeldKey(_key_data(stored["held"]), BaseDate(stored["base_date"]))
    new = stored.get("new")
    return held, None if new is None else _key_data(new)


def _stored_key_data(key_data: KeyData) -> list[Any]:
    return [
        key_data.supply_group_code.digits,
        key_data.key_revision_number.value,
        key_data.tariff_index.digits,
    ]


def _key_data(stored: list[Any]) -> KeyData:
    supply_group_code, key_revision_number, tariff_index = stored
    return KeyData(
        SupplyGroupCode(supply_group_code),
        KeyRevisionNumber(key_revision_number),
        TariffIndex(tariff_index),
    )


def _stored_line(line: BillLine) -> dict[str, Any]:
    """Return a line without what it does not have."""
    kind, name, reason, charge, units, rate, price, balance, taken, receipt = line
    stored = {
        "kind": str(kind),
        "name": name,
        "reason": reason,
        "net_minor": charge.net_minor,
        "tax_minor": charge.tax_minor,
        "tax_name": charge.tax_name,
        "tax_rate_percent": f"{charge.tax_rate_percent:f}",
    }
    if balance is not None:
        stored["balance_minor"] = balance
    if taken is not None:
        stored["taken_minor"] = taken
    if receipt is not None:
        stored["receipt_number"] = receipt
    if units is not None:
        stored["units"] = f"{units:f}"
    if rate is not None:
        stored["rate_minor"] = f"{rate:f}"
    if price is not None:
        stored["price_minor"] = f"{price:f}"
    return stored


def _line(stored: dict[str, Any]) -> BillLine:
    return BillLine(
        kind=LineKind(stored["kind"]),
        name=stored["name"],
        reason=stored["reason"],
        charge=TaxedAmount(
            net_minor=stored["net_minor"],
            tax_minor=stored["tax_minor"],
            tax_name=stored["tax_name"],
            tax_rate_percent=Decimal(stored["tax_rate_percent"]),
        ),
        units=_decimal(stored.get("units")),
        rate_minor=_decimal(stored.get("rate_minor")),
        price_minor=_decimal(stored.get("price_minor")),
        balance_minor=stored.get("balance_minor"),
        taken_minor=stored.get("taken_minor"),
        receipt_number=stored.get("receipt_number"),
    )


def _decimal(stored: str | None) -> Decimal | None:
    return None if stored is None else Decimal(stored)
