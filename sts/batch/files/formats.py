"""CSV and Parquet, chosen by the name of the file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from sts.errors import FileInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_BLOCK_OCTETS: Final = 1 << 20
_PLAIN: Final = ("Empty CSV file", "invalid UTF8 data")
"""What Arrow says of a CSV file that quotes nothing of it."""
_FEW_VALUES: Final = (
    "supply_group_code",
    "key_revision_number",
    "tariff_index",
    "encryption_algorithm",
    "new_supply_group_code",
    "new_key_revision_number",
    "new_tariff_index",
    "read_kind",
    "error",
    "message",
)
"""Columns that Parquet does well to keep as a dictionary; tokens and PANs hardly ever repeat."""


def format_of(path: Path) -> str:
    """Return "csv" or "parquet"; raises FileInvalid for a name that ends otherwise."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in {"csv", "parquet"}:
        raise FileInvalid(path, "its name says no format; expected .csv or .parquet")
    return suffix


class _WrongRows:
    """Rows with too many fields or too few: Arrow itself would quote the first, tokens and all."""

    def __init__(self) -> None:
        self.problem = ""

    def __call__(self, row: Any) -> str:
        self.problem = f"Expected {row.expected_columns} columns, got {row.actual_columns}"
        return "error"

    def options(self) -> Any:
        """Return options with which a reader tells this of the first such row, and stops."""
        return csv.ParseOptions(invalid_row_handler=self)


@contextmanager
def refusals(path: Path, wrong: _WrongRows | None = None) -> Iterator[None]:
    """Turn what Arrow says of a file into FileInvalid, in one line that quotes nothing of a CSV."""
    try:
        yield
    except pa.ArrowException as problem:
        said = str(problem).partition("\n")[0]
        if wrong is not None:
            said = wrong.problem or next((one for one in _PLAIN if one in said), "it is no CSV")
        raise FileInvalid(path, f"it cannot be read: {said}") from None


def schema_of(path: Path) -> Any:
    """Return the columns of a file; all of a CSV file are text.

    Raises FileInvalid, OSError.
    """
    if format_of(path) == "parquet":
        with refusals(path):
            return pq.read_schema(path)
    wrong = _WrongRows()
    with refusals(path, wrong), csv.open_csv(path, parse_options=wrong.options()) as reader:
        return pa.schema([(name, pa.string()) for name in reader.schema.names])


def count_rows(path: Path) -> int:
    """Return how many rows a file has; of CSV how many lines, which a quoted one may exceed."""
    if format_of(path) == "parquet":
        return int(pq.read_metadata(path).num_rows)
    lines = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_OCTETS):
            lines += block.count(b"\n")
    return max(0, lines - 1)


def read_parts(path: Path, schema: Any, rows: int) -> Iterator[Any]:
    """Yield a file as tables of exactly `rows` rows, but for the last; raises FileInvalid."""
    waiting: list[Any] = []
    count = 0
    wrong = _WrongRows() if format_of(path) == "csv" else None
    with refusals(path, wrong):
        for batch in _batches(path, schema, rows, wrong):
            rest = batch
            while count + len(rest) >= rows:
                yield pa.Table.from_batches([*waiting, rest.slice(0, rows - count)], schema)
                rest = rest.slice(rows - count)
                waiting, count = [], 0
            if len(rest):
                waiting.append(rest)
                count += len(rest)
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def _batches(path: Path, schema: Any, rows: int, wrong: _WrongRows | None) -> Iterator[Any]:
    if wrong is None:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BLOCK_OCTETS) as file:
            yield from file.iter_batches(batch_size=rows)
        return
    options = csv.ConvertOptions(
        column_types=schema,
        null_values=[""],
        strings_can_be_null=True,
    )
    with csv.open_csv(path, parse_options=wrong.options(), convert_options=options) as reader:
        yield from reader


@contextmanager
def writer(path: Path, final_name: Path, schema: Any) -> Iterator[Callable[[Any], None]]:
    """Give what writes tables into a file, in the format that its final name says."""
    if format_of(final_name) == "parquet":
        few = [name for name in schema.names if name in _FEW_VALUES]
        with pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=1, use_dictionary=few
        ) as file:
            yield file.write_table
        return
    with csv.CSVWriter(
        path, schema, write_options=csv.WriteOptions(quoting_style="needed")
    ) as file:
        yield file.write_table
