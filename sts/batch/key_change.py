"""Key changes for a batch of meters: each meter's set of tokens, all of them read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sts.batch.columns import require_columns, with_columns
from sts.batch.compiled import u64
from sts.batch.engine import Engine, Rows, TokenText, one_by_one, selected
from sts.batch.meters import (
    ALGORITHMS,
    METER_COLUMNS,
    Meters,
    check_value_array,
    check_values,
    derive,
    makes_keys,
    read_meters,
)
from sts.batch.rows import key_change_request
from sts.batch.tokens import make_tokens
from sts.tokens.key_change import SUBCLASSES_OF_A_SET

if TYPE_CHECKING:
    from sts.batch.compiled import Words
    from sts.batch.vending_keys import VendingKeyColumns
    from sts.security_module import KeyChangeRequest

NEW_KEY_COLUMNS: Final = (
    "new_supply_group_code",
    "new_key_revision_number",
    "new_tariff_index",
)
TOKEN_COLUMNS: Final = ("token_1", "token_2", "token_3", "token_4")
_MANAGEMENT_CLASS: Final = 2
_OCTETS_OF_A_WORD: Final = 8
_LOW: Final = u64(0xFFFFFFFF)


def change_key(engine: Engine, batch: Any) -> Any:
    """Return a record batch with `token_1` to `token_4`, two check values and the errors behind it.

    Sets of EA07 have two tokens. What a row does not say of the new key stays as it is now.
    Raises ColumnsInvalid for a batch that lacks a column, or holds another type in it.
    """
    rows, new_values, tokens = make_sets(engine, batch)
    new_columns = {name: text.array() for name, text in zip(TOKEN_COLUMNS, tokens, strict=True)}
    new_columns["key_check_value"] = rows.check_value_array()
    new_columns["new_key_check_value"] = check_value_array(new_values, rows.done)
    return with_columns(batch, new_columns | rows.error_arrays())


def make_sets(engine: Engine, batch: Any) -> tuple[Rows, Words, list[TokenText]]:
    """Return what became of the rows of a batch, check values of new keys, and up to four tokens.

    Raises ColumnsInvalid as `change_key`.
    """
    require_columns(batch.schema.names, METER_COLUMNS)
    meters, algorithms = read_meters(batch, engine.keys)
    group, revision, tariff_index = (
        _or_as_now(batch, new, new.removeprefix("new_")) for new in NEW_KEY_COLUMNS
    )
    new_meters = meters.under(
        engine.keys, group=group, revision=revision, tariff_index=tariff_index
    )
    rows = Rows(batch.num_rows)
    new_values = np.zeros(batch.num_rows, u64)
    tokens = [TokenText(batch.num_rows) for _ in TOKEN_COLUMNS]
    for ea in ALGORITHMS:
        flags = makes_keys(engine.keys, new_meters, algorithms, ea)
        flags &= makes_keys(engine.keys, meters, algorithms, ea)
        if flags.any():
            chosen = selected(flags)
            now, then = meters.take(chosen), new_meters.take(chosen)
            _make(engine, ea, (now, then), (rows, new_values, tokens), chosen)

    def accept(row: int, request: KeyChangeRequest, sections: tuple[str, ...]) -> None:
        rows.finish(row, engine.check_value(request.meter))
        new_values[row] = engine.new_check_value(request)
        for text, digits in zip(tokens, sections, strict=False):
            text.put_one(row, digits)

    columns = (*METER_COLUMNS, *NEW_KEY_COLUMNS)
    one_by_one(rows, batch, columns, key_change_request, engine.scalar.change_key, accept)
    return rows, new_values, tokens


def _or_as_now(batch: Any, new: str, now: str) -> Any:
    """Return the column of the new key, with what stands there now where it says nothing."""
    if new not in batch.schema.names or batch[new].type == pa.null():
        return batch[now]
    if not batch[new].null_count:
        return batch[new]
    return pc.coalesce(batch[new].cast(pa.string()), batch[now].cast(pa.string()))


def _make(
    engine: Engine,
    ea: int,
    meters: tuple[Meters, Meters],
    results: tuple[Rows, Words, list[TokenText]],
    chosen: Any,
) -> None:
    """Make the sets of rows under one algorithm; `meters` are under the present and the new key."""
    now, then = meters
    rows, new_values, tokens = results
    keys, new_keys = derive(engine.keys, now, ea), derive(engine.keys, then, ea)
    payloads = _payloads(engine.keys, meters, new_keys)
    classes = np.full(len(keys), _MANAGEMENT_CLASS, u64)
    made = []
    right = np.ones(len(keys), np.bool_)
    for subclass in SUBCLASSES_OF_A_SET[new_keys.shape[1] * _OCTETS_OF_A_WORD]:
        body = u64(subclass) << u64(44) | payloads[subclass]
        text, _, is_right = make_tokens(engine.ciphers, ea, keys, classes, body)
        right &= is_right
        made.append(text)
    for place, text in enumerate(made):
        tokens[place].put(chosen, text, right)
    check_values(keys, chosen, rows.check_values)
    check_values(new_keys, chosen, new_values)
    rows.done[chosen] = right


def _payloads(
    keys: VendingKeyColumns, meters: tuple[Meters, Meters], new_keys: Words
) -> dict[int, Words]:
    """Return the 44 bits of each section, by subclass (`sts.tokens.key_change` has the layouts)."""
    now, then = meters
    expiry = keys.expiry[then.key].astype(u64)
    rollover = (keys.base_date[now.key] != keys.base_date[then.key]).astype(u64)
    group = keys.group[then.key]
    index = (then.tariff_index >> u64(4)) * u64(10) + (then.tariff_index & u64(15))
    first, last = new_keys[:, 0], new_keys[:, -1]
    payloads = {
        3: (expiry >> u64(4)) << u64(40)
        | keys.revision[then.key] << u64(36)
        | rollover << u64(35)
        | keys.key_type[then.key] << u64(32)
        | first >> u64(32),
        4: (expiry & u64(15)) << u64(40) | index << u64(32) | last & _LOW,
    }
    if new_keys.shape[1] > 1:
        payloads[8] = (group & u64(0xFFF)) << u64(32) | first & _LOW
        payloads[9] = (group >> u64(12)) << u64(32) | last >> u64(32)
    return payloads
