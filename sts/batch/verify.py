"""What the tokens of a batch say to their meters, or why they say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sts.batch.columns import require_columns, text_column, with_columns
from sts.batch.compiled import u64
from sts.batch.engine import Engine, Rows, one_by_one, selected
from sts.batch.kernels import digits
from sts.batch.meters import (
    ALGORITHMS,
    METER_COLUMNS,
    check_values,
    derive,
    makes_keys,
    read_meters,
)
from sts.batch.reading import Reading
from sts.batch.rows import verify_request
from sts.batch.tokens import open_tokens
from sts.errors import CrcMismatch
from sts.tokens.block import WRONG_CHECKSUM
from sts.tokens.codec import CLEAR_CLASS, RESERVED_CLASS

if TYPE_CHECKING:
    from sts.security_module import VerifyRequest
    from sts.tokens.kinds import Token
    from sts.tokens.reserved import ReservedToken


def verify(engine: Engine, batch: Any) -> Any:
    """Return a record batch with what each `token` says in columns `read_...` behind it.

    Also `key_check_value`, `error` and `message`. Raises ColumnsInvalid for a batch that lacks a
    column, or holds another type in it.
    """
    require_columns(batch.schema.names, (*METER_COLUMNS, "token"))
    meters, algorithms = read_meters(batch, engine.keys)
    rows, reading = Rows(batch.num_rows), Reading(batch.num_rows)
    text = text_column("token", batch["token"])
    good = text.good.copy()
    classes, blocks = np.zeros(batch.num_rows, u64), np.zeros(batch.num_rows, u64)
    digits.read_column(text.octets, text.offsets, classes, blocks, good)
    good &= (classes != u64(CLEAR_CLASS)) & (classes != u64(RESERVED_CLASS))
    for ea in ALGORITHMS:
        flags = good & makes_keys(engine.keys, meters, algorithms, ea)
        if not flags.any():
            continue
        chosen = selected(flags)
        keys = derive(engine.keys, meters.take(chosen), ea)
        bodies, right = open_tokens(engine.ciphers, ea, keys, classes[chosen], blocks[chosen])
        reading.read(chosen, classes[chosen], bodies, right)
        check_values(keys, chosen, rows.check_values)
        for row in np.arange(batch.num_rows)[chosen][~right].tolist():
            rows.fail(row, CrcMismatch(WRONG_CHECKSUM))
    rows.done |= reading.is_read

    def accept(row: int, request: VerifyRequest, token: Token | ReservedToken) -> None:
        reading.put_one(row, token)
        if token.token_class != CLEAR_CLASS:
            rows.finish(row, engine.check_value(request.meter))

    columns = (*METER_COLUMNS, "token")
    one_by_one(rows, batch, columns, verify_request, engine.scalar.verify, accept)
    new = {**reading.arrays(), "key_check_value": rows.check_value_array()}
    return with_columns(batch, new | rows.error_arrays())
