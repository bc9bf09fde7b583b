"""The SQL of the sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

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
            )
        }
    )
    .returning(SALE.c.key)
)
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


def add_sale(connection: Connection, command: SellCredit, *, refusal_code: str | None) -> int:
    """Store a request to sell with its outcome, and return the key of its row."""
    values = {"purchase_id": command.purchase_id} | _values(command, refusal_code)
    return int(connection.execute(_INSERT, values).scalar_one())


def replace_sale(connection: Connection, command: SellCredit, *, refusal_code: str | None) -> int:
    """Store a new outcome for a purchase id that was refused, and return the key of its row."""
    values = {"of_purchase_id": command.purchase_id} | _values(command, refusal_code)
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
    )


def _values(command: SellCredit, refusal_code: str | None) -> dict[str, Any]:
    return {
        "client_key": command.client.key,
        "terminal_id": command.terminal_id,
        "external_meter_id": command.external_meter_id,
        "amount_minor": command.amount_minor,
        "currency": command.currency,
        "refusal_code": refusal_code,
        "received_at": command.received_at,
    }
