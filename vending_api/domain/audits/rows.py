"""Rows of fixed size that pass through files while found tokens are audited; none holds digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number without pattern (the golden ratio in 64 bits), which spreads what it multiplies."""

KEPT: Final = np.dtype(
    [
        ("shelf", "<u8"),  # of the meter
        ("token_key", "<i8"),
        ("meter_key", "<i8"),
        ("digest", "<u8"),
        ("identifier", "<i8"),
        ("units_tenths", "<i8"),
        ("setting", "<i8"),
        ("key_data", "<i4"),
        ("kind", "i1"),
    ]
)
"""A token that we sold; `key_data` and `kind` are numbers for these."""

READING: Final = np.dtype(
    [
        ("shelf", "<u8"),
        ("row", "<i8"),  # of the file
        ("meter_key", "<i8"),
        ("digest", "<u8"),
        ("identifier", "<i8"),
        ("said", "<i8"),
        ("key_data", "<i4"),
        ("code", "<i2"),  # class and subclass
        ("name", "i1"),  # of the kind of token
        ("service", "i1"),
        ("turn", "<i2"),  # 0 for the key data that the meter holds, then those that it held
    ]
)
"""What a token of the file says under one key data of its meter."""

VERDICT: Final = np.dtype(
    [
        ("line", "<i8"),
        ("first", "<i8"),  # the row in which the same token stands before, or this one
        ("token_key", "<i8"),  # of the sale that it is or may be, or NONE
        ("said", "<i8"),
        ("identifier", "<i8"),
        ("base_date", "<i4"),
        ("kind", "i1"),
        ("name", "i1"),
    ]
)
"""What became of a row of the file; NONE where there is nothing."""


def mixed(*columns: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a hash of each row of some columns of whole numbers, the same in every process."""
    mixture = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixture = (mixture ^ column.astype(np.uint64)) * _MIXER
        mixture ^= mixture >> np.uint64(29)
    return mixture
