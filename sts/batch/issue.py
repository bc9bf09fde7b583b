"""Tokens for a batch of meters: credit and management, read back like every issued token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sts.batch.columns import number_column, require_columns, with_columns
from sts.batch.compiled import u64
from sts.batch.engine import Engine, Rows, TokenText, one_by_one, selected
from sts.batch.kernels import block
from sts.batch.kinds import COLUMN_OF, READING_OF, VALUE_COLUMNS
from sts.batch.meters import (
    ALGORITHMS,
    METER_COLUMNS,
    Meters,
    check_values,
    derive,
    makes_keys,
    read_meters,
)
from sts.batch.rows import issue_request
from sts.batch.tokens import make_tokens
from sts.tokens.codec import CLEAR_CLASS

if TYPE_CHECKING:
    from sts.batch.compiled import Flags, Numbers, Octets, Words
    from sts.batch.vending_keys import VendingKeyColumns
    from sts.security_module import IssuedToken, IssueRequest

TOKEN_COLUMNS: Final = (
    "class",
    "subclass",
    "token_identifier_minutes",
    "random",
    *VALUE_COLUMNS,
    "control",
    "manufacturer_code",
)
_CLASSES: Final = 3
_SUBCLASSES: Final = 16
_PAD: Final = VALUE_COLUMNS.index("pad")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the tokens of a batch are to say; `good` tells which rows say it in whole numbers."""

    classes: Words
    subclasses: Words
    readings: Octets
    randoms: Numbers
    identifiers: Numbers
    values: Numbers
    good: Flags

    def take(self, rows: Any) -> _Asked:
        return _Asked(
            self.classes[rows],
            self.subclasses[rows],
            self.readings[rows],
            self.randoms[rows],
            self.identifiers[rows],
            self.values[rows],
            self.good[rows],
        )


def issue(engine: Engine, batch: Any) -> Any:
    """Return a record batch with `token`, `key_check_value`, `error` and `message` behind it.

    Raises ColumnsInvalid for a batch that lacks a column, or holds another type in it.
    """
    require_columns(batch.schema.names, (*METER_COLUMNS, "token_identifier_minutes"))
    meters, algorithms = read_meters(batch, engine.keys)
    asked = _asked(batch)
    rows, tokens = Rows(batch.num_rows), TokenText(batch.num_rows)
    allowed = meters.good & asked.good & _is_allowed(engine.keys, meters, asked)
    for ea in ALGORITHMS:
        flags = allowed & makes_keys(engine.keys, meters, algorithms, ea)
        if flags.any():
            chosen = selected(flags)
            _make(engine, ea, meters.take(chosen), asked.take(chosen), rows, tokens, chosen)

    def accept(row: int, request: IssueRequest, issued: IssuedToken) -> None:
        tokens.put_one(row, issued.digits)
        if issued.token.token_class != CLEAR_CLASS:
            rows.finish(row, engine.check_value(request.meter))

    columns = (*METER_COLUMNS, *TOKEN_COLUMNS)
    one_by_one(rows, batch, columns, issue_request, engine.scalar.issue, accept)
    new = {"token": tokens.array(), "key_check_value": rows.check_value_array()}
    return with_columns(batch, new | rows.error_arrays())


def _make(
    engine: Engine,
    ea: int,
    meters: Meters,
    asked: _Asked,
    rows: Rows,
    tokens: TokenText,
    chosen: Any,
) -> None:
    """Make the tokens of rows that are under one algorithm, and mark what came out right."""
    bodies, fits = np.empty(len(asked.values), u64), np.empty(len(asked.values), np.bool_)
    block.say_column(
        asked.readings,
        asked.subclasses,
        asked.randoms,
        asked.identifiers,
        asked.values,
        bodies,
        fits,
    )
    keys = derive(engine.keys, meters, ea)
    text, read, right = make_tokens(engine.ciphers, ea, keys, asked.classes, bodies)
    right &= fits & _says(asked, read)
    tokens.put(chosen, text, right)
    check_values(keys, chosen, rows.check_values)
    rows.done[chosen] = right


def _says(asked: _Asked, bodies: Words) -> Flags:
    """Return which bodies, read back, say what was asked for, and no smaller amount."""
    randoms, identifiers, values = (np.zeros(len(bodies), np.int64) for _ in range(3))
    good = np.empty(len(bodies), np.bool_)
    block.read_column(asked.readings, bodies, randoms, identifiers, values, good)
    same_random = (randoms == asked.randoms) | (asked.readings == block.CURRENCY)
    is_said: Flags = good & same_random & (identifiers == asked.identifiers)
    return is_said & (values >= asked.values) & (bodies >> u64(44) == asked.subclasses)


def _asked(batch: Any) -> _Asked:
    good = np.ones(batch.num_rows, np.bool_)
    classes = _numbers(batch, "class", good, or_zero=True)
    subclasses = _numbers(batch, "subclass", good, or_zero=True)
    good &= (classes >= 0) & (classes < _CLASSES) & (subclasses >= 0) & (subclasses < _SUBCLASSES)
    codes = np.where(good, classes << 4 | subclasses, 0)
    readings = READING_OF[codes]
    good &= readings != block.NO_VALUE
    needs_random = readings != block.CURRENCY
    has_random = np.ones(batch.num_rows, np.bool_)
    randoms = _numbers(batch, "random", has_random)
    good &= has_random | ~needs_random
    identifiers = _numbers(batch, "token_identifier_minutes", good)
    values = _values(batch, COLUMN_OF[codes], good)
    return _Asked(
        classes.astype(u64),
        subclasses.astype(u64),
        readings,
        randoms,
        identifiers,
        values,
        good,
    )


def _values(batch: Any, places: Octets, good: Flags) -> Numbers:
    """Return each row's value from the column of its kind; `places` count from 1."""
    only = int(places[0]) if len(places) and (places == places[0]).all() else 0
    if only:
        return _value_column(batch, only - 1, good)
    values = np.zeros(len(places), np.int64)
    for place in np.unique(places[places > 0]):
        here = places == place
        has_value = np.ones(len(places), np.bool_)
        column = _value_column(batch, int(place) - 1, has_value)
        good &= has_value | ~here
        values[here] = column[here]
    return values


def _value_column(batch: Any, place: int, good: Flags) -> Numbers:
    return _numbers(batch, VALUE_COLUMNS[place], good, or_zero=place == _PAD)


def _numbers(batch: Any, name: str, good: Flags, *, or_zero: bool = False) -> Numbers:
    """Return a column of numbers; a row without one has 0, or is not good."""
    if name not in batch.schema.names:
        good &= or_zero
        return np.zeros(batch.num_rows, np.int64)
    array = batch[name]
    column = number_column(name, array)
    if or_zero and array.null_count:
        good &= column.good | array.is_null().to_numpy(zero_copy_only=False)
    else:
        good &= column.good
    return column.values


def _is_allowed(keys: VendingKeyColumns, meters: Meters, asked: _Asked) -> Flags:
    """Return which rows the policy of the security module lets pass."""
    if not len(keys.order):
        return np.zeros(len(asked.values), np.bool_)
    is_credit = asked.classes == u64(0)
    in_time: Flags = asked.identifiers >> 16 <= keys.expiry[meters.key]
    return in_time & ~(is_credit & keys.no_credit[meters.key])
