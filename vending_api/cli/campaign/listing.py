"""Reads a list of meters for a campaign: every row, with every fault in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.cli.importing.columns import NUMBER, CellWrong, meter_number
from vending_api.cli.importing.meter_file import RowProblem, read_rows
from vending_api.cli.importing.problems import ImportRefused, Problem
from vending_api.domain.campaigns.types import ListedMeter, RefundOf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

UNITS: Final = "units"
AMOUNT: Final = "amount_minor"
_MOST_DIGITS: Final = 15
_SHOWN: Final = 24


class MeterList:
    """What a list says: its sound rows, and the problems of the others."""

    def __init__(self) -> None:
        self.meters: list[ListedMeter] = []
        self.rows: list[int] = []
        """Of each meter, the row; the column names are row 1."""
        self.problems: list[RowProblem] = []


def load_list(path: Path, *, is_refund: bool) -> MeterList:
    """Return what a list says; only that of a refund may have units and amounts.

    Raises ImportRefused when its columns make no sense, so that its rows do not either.
    """
    rows = read_rows(path)
    header = [name.strip().lower() for name in next(rows, (1, []))[1]]
    _require_columns(path, header, is_refund=is_refund)
    listed = MeterList()
    for number, cells in rows:
        if any(cells):
            _read(listed, number, header, cells)
    return listed


def _read(listed: MeterList, number: int, header: Sequence[str], cells: Sequence[str]) -> None:
    if len(cells) != len(header):
        text = f"it has {len(cells)} cells; write {len(header)}, as row 1 has"
        listed.problems.append(RowProblem(number, "", text))
        return
    values = dict(zip(header, cells, strict=True))
    faults = len(listed.problems)
    found: dict[str, str | int] = {}
    for name, value in values.items():
        try:
            found[name] = _READ[name](value)
        except CellWrong as wrong:
            listed.problems.append(RowProblem(number, name, str(wrong)))
    if len(listed.problems) > faults:
        return
    units, amount = found.get(UNITS), found.get(AMOUNT, 0)
    refund = None
    if units is not None:
        refund = RefundOf(units_tenths=int(units), amount_minor=int(amount))
    listed.meters.append(ListedMeter(external_id=str(found[NUMBER]), refund=refund))
    listed.rows.append(number)


def tenths(text: str) -> int:
    """Return units with at most one decimal in tenths; raises CellWrong."""
    whole, _, decimal = text.partition(".")
    is_number = (whole + decimal).isascii() and whole.isdigit() and (decimal + "0").isdigit()
    if not is_number or len(decimal) > 1 or len(whole) > _MOST_DIGITS:
        raise CellWrong(f"{text[:_SHOWN]!r} is not it; write units with at most one decimal: 12.5")
    return int(whole) * 10 + int(decimal or 0)


def _amount(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise CellWrong(f"{text[:_SHOWN]!r} is not it; write minor units without decimals: 3594")
    return int(text)


_READ: Final[dict[str, Callable[[str], str | int]]] = {
    NUMBER: meter_number,
    UNITS: tenths,
    AMOUNT: _amount,
}


def _require_columns(path: Path, header: Sequence[str], *, is_refund: bool) -> None:
    known = tuple(_READ) if is_refund else (NUMBER,)
    problems = [
        Problem(f"row 1, column {place}", f"{name[:40]!r} is unknown", f"write {', '.join(known)}")
        for place, name in enumerate(header, start=1)
        if name not in known
    ]
    problems += [
        Problem("row 1", f"{name} stands there twice", "write each column once")
        for name in dict.fromkeys(header)
        if name in known and header.count(name) > 1
    ]
    if NUMBER not in header:
        problems.append(Problem("row 1", f"{NUMBER} is missing", "write it as the first column"))
    if AMOUNT in header and UNITS not in header:
        problems.append(Problem("row 1", f"{AMOUNT} needs {UNITS}", "write both, or neither"))
    if problems:
        raise ImportRefused(path, problems)
