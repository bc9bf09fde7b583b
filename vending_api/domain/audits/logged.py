"""The token log as columns: what it says of each token, to compare with the records of sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vending_api.domain.audits import repository
from vending_api.domain.audits.blocks import tables
from vending_api.domain.audits.saying import numbers
from vending_api.domain.audits.shelves import ROW
from vending_api.domain.audits.types import Finding, FindingKind, Said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

_SEQUENCE_BITS: Final = 40
_FIRST_DIGITS: Final = 16
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number without pattern (the golden ratio in 64 bits), which spreads what it multiplies."""
_NUMBERS: Final = ("meter_key", "base_date", "token_identifier")
_NO_DIGIT: Final = 255
_HEX: Final = np.full(256, _NO_DIGIT, np.uint8)
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


class LoggedTokens:
    """The token log of a database."""

    def __init__(self, connection: Connection) -> None:
        """Take the connection that it is read by."""
        self._connection = connection
        self._writers: dict[str, int] = {}

    def read(self) -> Iterator[Any]:
        """Yield its rows, some at a time, as arrays of ROW; the place is this log's own."""
        for table in tables(repository.log_blocks(self._connection)):
            rows = np.empty(len(table), ROW)
            rows["digest"] = _first_octets(table["token_digest"].combine_chunks())
            rows["facts"] = facts_of(table)
            rows["place"] = self._places(table)
            rows["must"] = True
            yield rows

    def digests(self) -> Iterator[NDArray[np.uint64]]:
        """Yield the digests of its tokens alone, their first 8 octets, some at a time."""
        for table in tables(repository.digest_blocks(self._connection)):
            yield _first_octets(table["token_digest"].combine_chunks())

    def gone(self, places: Sequence[int]) -> Iterator[Finding]:
        """Yield the rows at some places as tokens whose records are gone."""
        writers = [*self._writers]
        named = (
            (writers[place >> _SEQUENCE_BITS], place & (1 << _SEQUENCE_BITS) - 1)
            for place in places
        )
        for row in repository.log_details(self._connection, named):
            yield Finding(
                kind=FindingKind.RECORD_GONE,
                external_meter_id=row.external_id,
                base_date=row.base_date,
                sold=Said(row.kind, None, row.token_identifier),
                reference=row.reference,
                made_at=row.made_at,
            )

    def _places(self, table: Any) -> NDArray[np.int64]:
        writer = table["writer"].combine_chunks().dictionary_encode()
        known = [
            self._writers.setdefault(name, len(self._writers))
            for name in writer.dictionary.to_pylist()
        ]
        numbered = np.array(known, np.int64)[writer.indices.to_numpy()]
        places: NDArray[np.int64] = numbered << _SEQUENCE_BITS | numbers(table["sequence"])
        return places


def facts_of(table: Any) -> NDArray[np.uint64]:
    """Return a hash of all that records and log both say of a token, besides its digits.

    It holds for one process: Python's hash of texts is keyed anew in each.
    """
    facts = _hashes(table["reference"])
    kinds = table["kind"].combine_chunks().dictionary_encode()
    words = [*map(hash, kinds.dictionary.to_pylist()), 0]
    places = kinds.indices.fill_null(len(words) - 1).to_numpy()
    for column in (np.array(words, np.int64)[places], *(numbers(table[one]) for one in _NUMBERS)):
        facts = (facts ^ column.astype(np.uint64)) * _MIXER
        facts ^= facts >> np.uint64(29)
    return facts


def _hashes(texts: Any) -> NDArray[np.uint64]:
    return np.fromiter(map(hash, texts.to_pylist()), np.int64, len(texts)).astype(np.uint64)


def _first_octets(digests: Any) -> NDArray[np.uint64]:
    """Return the first 16 hex digits of digests as numbers; 0 for what is no digest."""
    _, offsets, octets = digests.buffers()
    if not len(digests) or octets is None:
        return np.zeros(len(digests), np.uint64)
    starts = np.frombuffer(offsets, np.int32)[digests.offset :][: len(digests) + 1]
    is_whole = np.diff(starts) == _FIRST_DIGITS
    places = starts[:-1][is_whole][:, np.newaxis] + np.arange(_FIRST_DIGITS, dtype=np.int64)
    nibbles = _HEX[np.frombuffer(octets, np.uint8)[places]]
    value = np.zeros(len(nibbles), np.uint64)
    for digit in range(_FIRST_DIGITS):
        value = value << np.uint64(4) | nibbles[:, digit]
    value[(nibbles == _NO_DIGIT).any(axis=1)] = 0
    found = np.zeros(len(digests), np.uint64)
    found[is_whole] = value
    return found
