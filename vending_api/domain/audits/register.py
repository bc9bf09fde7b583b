"""The register of meters as arrays: found by number, PAN or key without a statement for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sts.batch.columns import text_array
from vending_api.domain.audits import repository
from vending_api.domain.audits.blocks import tables
from vending_api.domain.audits.saying import NO_SERVICE, NONE, numbers, services

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from vending_api.domain.audits.key_data import KeyDataNumbers

    Places = NDArray[np.int64]

NO_METER: Final = -1
_PAN_DIGITS: Final = 18


class Register:
    """Meters in some 70 octets each.

    A place is where one stands here, or NO_METER.
    """

    def __init__(self, parts: Iterable[Any], key_data: KeyDataNumbers) -> None:
        """Take tables of meters, in any order; one may be there twice."""
        found = [_arrays(part, key_data) for part in (_NOBODY, *parts)]
        keys, ids, pans, held, served = (np.concatenate(some) for some in zip(*found, strict=True))
        self.keys, first = np.unique(keys, return_index=True)
        self.key_data: NDArray[np.int32] = np.append(held[first], np.int32(NONE))
        """The number of the key data of each place; NONE at NO_METER, which is the last."""
        self._services = np.append(served[first], np.int8(NO_SERVICE))
        self._pans = np.append(pans[first], b"")
        self._by_pan, self._by_id = _Index(pans[first]), _Index(ids[first])

    @classmethod
    def whole(cls, connection: Connection, key_data: KeyDataNumbers) -> Register:
        """Return all meters."""
        return cls(tables(repository.meter_blocks(connection)), key_data)

    @classmethod
    def of(
        cls,
        connection: Connection,
        key_data: KeyDataNumbers,
        *,
        external_ids: Iterable[str],
        pans: Iterable[str],
    ) -> Register:
        """Return the meters that have one of some numbers or PANs."""
        found = [row._asdict() for row in repository.meters_of(connection, external_ids, pans)]
        return cls([pa.Table.from_pylist(found, _NOBODY.schema)] if found else [], key_data)

    def named(self, external_ids: Any, pans: Any) -> Places:
        """Return the place of each meter that columns of numbers and PANs name.

        A row that has both must have them of one meter.
        """
        by_id, by_pan = self._by_id.places(external_ids), self._by_pan.places(pans)
        has_id, has_pan = (
            some.is_valid().to_numpy(zero_copy_only=False) for some in (external_ids, pans)
        )
        places = np.where(has_id, by_id, by_pan)
        return np.where(has_id & has_pan & (by_id != by_pan), NO_METER, places)

    def places(self, keys: NDArray[np.int64]) -> Places:
        """Return the place of each meter by its key."""
        if not len(self.keys):
            return np.full(len(keys), NO_METER)
        found = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[found] == keys, found, NO_METER)

    def pans(self, places: Places) -> Any:
        """Return the PANs of places as a column; null where there is no meter."""
        octets = np.frombuffer(self._pans[places].tobytes(), np.uint8)
        return text_array(octets, _PAN_DIGITS, places != NO_METER)

    def services(self, places: Places) -> NDArray[np.int8]:
        """Return the numbers of the service types of places, as of `saying.services`."""
        return self._services[places]


class _Index:
    """Where texts stand."""

    def __init__(self, texts: NDArray[np.bytes_]) -> None:
        self._order = np.argsort(texts, kind="stable")
        self._sorted = texts[self._order]

    def places(self, asked: Any) -> Places:
        """Return the place of each text of a column; NO_METER for null and what is not there."""
        if not len(self._sorted) or asked.null_count == len(asked):
            return np.full(len(asked), NO_METER)
        wanted = _fixed(asked, self._sorted.itemsize)
        order = np.argsort(wanted)  # in order they are found three times as fast
        found = np.empty(len(wanted), np.int64)
        found[order] = np.searchsorted(self._sorted, wanted[order])
        found = np.minimum(found, len(self._sorted) - 1)
        is_there = (self._sorted[found] == wanted) & (wanted != b"")
        return np.where(is_there, self._order[found], NO_METER)


def _arrays(table: Any, key_data: KeyDataNumbers) -> tuple[NDArray[Any], ...]:
    ids = table["external_id"].combine_chunks()
    width = max(1, pc.max(pc.binary_length(ids)).as_py() or 1)
    return (
        numbers(table["meter_key"]),
        _fixed(ids, width),
        _fixed(table["pan"].combine_chunks(), _PAN_DIGITS),
        key_data.of(table),
        services(table["service_type"]).astype(np.int8),
    )


def _fixed(column: Any, width: int) -> NDArray[np.bytes_]:
    """Return texts in so many octets each; null and what is longer are empty."""
    if not len(column):
        return np.empty(0, f"S{width}")
    fits = pc.less_equal(pc.binary_length(column), width).fill_null(fill_value=False)
    padded = pc.ascii_rpad(pc.if_else(fits, column, ""), width=width, padding="\0")
    _, offsets, octets = padded.buffers()
    start = np.frombuffer(offsets, np.int32)[padded.offset]
    return np.frombuffer(octets, f"S{width}", len(column), start)


_NOBODY: Final = pa.table(
    {
        "meter_key": pa.array([], pa.int64()),
        "external_id": pa.array([], pa.string()),
        "pan": pa.array([], pa.string()),
        "service_type": pa.array([], pa.string()),
        "supply_group_code": pa.array([], pa.string()),
        "key_revision_number": pa.array([], pa.int64()),
        "tariff_index": pa.array([], pa.string()),
        "encryption_algorithm": pa.array([], pa.string()),
        "base_date": pa.array([], pa.int64()),
    }
)
