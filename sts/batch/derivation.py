"""The decoder keys of a batch of meters, as check values: a proof of keys that tells none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sts.batch import meters as of_meters
from sts.batch.columns import require_columns, with_columns
from sts.batch.engine import Engine, Rows, one_by_one, selected
from sts.batch.meters import ALGORITHMS, METER_COLUMNS, check_values, makes_keys, read_meters
from sts.batch.rows import meter_of
from sts.errors import StsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sts.security_module import MeterConfiguration


def derive(engine: Engine, batch: Any) -> Any:
    """Return a record batch with `key_check_value`, `error` and `message` behind it.

    Raises ColumnsInvalid for a batch that lacks a column, or holds another type in it.
    """
    require_columns(batch.schema.names, METER_COLUMNS)
    meters, algorithms = read_meters(batch, engine.keys)
    rows = Rows(batch.num_rows)
    for ea in ALGORITHMS:
        flags = makes_keys(engine.keys, meters, algorithms, ea)
        if flags.any():
            chosen = selected(flags)
            keys = of_meters.derive(engine.keys, meters.take(chosen), ea)
            check_values(keys, chosen, rows.check_values)
            rows.done[chosen] = True

    def values(meters: Sequence[MeterConfiguration]) -> list[int | StsError]:
        return [_value_or_error(engine, meter) for meter in meters]

    def accept(row: int, _: MeterConfiguration, value: int) -> None:
        rows.finish(row, value)

    one_by_one(rows, batch, METER_COLUMNS, meter_of, values, accept)
    return with_columns(batch, {"key_check_value": rows.check_value_array(), **rows.error_arrays()})


def _value_or_error(engine: Engine, meter: MeterConfiguration) -> int | StsError:
    try:
        return engine.check_value(meter)
    except StsError as error:
        return error.with_traceback(None)
