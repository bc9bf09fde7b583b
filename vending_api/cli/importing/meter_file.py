"""Reads a list of meters from CSV: every row, with every fault in it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from vending_api.cli.importing.columns import (
    COLUMNS,
    MAXIMUM,
    MINIMUM,
    NUMBER,
    CellWrong,
    pan_of,
)
from vending_api.cli.importing.problems import ImportRefused, Problem
from vending_api.domain.meter_lists.types import MeterEntry
from vending_api.domain.meters.types import PurchaseLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_DELIMITERS: Final = (",", ";", "\t")
_OF_PAN: Final = ("pan", "drn", "iin")
_LIMITS: Final = (MINIMUM, MAXIMUM)
_TOLD_EVERY: Final = 1000


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A cell, or a whole row if it names no column, and what is wrong and right."""

    row: int
    """As a spreadsheet counts: the column names are row 1."""
    column: str
    text: str

    def __str__(self) -> str:
        place = f"row {self.row}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.text}"


@dataclass(slots=True)
class MeterFile:
    """What a list says: its sound rows as entries, and the problems of the others."""

    path: Path
    fields: frozenset[str]
    """What it says of each meter."""
    entries: list[MeterEntry] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    """Of each entry, the row."""
    problems: list[RowProblem] = field(default_factory=list)


def load_meters(path: Path, *, advance: Callable[[int], None] = lambda _: None) -> MeterFile:
    """Return what a list says; `advance` is told how many more rows have been read.

    Raises ImportRefused when its columns make no sense, so that its rows do not either.
    """
    rows = read_rows(path)
    header = [name.strip().lower() for name in next(rows, (1, []))[1]]
    _require_columns(path, header)
    reader = _Reader(path, header)
    for count, (number, cells) in enumerate(rows, start=1):
        if any(cells):
            reader.read(number, cells)
        if count % _TOLD_EVERY == 0:
            advance(_TOLD_EVERY)
    return reader.file


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield every row of a CSV file with its number, cells without blanks at their ends.

    Raises ImportRefused for what is not UTF-8 text or not CSV.
    """
    return _rows(path, _text(path))


def count_rows(path: Path) -> int:
    """Return about how many rows a list has, for a progress bar."""
    with path.open("rb") as file:
        return max(sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")), 1)


def column_of(name: str) -> str:
    """Return the column that a field of an entry comes from."""
    return {"external_id": NUMBER, "limits": MINIMUM}.get(name, name)


class _Reader:
    """Reads row by row; what two rows share is noticed here too."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self._header = header
        self._plain = [
            (place, name, COLUMNS[name].read)
            for place, name in enumerate(header)
            if name not in {NUMBER, *_OF_PAN, *_LIMITS}
        ]
        self._first_numbers: dict[str, int] = {}
        self._first_pans: dict[str, int] = {}
        fields = {name for _, name, _ in self._plain}
        self.file = MeterFile(path, frozenset(fields | ({"limits"} & _limits_of(header))))

    def read(self, number: int, cells: Sequence[str]) -> None:
        """Read a row, and keep it or its problems."""
        if len(cells) != len(self._header):
            text = f"it has {len(cells)} cells; write {len(self._header)}, as row 1 has"
            self.file.problems.append(RowProblem(number, "", text))
            return
        values: dict[str, Any] = {}
        problems = [
            RowProblem(number, column, str(wrong))
            for column, wrong in self._faults(number, cells, values)
        ]
        if problems:
            self.file.problems += problems
            return
        self.file.entries.append(MeterEntry(**values))
        self.file.rows.append(number)

    def _faults(
        self, number: int, cells: Sequence[str], values: dict[str, Any]
    ) -> Iterator[tuple[str, CellWrong]]:
        """Put what the cells say into `values`, and yield what is wrong with the others."""
        for place, name, read in self._plain:
            if cell := cells[place]:
                try:
                    values[name] = read(cell)
                except CellWrong as wrong:
                    yield name, wrong
        special = {name: cells[place] for place, name in enumerate(self._header)}
        for name, read_row in ((NUMBER, self._number), ("pan", self._pan), (MINIMUM, self._limits)):
            try:
                read_row(number, special, values)
            except CellWrong as wrong:
                yield name if name in special else "drn", wrong

    def _number(self, number: int, cells: dict[str, str], values: dict[str, Any]) -> None:
        external_id = COLUMNS[NUMBER].read(cells[NUMBER])
        first = self._first_numbers.setdefault(external_id, number)
        if first != number:
            raise CellWrong(f"{external_id} is in row {first} already; write each meter once")
        values["external_id"] = external_id

    def _pan(self, number: int, cells: dict[str, str], values: dict[str, Any]) -> None:
        pan = pan_of(*(cells.get(name, "") for name in _OF_PAN))
        if pan is None:
            return
        first = self._first_pans.setdefault(pan.digits, number)
        if first != number:
            raise CellWrong(f"{pan} is in row {first} already; write each meter once")
        values["pan"] = pan

    def _limits(self, _: int, cells: dict[str, str], values: dict[str, Any]) -> None:
        minimum, maximum = (cells.get(name, "") for name in _LIMITS)
        if not minimum and not maximum:
            return
        if not minimum or not maximum:
            raise CellWrong(f"write {MINIMUM} and {MAXIMUM}, or neither")
        minimum_minor, maximum_minor = (
            COLUMNS[name].read(cell) for name, cell in ((MINIMUM, minimum), (MAXIMUM, maximum))
        )
        if minimum_minor > maximum_minor:
            raise CellWrong(f"{minimum_minor} is above the maximum; write {maximum_minor} or less")
        values["limits"] = PurchaseLimits(minimum_minor=minimum_minor, maximum_minor=maximum_minor)


def _limits_of(header: Sequence[str]) -> frozenset[str]:
    return frozenset({"limits"}) if MINIMUM in header else frozenset()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets begin with a mark
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        problem = Problem(f"row {row}", "it is not UTF-8 text", "save it as CSV UTF-8")
        raise ImportRefused(path, [problem]) from None


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield every row with its number, cells without blanks at their ends."""
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        problem = Problem(f"row {number + 1}", f"it is not CSV: {error}", "mend its quotes")
        raise ImportRefused(path, [problem]) from None


def _require_columns(path: Path, header: Sequence[str]) -> None:
    problems = [
        Problem(f"row 1, column {place}", f"{name[:40]!r} is unknown", "see --help for those known")
        for place, name in enumerate(header, start=1)
        if name not in COLUMNS
    ]
    problems += [
        Problem("row 1", f"{name} stands there twice", "write each column once")
        for name in dict.fromkeys(header)
        if name in COLUMNS and header.count(name) > 1
    ]
    if NUMBER not in header:
        problems.append(Problem("row 1", f"{NUMBER} is missing", "write it as the first column"))
    if (MINIMUM in header) != (MAXIMUM in header):
        problems.append(
            Problem("row 1", f"{MINIMUM} and {MAXIMUM} go together", "write both, or neither")
        )
    if problems:
        raise ImportRefused(path, problems)
