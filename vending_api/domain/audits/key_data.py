"""Key data as numbers: the same five values have the same number wherever they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from vending_api.domain.audits.saying import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

READ_WITH: Final = (
    "supply_group_code",
    "key_revision_number",
    "tariff_index",
    "encryption_algorithm",
)
"""What a token is read with, besides the PAN of its meter."""
_NAMES: Final = (*READ_WITH, "base_date")


class KeyDataNumbers:
    """Numbers for the key data that was met so far, from 0 on."""

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers: dict[tuple[Any, ...], int] = {}

    def of(self, table: Any) -> NDArray[np.int32]:
        """Return the number of each row of a table that has the columns of key data."""
        mixed, values = np.zeros(len(table), np.int64), []
        for name in _NAMES:
            column = table[name].combine_chunks().dictionary_encode(null_encoding="encode")
            values.append(column.dictionary.to_pylist())
            mixed = mixed * len(values[-1]) + column.indices.to_numpy()
        found, which = np.unique(mixed, return_inverse=True)
        numbers = np.array([self._number(int(one), values) for one in found], np.int32)
        return numbers[which]

    def columns(self, numbers: NDArray[np.int32]) -> dict[str, Any]:
        """Return the columns that a token is read with, for some numbers."""
        places = pa.array(numbers, pa.int32())
        return {
            name: pa.array([one[at] for one in self._numbers]).take(places)
            for at, name in enumerate(READ_WITH)
        }

    def base_dates(self, numbers: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the base dates of some numbers, as years."""
        years = [NONE if one[-1] is None else one[-1] for one in self._numbers]
        return np.array([*years, NONE], np.int64)[numbers]

    def _number(self, mixed: int, values: list[list[Any]]) -> int:
        data = []
        for some in reversed(values):
            mixed, place = divmod(mixed, len(some))
            data.append(some[place])
        return self._numbers.setdefault(tuple(reversed(data)), len(self._numbers))
