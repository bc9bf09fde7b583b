"""The SQL of the sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from vending_api.domain.sales.documents import (
    bill_of,
    key_data_of,
    stored_bill,
    stored_key_data,
)
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState, StoredSale
from vending_api.kit.db import reserve_keys
from vending_api.kit.group import flush, recall, remember
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from vending_api.domain.sales.types import NewSale

_INSERT: Final = Statement(insert(SALE).returning(SALE.c.key), is_apart=True)
_INSERT_WITH_KEY: Final = Statement(insert(SALE))
_KEYS: Final = "sale keys"
_COLUMNS: Final = (
    *("client_key", "terminal_id", "external_meter_id", "amount_minor", "currency"),
    *("state", "refusal_code", "received_at", "bill", "key_data"),
    *("series_key", "first_receipt", "last_receipt", "invoice_number"),
)
_UPDATE: Final = (
    update(SALE)
    .where(SALE.c.kind == bindparam("of_kind"), SALE.c.purchase_id == bindparam("of_purchase_id"))
    .values({column: bindparam(column) for column in _COLUMNS})
    .returning(SALE.c.key)
)
_BY_PURCHASE_ID: Final = select(SALE).where(
    SALE.c.kind == bindparam("kind"), SALE.c.purchase_id == bindparam("purchase_id")
)
_LOCKED: Final = _BY_PURCHASE_ID.with_for_update()
_MOVE: Final = (
    update(SALE).where(SALE.c.key == bindparam("of_key")).values(state=bindparam("new_state"))
)
_NEWEST: Final = (
    select(SALE)
    .where(
        SALE.c.external_meter_id == bindparam("of_meter"),
        SALE.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(SALE.c.key.desc())
    .limit(1)
)
_BY_RECEIPT: Final = (
    select(SALE)
    .where(SALE.c.series_key == bindparam("of_series"), SALE.c.first_receipt <= bindparam("number"))
    .order_by(SALE.c.first_receipt.desc())
    .limit(1)
)
"""The sale that took the numbers from at most this one on; the next took those after it."""


def add_sale(connection: Connection, sale: NewSale) -> int:
    """Store a request and what came of it; return the row's key."""
    values = {"kind": sale.kind.value, "purchase_id": sale.purchase_id} | _values(sale)
    keys: list[int] | None = recall(connection, _KEYS)
    if not keys:
        flush(connection)  # what has the keys before it must be there
        return int(_INSERT.row(connection, values).key)
    key = keys.pop()
    _INSERT_WITH_KEY.run_later(connection, [values | {"key": key}])
    return key


def take_keys(connection: Connection, count: int) -> None:
    """Take the keys of so many sales that the group of a connection is about to store."""
    keys = reserve_keys(connection, SALE, count)
    keys.reverse()
    remember(connection, _KEYS, keys)


def replace_sale(connection: Connection, sale: NewSale) -> int:
    """Store a new outcome for an id that was refused; return the row's key."""
    values = {"of_kind": sale.kind.value, "of_purchase_id": sale.purchase_id} | _values(sale)
    return int(connection.execute(_UPDATE, values).scalar_one())


def find_sale(connection: Connection, kind: SaleKind, purchase_id: str) -> StoredSale | None:
    """Return what is stored under an id, or None."""
    return _one(connection, _BY_PURCHASE_ID, kind=kind.value, purchase_id=purchase_id)


def find_by_key(connection: Connection, key: int) -> StoredSale | None:
    """Return what is stored in the row of a key, or None."""
    row = connection.execute(select(SALE).where(SALE.c.key == key)).one_or_none()
    return None if row is None else _stored(row)


def lock_sale(connection: Connection, kind: SaleKind, purchase_id: str) -> StoredSale | None:
    """Return what is stored under an id, locked until the transaction ends, or None."""
    return _one(connection, _LOCKED, kind=kind.value, purchase_id=purchase_id)


def find_newest(
    connection: Connection, external_meter_id: str, states: list[SaleState]
) -> StoredSale | None:
    """Return the newest sale of a meter in one of some states, or None."""
    names = [state.value for state in states]
    return _one(connection, _NEWEST, of_meter=external_meter_id, states=names)


def find_by_receipt(connection: Connection, series_key: int, number: int) -> StoredSale | None:
    """Return the sale that has a receipt number of a series, or None."""
    row = connection.execute(_BY_RECEIPT, {"of_series": series_key, "number": number}).one_or_none()
    return None if row is None or row.last_receipt < number else _stored(row)


def move(connection: Connection, sale_key: int, state: SaleState) -> None:
    """Store the state of a sale whose row is locked."""
    connection.execute(_MOVE, {"of_key": sale_key, "new_state": state.value})


def _one(connection: Connection, statement: Select[Any], **values: Any) -> StoredSale | None:
    row = connection.execute(statement, values).one_or_none()
    return None if row is None else _stored(row)


def _values(sale: NewSale) -> dict[str, Any]:
    numbers = sale.numbers
    values = {
        "client_key": sale.client_key,
        "terminal_id": sale.terminal_id,
        "external_meter_id": sale.external_meter_id,
        "amount_minor": sale.amount_minor,
        "currency": sale.currency,
        "state": sale.state.value,
        "refusal_code": sale.refusal_code,
        "received_at": sale.received_at,
        "bill": None if sale.bill is None else stored_bill(sale.bill),
        "key_data": None if sale.held is None else stored_key_data(sale.held, sale.new),
    }
    if numbers is None:
        none = ("series_key", "first_receipt", "last_receipt", "invoice_number")
        return values | dict.fromkeys(none)
    return values | {
        "series_key": numbers.series_key,
        "first_receipt": numbers.first_receipt,
        "last_receipt": numbers.first_receipt + len(numbers.receipts) - 1,
        "invoice_number": numbers.invoice,
    }


def _stored(row: Row[Any]) -> StoredSale:
    held, new = key_data_of(row.key_data)
    return StoredSale(
        key=row.key,
        kind=SaleKind(row.kind),
        purchase_id=row.purchase_id,
        state=SaleState(row.state),
        client_key=row.client_key,
        terminal_id=row.terminal_id,
        external_meter_id=row.external_meter_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        received_at=row.received_at,
        bill=bill_of(row.bill),
        held=held,
        new=new,
        invoice_number=row.invoice_number,
    )
