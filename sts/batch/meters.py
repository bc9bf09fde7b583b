"""The meters of a batch: what is read of each row, and the decoder keys that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sts.batch.columns import number_column, text_array, text_column
from sts.batch.compiled import u64
from sts.batch.kernels import des, digits, sha256
from sts.batch.kernels import meters as kernels

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, Numbers, Words
    from sts.batch.vending_keys import VendingKeyColumns

METER_COLUMNS: Final = (
    "pan",
    "supply_group_code",
    "key_revision_number",
    "tariff_index",
    "encryption_algorithm",
)
ALGORITHMS: Final = {7: 0x07, 11: 0x11}
"""What the kernels can do, and how its two digits are read; EA09 is the scalar engine's."""
_NEEDS_DKGA04: Final = 11
_KEY_COLUMNS: Final = {7: 1, 11: 2}
"""How many columns of 64 bits the decoder keys of an algorithm take."""
_TARIFF_INDEX_SHIFT: Final = u64(28)
"""Where the tariff index stands in the control block."""
_COMMON_SHORT: Final = u64(0xFFFFF00000000000)
_COMMON_LONG: Final = u64(0xFFF0000000000000)
"""What a common key leaves of the PAN block: the issuer's digits, before an 11 or 13-digit DRN."""
_CHECK_VALUE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Meters:
    """Rows with their meter and key; `good` tells which rows have both."""

    pan: Words
    """Digits 2 to 17, a nibble each: the PAN block."""
    ends: Words
    """The first and the last digit."""
    tariff_index: Words
    """Two digits, a nibble each."""
    key: Numbers
    """Which vending key."""
    good: Flags

    def take(self, rows: Numbers) -> Meters:
        """Return some of the rows."""
        return Meters(
            self.pan[rows],
            self.ends[rows],
            self.tariff_index[rows],
            self.key[rows],
            self.good[rows],
        )

    def under(
        self, keys: VendingKeyColumns, *, group: Any, revision: Any, tariff_index: Any
    ) -> Meters:
        """Return the same meters under the keys that three columns name; raises ColumnsInvalid."""
        good = self.good.copy()
        groups = _digits("supply_group_code", group, 6, good)
        indexes = _digits("tariff_index", tariff_index, 2, good)
        revisions = number_column("key_revision_number", revision)
        good &= revisions.good
        key = np.zeros(len(good), np.int64)
        kernels.find_keys(groups, revisions.values, keys.places, keys.order, key, good)
        return replace(self, tariff_index=indexes, key=key, good=good)


def read_meters(batch: Any, keys: VendingKeyColumns) -> tuple[Meters, Words]:
    """Return the meters of a record batch with METER_COLUMNS, and the EA of each, as read.

    Raises ColumnsInvalid for a column that holds no text, or no whole numbers.
    """
    column = text_column("pan", batch["pan"])
    good = column.good.copy()
    pan, ends = np.zeros(batch.num_rows, u64), np.zeros(batch.num_rows, u64)
    kernels.read_pans(column.octets, column.offsets, pan, ends, good)
    algorithm = _digits("encryption_algorithm", batch["encryption_algorithm"], 2, good)
    none = np.zeros(batch.num_rows, u64)
    meters = Meters(pan, ends, none, none.astype(np.int64), good).under(
        keys,
        group=batch["supply_group_code"],
        revision=batch["key_revision_number"],
        tariff_index=batch["tariff_index"],
    )
    return meters, algorithm


def makes_keys(keys: VendingKeyColumns, meters: Meters, algorithm: Words, ea: int) -> Flags:
    """Return which good rows are of an algorithm that their vending key makes keys for."""
    flags: Flags = meters.good & (algorithm == u64(ALGORITHMS[ea]))
    if ea == _NEEDS_DKGA04 and len(keys.order):
        flags &= keys.is_dkga04[meters.key]
    return flags


def derive(keys: VendingKeyColumns, meters: Meters, ea: int) -> Words:
    """Return the decoder keys of meters that are all good, a column for each 8 octets.

    DKGA02 and DKGA04 may stand mixed; EA11 takes DKGA04 only.
    """
    decoder_keys = np.zeros((len(meters.key), _KEY_COLUMNS[ea]), u64)
    is_dkga04 = keys.is_dkga04[meters.key]
    for new, mix in ((False, _dkga02), (True, _dkga04)):
        rows = np.flatnonzero(is_dkga04 == new)
        if len(rows) == len(is_dkga04):
            return mix(keys, meters, ea)
        if len(rows):
            decoder_keys[rows] = mix(keys, meters.take(rows), ea)
    return decoder_keys


def _dkga02(keys: VendingKeyColumns, meters: Meters, ea: int) -> Words:
    del ea  # it has no part in it
    block = meters.pan
    common = keys.is_common[meters.key]
    if common.any():
        is_long = (block & ~_COMMON_LONG == block) & (meters.ends < u64(16))
        block = np.where(common, block & np.where(is_long, _COMMON_LONG, _COMMON_SHORT), block)
    control = keys.control[meters.key] | meters.tariff_index << _TARIFF_INDEX_SHIFT
    decoder_keys = np.empty((len(block), 1), u64)
    des.mix_column(keys.schedules, keys.octets, meters.key, block ^ control, decoder_keys[:, 0])
    return decoder_keys


def _dkga04(keys: VendingKeyColumns, meters: Meters, ea: int) -> Words:
    macs = np.empty((len(meters.key), 2), u64)
    sha256.derive_column(
        keys.states,
        keys.templates[ea],
        meters.key,
        meters.pan,
        meters.ends,
        meters.tariff_index,
        macs,
    )
    return np.ascontiguousarray(macs[:, : _KEY_COLUMNS[ea]])


def check_values(decoder_keys: Words, rows: Numbers, out: Words) -> None:
    """Put the check values of decoder keys where their rows stand, as 24 bits."""
    values = np.empty(len(decoder_keys), u64)
    sha256.check_value_column(decoder_keys, values)
    out[rows] = values


def check_value_array(values: Words, good: Flags) -> Any:
    """Return check values as six hex digits."""
    text = np.empty(_CHECK_VALUE_DIGITS * len(values), np.uint8)
    digits.write_hex_column(values, _CHECK_VALUE_DIGITS, text)
    return text_array(text, _CHECK_VALUE_DIGITS, good)


def _digits(name: str, array: Any, width: int, good: Flags) -> Words:
    column = text_column(name, array)
    good &= column.good
    read = np.zeros(len(good), u64)
    kernels.read_digits(column.octets, column.offsets, width, read, good)
    return read
