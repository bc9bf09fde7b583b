"""What the functions over columns share: keys, ciphers, the scalar engine, and how rows end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from sts.batch.columns import text_array
from sts.batch.meters import check_value_array
from sts.batch.tokens import TOKEN_DIGITS, Ciphers
from sts.batch.vending_keys import VendingKeyColumns
from sts.errors import StsError
from sts.keys.decoder_key import derive_decoder_key
from sts.keys.secret import SecretOctets
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sts.batch.compiled import Flags, Numbers, Octets, Words
    from sts.keys.key_file import KeyStore
    from sts.keys.sta_tables import StaTables
    from sts.security_module import KeyChangeRequest, MeterConfiguration

_Request = TypeVar("_Request")


@dataclass(frozen=True, slots=True, eq=False)
class Engine(SecretOctets):
    """Vending keys in both forms, which it neither prints nor lets travel."""

    store: KeyStore = field(repr=False)
    keys: VendingKeyColumns = field(repr=False)
    ciphers: Ciphers = field(repr=False)
    scalar: InProcessSecurityModule = field(repr=False)
    """Has the last word on every row that the kernels do not finish."""

    @classmethod
    def of(cls, store: KeyStore, tables: StaTables) -> Engine:
        """Return the engine of a key store and STA tables."""
        scalar = InProcessSecurityModule(store, TokenCodec(tables))
        return cls(store, VendingKeyColumns.of(store), Ciphers.of(tables), scalar)

    def check_value(self, meter: MeterConfiguration) -> int:
        """Return the check value of a meter's decoder key, by the scalar engine, as 24 bits.

        Raises VendingKeyNotFound, AlgorithmRefused.
        """
        vending_key = self.store.find(meter.supply_group_code, meter.key_revision_number)
        key = derive_decoder_key(
            vending_key,
            pan=meter.pan,
            tariff_index=meter.tariff_index,
            encryption_algorithm=meter.encryption_algorithm,
        )
        return int(key.key_check_value, 16)

    def new_check_value(self, request: KeyChangeRequest) -> int:
        """Return the check value of the key that a meter moves to; see `check_value`."""
        meter = replace(
            request.meter,
            supply_group_code=request.new_supply_group_code,
            key_revision_number=request.new_key_revision_number,
            tariff_index=request.new_tariff_index,
        )
        return self.check_value(meter)


class Rows:
    """What becomes of the rows of a batch: done under a decoder key, failed, or neither yet."""

    def __init__(self, count: int) -> None:
        """Begin with `count` rows that are not done."""
        self.done = np.zeros(count, np.bool_)
        self.check_values: Words = np.zeros(count, np.uint64)
        self.errors: dict[int, StsError] = {}
        """Why rows have no result."""

    def fail(self, row: int, error: StsError) -> None:
        """Note why a row has no result."""
        self.errors[row] = error

    def finish(self, row: int, check_value: int) -> None:
        """Note that a row is done, under a decoder key of this check value."""
        self.check_values[row] = check_value
        self.done[row] = True

    def left(self) -> Numbers:
        """Return the rows that are neither done nor have failed."""
        left = ~self.done
        left[list(self.errors)] = False
        return np.flatnonzero(left)

    def check_value_array(self) -> Any:
        """Return the column of check values, null in rows that are not done."""
        return check_value_array(self.check_values, self.done)

    def error_arrays(self) -> dict[str, Any]:
        """Return the columns `error`, the error's stable code, and `message`."""
        if not self.errors:
            nothing = pa.nulls(len(self.done), pa.string())
            return {"error": nothing, "message": nothing}
        codes: list[str | None] = [None] * len(self.done)
        messages = codes.copy()
        for row, error in self.errors.items():
            codes[row], messages[row] = error.code, str(error)
        return {"error": pa.array(codes, pa.string()), "message": pa.array(messages, pa.string())}


class TokenText:
    """The digits of one token a row, which are put in as they are made."""

    def __init__(self, count: int) -> None:
        """Begin with `count` rows without a token."""
        self._octets: Octets = np.zeros((count, TOKEN_DIGITS), np.uint8)
        self._has_one = np.zeros(count, np.bool_)

    def put(self, rows: Any, text: Octets, right: Flags) -> None:
        """Put tokens, one after another, where their rows stand; a wrong one is left out."""
        self._octets[rows] = text.reshape(-1, TOKEN_DIGITS)
        self._has_one[rows] = right

    def put_one(self, row: int, digits: str) -> None:
        """Put the token of one row."""
        self._octets[row] = np.frombuffer(digits.encode("ascii"), np.uint8)
        self._has_one[row] = True

    def array(self) -> Any:
        """Return the column of tokens."""
        return text_array(self._octets.reshape(-1), TOKEN_DIGITS, self._has_one)


def selected(flags: Flags) -> Any:
    """Return what picks the rows of some flags: all of them without a copy, if it is all."""
    return slice(None) if flags.all() else np.flatnonzero(flags)


def one_by_one(
    rows: Rows,
    batch: Any,
    columns: Sequence[str],
    request_of: Callable[[dict[str, Any]], _Request],
    answer: Callable[[Sequence[_Request]], Sequence[Any]],
    accept: Callable[[int, _Request, Any], None],
) -> None:
    """Give the rows that are left to the scalar engine, and each result or error to its place."""
    left = rows.left()
    if not len(left):
        return
    present = [name for name in columns if name in batch.schema.names]
    numbers, requests = [], []
    for row in left.tolist():
        try:
            request = request_of({name: batch[name][row].as_py() for name in present})
        except StsError as error:
            rows.fail(row, error)
        else:
            numbers.append(row)
            requests.append(request)
    for row, request, outcome in zip(numbers, requests, answer(requests), strict=True):
        if isinstance(outcome, StsError):
            rows.fail(row, outcome)
        else:
            accept(row, request, outcome)
