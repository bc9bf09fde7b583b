"""The SQL of the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, bindparam, case, or_, select, update

from vending_api.domain.numbers.tables import NUMBER_SERIES
from vending_api.domain.numbers.types import Place
from vending_api.kit.db import insert_into
from vending_api.kit.group import recall, recall_lasting, remember, remember_lasting
from vending_api.kit.statements import Statement, StatementForMany

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, Insert

_SERIES: Final = NUMBER_SERIES.c
_NEWEST: Final = (_SERIES.key, _SERIES.last_receipt, _SERIES.invoice_year, _SERIES.last_invoice)


_PLACE: Final = (_SERIES.utility_key, _SERIES.client_key, _SERIES.terminal_id)


class Newest(NamedTuple):
    """A series with the numbers that were just taken as its newest."""

    key: int
    last_receipt: int
    invoice_year: int
    last_invoice: int

    def after(self, receipts: int, year: int, invoices: int) -> Newest:
        """Return what it becomes by taking numbers, as the statements below work it out."""
        if year > self.invoice_year:
            return Newest(self.key, self.last_receipt + receipts, year, invoices)
        last_invoice = self.last_invoice + invoices
        return Newest(self.key, self.last_receipt + receipts, self.invoice_year, last_invoice)

    def to_columns(self) -> dict[str, int]:
        """Return what is to stand in the columns."""
        return {
            "to_last_receipt": self.last_receipt,
            "to_invoice_year": self.invoice_year,
            "to_last_invoice": self.last_invoice,
        }


def _after(
    receipts: ColumnElement[int], year: ColumnElement[int], invoices: ColumnElement[int]
) -> dict[str, ColumnElement[int]]:
    """Return what a series becomes by taking numbers; invoices begin again with a later year."""
    is_new_year = year > _SERIES.invoice_year
    return {
        "last_receipt": _SERIES.last_receipt + receipts,
        "last_invoice": case((is_new_year, invoices), else_=_SERIES.last_invoice + invoices),
        "invoice_year": case((is_new_year, year), else_=_SERIES.invoice_year),
    }


_TAKE: Final = Statement(
    update(NUMBER_SERIES)
    .where(
        _SERIES.utility_key == bindparam("of_utility"),
        _SERIES.client_key == bindparam("of_client"),
        _SERIES.terminal_id == bindparam("of_terminal"),
    )
    .values(_after(bindparam("receipts"), bindparam("year"), bindparam("invoices")))
    .returning(*_NEWEST),
    is_apart=True,
)
_SET: Final = Statement(
    update(NUMBER_SERIES)
    .where(_SERIES.key == bindparam("of_key"))
    .values({name: bindparam(f"to_{name}") for name in Newest._fields if name != "key"})
)


_LOCK_MANY: Final = StatementForMany(
    lambda _, rows: (
        select(*_NEWEST, *_PLACE)
        .where(
            _SERIES.client_key == rows[0]["client_key"],
            or_(
                *(
                    and_(
                        _SERIES.utility_key == row["utility_key"],
                        _SERIES.terminal_id == row["terminal_id"],
                    )
                    for row in rows
                )
            ),
        )
        .order_by(_SERIES.key)
        .with_for_update()
    )
)
"""Those of one client, which stand on one node where a database has several."""


def expect(connection: Connection, places: Iterable[Place]) -> None:
    """Let the group of a connection know which series its commands will take numbers from.

    Those of a client are locked together when the first is needed, and no sooner: by then its
    credit is locked, as it is before its numbers everywhere.
    """
    of_clients: dict[int, list[Place]] = {}
    for place in places:
        of_clients.setdefault(place.client_key, []).append(place)
    for client_key, expected in of_clients.items():
        remember_lasting(connection, (_LOCK_MANY, client_key), expected)


def take(
    connection: Connection, place: Place, *, receipts: int, invoice_year: int | None
) -> Newest:
    """Take numbers from a terminal's series, in one statement once the series has begun.

    An upsert alone would do, too; but on PostgreSQL it uses up a row key each time, and the
    keys of later series, which customers read on receipts, would grow by the million.
    """
    year, invoices = (0, 0) if invoice_year is None else (invoice_year, 1)
    series = (_SET, *place)
    known = _known(connection, place)
    if known is not None:
        newest = known.after(receipts, year, invoices)
        rows = [{"of_key": newest.key} | newest.to_columns()]
        _SET.run_later(connection, rows, of=newest.key)
        remember(connection, series, newest)
        return newest
    wanted: dict[str, Any] = {
        "of_utility": place.utility_key,
        "of_client": place.client_key,
        "of_terminal": place.terminal_id,
        "receipts": receipts,
        "year": year,
        "invoices": invoices,
    }
    row = _TAKE.row(connection, wanted)
    if row is None:
        first = {"last_receipt": receipts, "invoice_year": year, "last_invoice": invoices}
        row = _BEGIN.row(connection, place._asdict() | first)
    newest = Newest(*row)
    remember(connection, series, newest)
    return newest


def _known(connection: Connection, place: Place) -> Newest | None:
    """Return what the group of a connection knows of a series, after a look at all expected ones.

    None of a series that has not begun, and where there is no group.
    """
    known: Newest | None = recall(connection, (_SET, *place))
    expected: list[Place] | None = recall_lasting(connection, (_LOCK_MANY, place.client_key))
    if known is not None or not expected:
        return known
    remember_lasting(connection, (_LOCK_MANY, place.client_key), None)  # once is enough
    wanted = [one._asdict() for one in expected if recall(connection, (_SET, *one)) is None]
    for row in _LOCK_MANY.rows(connection, wanted):
        newest, of = Newest(*row[: len(_NEWEST)]), Place(*row[len(_NEWEST) :])
        remember(connection, (_SET, *of), newest)
        if of == place:
            known = newest
    return known


def _begin(dialect_name: str) -> Insert:
    """Return the first INSERT of a series; of two at the same moment, one waits and goes on."""
    new = insert_into(dialect_name, NUMBER_SERIES)
    wanted = new.excluded
    return new.on_conflict_do_update(
        index_elements=[_SERIES.utility_key, _SERIES.client_key, _SERIES.terminal_id],
        set_=_after(wanted.last_receipt, wanted.invoice_year, wanted.last_invoice),
    ).returning(*_NEWEST)


_BEGIN: Final = Statement(_begin, is_apart=True)
