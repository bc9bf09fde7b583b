"""Walks a series of numbers: what is missing of it, and what was given twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.reconciling.types import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RECEIPTS: Final = "receipt numbers"
_INVOICES: Final = "invoice numbers"
_INVOICE: Final = re.compile(r"(\d{1,18})-(\d{1,9})-(\d{6,18})", re.ASCII)


class Series(NamedTuple):
    """What a series says of itself."""

    key: int
    newest_receipt: int
    invoice_year: int
    newest_invoice: int


class Numbered(NamedTuple):
    """A sale and its numbers."""

    purchase_id: str
    first_receipt: int | None
    last_receipt: int | None
    invoice: str | None


def walk(series: Series, sales: Iterable[Numbered]) -> Iterator[Difference]:
    """Yield what is wrong with the numbers of a series, given its sales by their numbers."""
    receipts, invoices = _Receipts(series), _Invoices(series)
    for sale in sales:
        yield from receipts.of_sale(sale)
        yield from invoices.of_sale(sale)
    yield from receipts.of_series()
    yield from invoices.of_series()


class _Receipts:
    """The receipts of a series, which run from 1 on for ever."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._last = 0

    def of_sale(self, sale: Numbered) -> Iterator[Difference]:
        first, last = sale.first_receipt, sale.last_receipt
        if first is None or last is None:
            yield Difference(_RECEIPTS, sale.purchase_id, "the sale has none")
            return
        if first > self._last + 1:
            yield self._missing(first - 1)
        elif first <= self._last:
            given = self._words(first, min(self._last, last))
            yield Difference(_RECEIPTS, sale.purchase_id, f"{given} given to another sale, too")
        self._last = max(self._last, last)

    def of_series(self) -> Iterator[Difference]:
        newest = self._series.newest_receipt
        if newest > self._last:
            yield self._missing(newest)
        elif newest < self._last:
            problem = f"the series stands at {newest}, but a sale has {self._last}"
            yield Difference(_RECEIPTS, f"series {self._series.key}", problem)

    def _missing(self, to: int) -> Difference:
        words = f"{self._words(self._last + 1, to)} missing"
        return Difference(_RECEIPTS, f"series {self._series.key}", words)

    def _words(self, first: int, last: int) -> str:
        key = self._series.key
        if first == last:
            return f"{key}-{first:06} is"
        return f"{key}-{first:06} to {key}-{last:06} are"


class _Invoices:
    """The invoices of a series, which run from 1 on in each year, in the order of the receipts."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._year = 0
        self._last = 0

    def of_sale(self, sale: Numbered) -> Iterator[Difference]:
        if sale.invoice is None:
            return
        parts = _INVOICE.fullmatch(sale.invoice)
        if parts is None or int(parts[1]) != self._series.key:
            problem = f"{sale.invoice} is no number of series {self._series.key}"
            yield Difference(_INVOICES, sale.purchase_id, problem)
            return
        year, number = int(parts[2]), int(parts[3])
        if year < self._year or (year == self._year and number <= self._last):
            problem = f"{sale.invoice} is given twice, or out of order"
            yield Difference(_INVOICES, sale.purchase_id, problem)
            return
        yield from self._go_on(year, number)

    def of_series(self) -> Iterator[Difference]:
        year, newest = self._series.invoice_year, self._series.newest_invoice
        is_behind = year < self._year or (year == self._year and newest < self._last)
        if newest and not is_behind:
            yield from self._go_on(year, newest + 1)
        elif is_behind:
            problem = f"the series stands at {year}-{newest:06}, but a sale has a later one"
            yield Difference(_INVOICES, f"series {self._series.key}", problem)

    def _go_on(self, year: int, number: int) -> Iterator[Difference]:
        """Go to a number, and yield those between that nobody has."""
        if year != self._year:
            self._year, self._last = year, 0
        first, to = self._last + 1, number - 1
        if first <= to:
            prefix = f"{self._series.key}-{year}-"
            words = (
                f"{prefix}{first:06} is"
                if first == to
                else (f"{prefix}{first:06} to {prefix}{to:06} are")
            )
            yield Difference(_INVOICES, f"series {self._series.key}", f"{words} missing")
        self._last = number
