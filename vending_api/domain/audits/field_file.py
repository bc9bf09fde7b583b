"""Files of tokens that somebody found: CSV or Parquet, a part at a time, each row with its line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from sts.errors import FileInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS: Final = ("meter", "pan", "token", "when", "where")
_BETWEEN_DIGITS: Final = (" ", "-")
"""What slips print between the groups of a token."""
_ROWS_A_PART: Final = 65_536
_BLOCK_OCTETS: Final = 4 << 20
_HEADING: Final = 1


class FieldFile:
    """A file of tokens; what it says of wrong ones is their line, never what stands there."""

    def __init__(self, path: Path) -> None:
        """Look at the heading; raises FileInvalid, OSError."""
        self._path = path
        suffix = path.suffix.lower()
        if suffix not in {".csv", ".parquet"}:
            raise FileInvalid(path, "its name says no format; expected .csv or .parquet")
        self._is_csv = suffix == ".csv"
        self._names: list[str] = self._csv_names() if self._is_csv else self._parquet_names()
        if "token" not in self._names or not {"meter", "pan"} & {*self._names}:
            raise FileInvalid(
                path,
                f"needed are the columns token and meter, or pan; it has {', '.join(self._names)}",
            )

    def parts(self) -> Iterator[Any]:
        """Yield the rows in columns `line` and COLUMNS; those that the file lacks are null.

        Spaces and hyphens are taken out of tokens. Raises FileInvalid.
        """
        for part in self._csv_parts() if self._is_csv else self._parquet_parts():
            if len(tidy := self._tidy(part)):
                yield tidy

    def _csv_names(self) -> list[str]:
        with self._path.open("rb") as file:
            heading = file.readline()
        with self._refusals("CSV"):
            names: list[str] = csv.open_csv(pa.BufferReader(heading)).schema.names
        return names

    def _parquet_names(self) -> list[str]:
        with self._refusals("Parquet"):
            schema = pq.read_schema(self._path)
        for name in ("meter", "pan", "token"):
            kind = schema.field(name).type if name in schema.names else pa.string()
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise FileInvalid(self._path, f"column {name}: it holds {kind}; expected text")
        names: list[str] = schema.names
        return names

    def _csv_parts(self) -> Iterator[Any]:
        wrong: list[Any] = []

        def note(row: Any) -> str:
            wrong.append(row)
            return "error"

        line = _HEADING
        with self._refusals("CSV", wrong):
            reader = csv.open_csv(
                self._path,
                read_options=csv.ReadOptions(use_threads=False, block_size=_BLOCK_OCTETS),
                parse_options=csv.ParseOptions(invalid_row_handler=note, ignore_empty_lines=False),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(self._names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        while True:
            with self._refusals("CSV", wrong):
                batch = next(reader, None)
            if batch is None:
                return
            table = _numbered(batch, line + 1)
            line += len(batch)
            is_blank = pc.is_null(table[self._names[0]])
            for name in self._names[1:]:
                is_blank = pc.and_(is_blank, pc.is_null(table[name]))
            yield table.filter(pc.invert(is_blank))

    def _parquet_parts(self) -> Iterator[Any]:
        row = 0
        with self._refusals("Parquet"), pq.ParquetFile(self._path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_A_PART):
                yield _numbered(batch, row + 1)
                row += len(batch)

    @contextmanager
    def _refusals(self, form: str, wrong: list[Any] | None = None) -> Iterator[None]:
        """Turn what Arrow says into FileInvalid; Arrow itself quotes the line."""
        try:
            yield
        except pa.ArrowException:
            problem = f"it cannot be read as {form}"
            if wrong:
                row = wrong[0]
                problem = (
                    f"line {row.number}: it has {row.actual_columns} fields, "
                    f"the heading {row.expected_columns}"
                )
            raise FileInvalid(self._path, problem) from None

    def _tidy(self, table: Any) -> Any:
        """Return the columns that an audit takes, as text; raises FileInvalid."""
        columns = {"line": table["line"]}
        for name in COLUMNS:
            has_it = name in self._names
            column = table[name] if has_it else pa.nulls(len(table), pa.string())
            columns[name] = column.cast(pa.string())
        for mark in _BETWEEN_DIGITS:
            columns["token"] = pc.replace_substring(columns["token"], mark, "")
        tidy = pa.table(columns).combine_chunks()
        self._require(tidy, pc.is_valid(tidy["token"]), "it has no token")
        has_meter = pc.or_(pc.is_valid(tidy["meter"]), pc.is_valid(tidy["pan"]))
        self._require(tidy, has_meter, "it names no meter")
        return tidy

    def _require(self, table: Any, good: Any, problem: str) -> None:
        if not pc.all(good, min_count=0).as_py():
            line = table["line"].filter(pc.invert(good))[0].as_py()
            raise FileInvalid(self._path, f"line {line}: {problem}")


def _numbered(batch: Any, first: int) -> Any:
    lines = pa.array(np.arange(first, first + len(batch)))
    return pa.Table.from_batches([batch]).append_column("line", lines)
