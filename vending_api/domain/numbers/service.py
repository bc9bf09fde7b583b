"""Numbers of receipts and VAT invoices, in a series for each terminal: none missing, none twice.

A number is taken in the transaction of its sale, so what is rolled back gives it back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vending_api.domain.numbers import repository
from vending_api.domain.numbers.types import Numbers, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_RECEIPT: Final = re.compile(r"([1-9][0-9]{0,17})-([0-9]{6}|[1-9][0-9]{6,17})")
"""Series and number, each of what a database can count to."""


def take_numbers(
    connection: Connection,
    *,
    utility_key: int,
    client_key: int,
    terminal_id: str,
    receipts: int,
    invoice_year: int | None,
) -> Numbers:
    """Take the next receipt numbers of a terminal, and an invoice number if a year is given.

    Receipts are numbered on for ever, invoices from 1 in each year. A year before that of
    the series, as of a clock that was set back, goes on in the series' own: a number that
    was given must not come again.
    """
    place = Place(utility_key, client_key, terminal_id)
    newest = repository.take(connection, place, receipts=receipts, invoice_year=invoice_year)
    series, last = newest.key, newest.last_receipt
    first = last - receipts + 1
    invoice = f"{series}-{newest.invoice_year}-{newest.last_invoice:06}"
    return Numbers(
        series_key=series,
        first_receipt=first,
        receipts=tuple(f"{series}-{number:06}" for number in range(first, last + 1)),
        invoice=None if invoice_year is None else invoice,
    )


def expect_numbers(connection: Connection, places: Iterable[Place]) -> None:
    """Let the group of a connection know what its commands will `take_numbers` from."""
    repository.expect(connection, sorted(set(places)))


def parse_receipt(text: str) -> tuple[int, int] | None:
    """Return series and number of a receipt number, or None for text that is none."""
    parts = _RECEIPT.fullmatch(text)
    if parts is None or int(parts[2]) == 0:
        return None
    return int(parts[1]), int(parts[2])
