"""What a table takes: a text that is longer than its column is refused, on every database."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Table


class EntryInvalid(ValueError):
    """An entry that the database cannot take; no point of sale ever meets it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def require_fit(table: Table, values: Mapping[str, object]) -> None:
    """Raise EntryInvalid for a text that is longer than its column.

    SQLite would keep any text, and receipts could not hold it.
    """
    for name, longest in _lengths(table).items():
        value = values.get(name)
        if isinstance(value, str) and len(value) > longest:
            raise EntryInvalid(
                f"{table.name}.{name}", f"{len(value)} characters; write at most {longest}"
            )


@cache
def _lengths(table: Table) -> dict[str, int]:
    """Return how long the texts of a table may be, by column."""
    lengths = {column.name: getattr(column.type, "length", None) for column in table.c}
    return {name: longest for name, longest in lengths.items() if longest is not None}
