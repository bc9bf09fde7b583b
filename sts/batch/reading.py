"""The columns of what tokens say, filled by the kernels and, row by row, by the scalar engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sts.batch.columns import number_array
from sts.batch.compiled import u64
from sts.batch.kernels import block
from sts.batch.kinds import COLUMN_OF, DATED, NAMES, READING_OF, VALUE_COLUMNS, code_of
from sts.key_data import MAX_KEY_REVISION_NUMBER
from sts.tokens.key_change import KeyChangeToken
from sts.tokens.kinds import DatedToken
from sts.tokens.meter_test import InitiateMeterTest

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, Words
    from sts.tokens.kinds import Token
    from sts.tokens.reserved import ReservedToken

_PREFIX: Final = "read_"
_CURRENCY_COLUMN: Final = "currency_hundred_thousandths"
_FIRST, _SECOND = code_of(2, 3), code_of(2, 4)
_THIRD, _FOURTH = code_of(2, 8), code_of(2, 9)
_SECTION_FACTS: Final = {  # section, and which of the 12 bits beside its key word
    "key_expiry_number_high": (_FIRST, 8, 4),
    "key_revision_number": (_FIRST, 4, 4),
    "rollover": (_FIRST, 3, 1),
    "third_key_change_token": (_FIRST, 2, 1),
    "key_type": (_FIRST, 0, 2),
    "key_expiry_number_low": (_SECOND, 8, 4),
    "tariff_index": (_SECOND, 0, 8),
    "supply_group_low": (_THIRD, 0, 12),
    "supply_group_high": (_FOURTH, 0, 12),
}
_SECTIONS: Final = np.array([_FIRST, _SECOND, _THIRD, _FOURTH])
_MAX_TARIFF_INDEX: Final = 99
_TYPES: Final = {
    "kind": pa.string(),
    "class": pa.int8(),
    "subclass": pa.int8(),
    "token_identifier_minutes": pa.int32(),
    "random": pa.int8(),
    **dict.fromkeys(VALUE_COLUMNS, pa.int32()),
    _CURRENCY_COLUMN: pa.decimal128(38, 0),
    **dict.fromkeys(_SECTION_FACTS, pa.int16()),
    "control": pa.int64(),
    "manufacturer_code": pa.string(),
    "payload": pa.int64(),
}
"""Every column of what a token says, without its prefix; those that do not apply are null."""
_NAMES: Final = pa.array(NAMES)


class Reading:
    """What the tokens of a batch say, without any part of a key."""

    def __init__(self, count: int) -> None:
        """Begin with `count` rows that say nothing."""
        self.is_read = np.zeros(count, np.bool_)
        self._codes = np.zeros(count, np.int64)
        self._randoms = np.zeros(count, np.int64)
        self._identifiers = np.zeros(count, np.int64)
        self._values = np.zeros(count, np.int64)
        self._facts = np.zeros(count, np.int64)
        self._by_scalar: dict[int, dict[str, Any]] = {}

    def read(self, chosen: Any, classes: Words, bodies: Words, right: Flags) -> None:
        """Read bodies whose checksum is right, where the kernels know their kind."""
        codes = (classes << u64(4) | bodies >> u64(44)).astype(np.int64)
        readings = READING_OF[codes]
        randoms, identifiers, values = (np.zeros(len(codes), np.int64) for _ in range(3))
        fits = np.empty(len(codes), np.bool_)
        block.read_column(readings, bodies, randoms, identifiers, values, fits)
        facts = (bodies >> u64(32) & u64(0xFFF)).astype(np.int64)
        is_known = fits & (readings != block.NO_VALUE)
        self.is_read[chosen] = right & (is_known | _is_section(codes, facts))
        self._codes[chosen], self._facts[chosen] = codes, facts
        self._randoms[chosen], self._identifiers[chosen] = randoms, identifiers
        self._values[chosen] = values

    def put_one(self, row: int, token: Token | ReservedToken) -> None:
        """Put what the scalar engine has read in one row."""
        self._by_scalar[row] = _said_by(token)

    def arrays(self) -> dict[str, Any]:
        """Return all columns by name."""
        columns = self._from_kernels()
        if self._by_scalar:
            mask = np.zeros(len(self.is_read), np.bool_)
            rows = sorted(self._by_scalar)
            mask[rows] = True
            for name, column in columns.items():
                values = [self._by_scalar[row].get(name) for row in rows]
                replacement = pa.array(values, _TYPES[name])
                columns[name] = pc.replace_with_mask(column, mask, replacement)
        return {_PREFIX + name: columns[name] for name in _TYPES}

    def _from_kernels(self) -> dict[str, Any]:
        codes, is_read = self._codes, self.is_read
        readings, places = READING_OF[codes], COLUMN_OF[codes]
        is_dated = is_read & (readings != block.NO_VALUE)
        has_random = is_dated & (readings != block.CURRENCY)
        numbers = {
            "class": (codes >> 4, is_read),
            "subclass": (codes & 15, is_read),
            "token_identifier_minutes": (self._identifiers, is_dated),
            "random": (self._randoms, has_random),
        }
        for place, name in enumerate(VALUE_COLUMNS, start=1):
            numbers[name] = (self._values, is_read & (places == place))
        for name, (code, shift, bits) in _SECTION_FACTS.items():
            fact = self._facts >> shift & (1 << bits) - 1
            numbers[name] = (fact, is_read & (codes == code))
        columns = {
            name: number_array(values, good, _TYPES[name])
            for name, (values, good) in numbers.items()
        }
        columns["kind"] = _NAMES.take(pa.array(codes, mask=~is_read))
        for name in ("control", "manufacturer_code", "payload"):
            columns[name] = pa.nulls(len(codes), _TYPES[name])
        return columns


def _is_section(codes: Any, facts: Any) -> Any:
    """Return which are sections of a key change that can be; others are reserved."""
    revision = facts >> 4 & 15
    impossible = (codes == _FIRST) & ((revision == 0) | (revision > MAX_KEY_REVISION_NUMBER))
    impossible |= (codes == _SECOND) & (facts & 0xFF > _MAX_TARIFF_INDEX)
    return np.isin(codes, _SECTIONS) & ~impossible


def _said_by(token: Token | ReservedToken) -> dict[str, Any]:
    """Return the columns of a token that is not left to the kernels, without parts of keys."""
    place = (token.token_class, token.subclass)
    said: dict[str, Any] = {
        "kind": type(token).__name__,
        "class": token.token_class,
        "subclass": token.subclass,
    }
    if isinstance(token, DatedToken):
        kind = DATED[place]
        said[kind.column] = kind.value_of(token)
        said["token_identifier_minutes"] = token.token_identifier.minutes
        said["random"] = getattr(token, "random", None)
    elif isinstance(token, KeyChangeToken):
        facts = token.payload >> 32
        for name, (code, shift, bits) in _SECTION_FACTS.items():
            if code == code_of(*place):
                said[name] = facts >> shift & (1 << bits) - 1
    elif isinstance(token, InitiateMeterTest):
        said["control"] = token.control
        said["manufacturer_code"] = str(token.manufacturer_code)
    elif not token.holds_key_bits:
        said["payload"] = token.payload
    return said
