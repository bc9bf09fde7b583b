"""The SQL of the advices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from vending_api.domain.advices.tables import ADVICE
from vending_api.domain.advices.types import Outcome, ReversalCase
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.advices.types import Advise

_DECIDED: Final = (
    *("sale_key", "outcome", "reason", "approved_minor", "tenders"),
    *("received_at", "is_open"),
)
_DECIDE: Final = (
    update(ADVICE)
    .where(
        ADVICE.c.kind == bindparam("of_kind"),
        ADVICE.c.advice_id == bindparam("of_advice_id"),
        ADVICE.c.request_id == bindparam("of_request_id"),
        ADVICE.c.client_key == bindparam("of_client"),
        ADVICE.c.outcome == Outcome.UNKNOWN.value,
    )
    .values({column: bindparam(column) for column in _DECIDED})
    .returning(ADVICE.c.advice_id)
)
_OPEN: Final = (
    select(
        SALE.c.purchase_id,
        SALE.c.external_meter_id,
        CLIENT.c.name.label("client_name"),
        SALE.c.amount_minor,
        SALE.c.currency,
        ADVICE.c.reason,
        SALE.c.state,
        ADVICE.c.received_at,
    )
    .select_from(ADVICE)
    .join(SALE, ADVICE.c.sale_key == SALE.c.key)
    .join(CLIENT, ADVICE.c.client_key == CLIENT.c.key)
    .where(ADVICE.c.is_open)
    .order_by(ADVICE.c.received_at, SALE.c.key)
)
_CLOSE: Final = (
    update(ADVICE)
    .where(
        ADVICE.c.is_open,
        ADVICE.c.sale_key
        == select(SALE.c.key)
        .where(
            SALE.c.kind == SaleKind.PURCHASE.value,
            SALE.c.purchase_id == bindparam("of_purchase_id"),
        )
        .scalar_subquery(),
    )
    .values(is_open=False, closed_at=bindparam("at"), closing_note=bindparam("note"))
    .returning(ADVICE.c.advice_id)
)


def remember_unknown(connection: Connection, command: Advise) -> None:
    """Store an advice on a request that is not known, unless its id is stored already."""
    row = _row(command, outcome=Outcome.UNKNOWN, sale_key=None, is_open=False)
    connection.execute(insert_or_ignore(connection.dialect.name, ADVICE), row)


def record(
    connection: Connection, command: Advise, *, outcome: Outcome, sale_key: int, is_open: bool
) -> bool:
    """Store what was decided on an advice; return whether nothing was decided under its id before.

    One that was unknown when it first came is decided on now. Of two at the same moment, one
    waits and finds that its id is used.
    """
    row = _row(command, outcome=outcome, sale_key=sale_key, is_open=is_open)
    new = insert_or_ignore(connection.dialect.name, ADVICE).returning(ADVICE.c.advice_id)
    if connection.execute(new, row).first() is not None:
        return True
    again = {
        "of_kind": row["kind"],
        "of_advice_id": row["advice_id"],
        "of_request_id": row["request_id"],
        "of_client": row["client_key"],
    } | {column: row[column] for column in _DECIDED}
    return connection.execute(_DECIDE, again).first() is not None


def open_cases(connection: Connection) -> list[ReversalCase]:
    """Return the reversals that nobody has settled yet, oldest first."""
    return [
        ReversalCase(
            purchase_id=row.purchase_id,
            external_meter_id=row.external_meter_id,
            client_name=row.client_name,
            amount_minor=row.amount_minor,
            currency=row.currency,
            reason=row.reason,
            was_credited=row.state == SaleState.REVERSED.value,
            received_at=row.received_at,
        )
        for row in connection.execute(_OPEN)
    ]


def close_case(connection: Connection, purchase_id: str, *, note: str, at: datetime) -> bool:
    """Store that the open reversal of a sale is settled; return whether there was one.

    Raises EntryInvalid for a note longer than its column.
    """
    require_fit(ADVICE, {"closing_note": note})
    values = {"of_purchase_id": purchase_id, "note": note, "at": at}
    return connection.execute(_CLOSE, values).first() is not None


def _row(
    command: Advise, *, outcome: Outcome, sale_key: int | None, is_open: bool
) -> dict[str, Any]:
    return {
        "kind": command.kind.value,
        "advice_id": command.advice_id,
        "request_id": command.request_id,
        "sale_key": sale_key,
        "client_key": command.client.key,
        "outcome": outcome.value,
        "reason": command.reason,
        "approved_minor": command.approved_minor,
        "tenders": list(command.tenders) or None,
        "received_at": command.received_at,
        "is_open": is_open,
        "closing_note": "",
    }
