"""The SQL of the sales."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from tariffs.lines import LineKind
from vending_api.domain.pricing.types import Bill, BillLine, TaxedAmount
from vending_api.domain.sales.tables import SALE

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.sales.types import SellCredit

_INSERT: Final = insert(SALE).returning(SALE.c.key)
_UPDATE: Final = (
    update(SALE)
    .where(SALE.c.purchase_id == bindparam("of_purchase_id"))
    .values(
        {
            column: bindparam(column)
            for column in (
                "client_key",
                "terminal_id",
                "external_meter_id",
                "amount_minor",
                "currency",
                "refusal_code",
                "received_at",
                "bill",
            )
        }
    )
    .returning(SALE.c.key)
)
_DECIMALS: Final = ("units", "rate_minor", "price_minor")
_BY_PURCHASE_ID: Final = (
    select(SALE).where(SALE.c.purchase_id == bindparam("purchase_id")).with_for_update()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSale:
    """What was asked under a purchase id, and whether it was sold."""

    key: int
    client_key: int
    external_meter_id: str
    amount_minor: int
    currency: str
    was_refused: bool
    received_at: datetime
    bill: Bill


def add_sale(connection: Connection, command: SellCredit, outcome: Bill | str) -> int:
    """Store a request to sell with its bill or the code of its refusal; return the row's key."""
    values = {"purchase_id": command.purchase_id} | _values(command, outcome)
    return int(connection.execute(_INSERT, values).scalar_one())


def replace_sale(connection: Connection, command: SellCredit, outcome: Bill | str) -> int:
    """Store a new outcome for a purchase id that was refused; return the row's key."""
    values = {"of_purchase_id": command.purchase_id} | _values(command, outcome)
    return int(connection.execute(_UPDATE, values).scalar_one())


def lock_sale(connection: Connection, purchase_id: str) -> StoredSale:
    """Return what is stored under a claimed purchase id, locked until the transaction ends."""
    row = connection.execute(_BY_PURCHASE_ID, {"purchase_id": purchase_id}).one()
    return StoredSale(
        key=row.key,
        client_key=row.client_key,
        external_meter_id=row.external_meter_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        was_refused=row.refusal_code is not None,
        received_at=row.received_at,
        # What was sold before bills were kept has none.
        bill=Bill(tuple(_line(stored) for stored in row.bill or ())),
    )


def _values(command: SellCredit, outcome: Bill | str) -> dict[str, Any]:
    code, bill = (outcome, None) if isinstance(outcome, str) else (None, outcome)
    return {
        "client_key": command.client.key,
        "terminal_id": command.terminal_id,
        "external_meter_id": command.external_meter_id,
        "amount_minor": command.amount_minor,
        "currency": command.currency,
        "refusal_code": code,
        "received_at": command.received_at,
        "bill": None if bill is None else [_stored_line(line) for line in bill.lines],
    }


def _stored_line(line: BillLine) -> dict[str, Any]:
    """Return a line as it is stored: whole numbers as such, decimals as texts."""
    charge = line.charge
    stored = {
        "kind": line.kind.value,
        "name": line.name,
        "reason": line.reason,
        "net_minor": charge.net_minor,
        "tax_minor": charge.tax_minor,
        "tax_name": charge.tax_name,
        "tax_rate_percent": f"{charge.tax_rate_percent:f}",
        "balance_minor": line.balance_minor,
        "taken_minor": line.taken_minor,
    }
    for key in _DECIMALS:
        number = getattr(line, key)
        stored[key] = None if number is None else f"{number:f}"
    return {key: value for key, value in stored.items() if value is not None}


def _line(stored: dict[str, Any]) -> BillLine:
    decimals = {key: Decimal(stored[key]) for key in _DECIMALS if key in stored}
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
        balance_minor=stored.get("balance_minor"),
        taken_minor=stored.get("taken_minor"),
        **decimals,
    )
