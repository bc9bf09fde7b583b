"""Between Arrow and NumPy: columns of a record batch as arrays that kernels read, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sts.errors import ColumnsInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sts.batch.compiled import Flags, Numbers, Octets, Offsets

_WHOLE: Final = "^-?[0-9]{1,18}$"
"""Text that is surely a whole number of 64 bits."""
_LARGEST: Final = (1 << 63) - 1


class TextColumn(NamedTuple):
    """A column of text: octets, where each row's begin and end, and which rows have any."""

    octets: Octets
    offsets: Offsets
    good: Flags


class NumberColumn(NamedTuple):
    """A column of whole numbers, and which rows have one that fits 64 bits."""

    values: Numbers
    good: Flags


def require_columns(names: list[str], required: tuple[str, ...]) -> None:
    """Raise ColumnsInvalid for the first column that is missing, or that is there twice."""
    for name in required:
        if name not in names:
            raise ColumnsInvalid(name, f"missing; needed are {', '.join(required)}")
    for name in names:
        if names.count(name) > 1:
            raise ColumnsInvalid(name, "it is there twice")


def text_column(name: str, array: Any) -> TextColumn:
    """Return a column of text as arrays, without copying it if Arrow keeps it plain.

    Raises ColumnsInvalid for a column of anything else: numbers have lost their leading zeros.
    """
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (is_text or pa.types.is_string_view(kind) or pa.types.is_null(kind)):
        raise ColumnsInvalid(name, f"it holds {array.type}; expected text")
    if array.type != pa.string():
        array = array.cast(pa.string())
    _, offsets, octets = array.buffers()
    rows = len(array)
    if not rows:  # such an array may have no buffers at all
        return TextColumn(np.zeros(0, np.uint8), np.zeros(1, np.int32), np.zeros(0, np.bool_))
    return TextColumn(
        np.zeros(0, np.uint8) if octets is None else np.frombuffer(octets, np.uint8),
        np.frombuffer(offsets, np.int32)[array.offset : array.offset + rows + 1],
        _present(array),
    )


def number_column(name: str, array: Any) -> NumberColumn:
    """Return a column of whole numbers as arrays; text such as "-12" is a number too.

    A row that has none, or one beyond 64 bits, is not good. Raises ColumnsInvalid for a column
    of anything else: a fraction has no meaning here.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        array = array.cast(pa.string())
        is_whole = pc.match_substring_regex(array, _WHOLE)
        array = pc.if_else(is_whole, array, pa.scalar(None, pa.string()))
    elif pa.types.is_decimal128(kind) and kind.scale == 0:
        fits = pc.and_(pc.less_equal(array, _LARGEST), pc.greater_equal(array, -_LARGEST))
        array = pc.if_else(fits, array, pa.scalar(None, kind))
    elif pa.types.is_uint64(kind):
        array = pc.if_else(
            pc.less_equal(array, pa.scalar(_LARGEST, kind)), array, pa.scalar(None, kind)
        )
    elif not (pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise ColumnsInvalid(name, f"it holds {kind}; expected whole numbers")
    if array.type != pa.int64():
        array = array.cast(pa.int64())
    good = _present(array)
    if array.null_count:
        array = array.fill_null(0)
    return NumberColumn(array.to_numpy(zero_copy_only=False), good)


def _present(array: Any) -> Flags:
    if not array.null_count:
        return np.ones(len(array), np.bool_)
    present: Flags = array.is_valid().to_numpy(zero_copy_only=False)
    return present


def text_array(octets: Octets, width: int, good: Flags) -> Any:
    """Return a column of texts of one width, given one after another; null where not good."""
    rows = len(good)
    if good.all():
        offsets = np.arange(0, width * rows + 1, width, dtype=np.int32)
        return pa.Array.from_buffers(
            pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(octets)]
        )
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(good * width, out=offsets[1:])
    octets = np.ascontiguousarray(octets.reshape(rows, width)[good])
    validity = np.packbits(good, bitorder="little")
    buffers = [pa.py_buffer(part) for part in (validity, offsets, octets)]
    return pa.Array.from_buffers(pa.string(), rows, buffers)


def number_array(values: Numbers, good: Flags, kind: Any) -> Any:
    """Return a column of whole numbers of an Arrow type; null where not good."""
    if not good.any():
        return pa.nulls(len(good), kind)
    return pa.array(values, mask=None if good.all() else ~good).cast(kind)


def with_columns(batch: Any, new: Mapping[str, Any]) -> Any:
    """Return a record batch with columns put behind its own; one of the same name gives way."""
    kept = [name for name in batch.schema.names if name not in new]
    arrays = [batch.column(name) for name in kept]
    fields = [batch.schema.field(name) for name in kept]
    fields += [pa.field(name, array.type) for name, array in new.items()]
    return pa.RecordBatch.from_arrays([*arrays, *new.values()], schema=pa.schema(fields))
