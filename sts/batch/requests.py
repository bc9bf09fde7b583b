"""Key changes in the shapes of `sts.security_module`: requests in, sets of digits or errors out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sts.batch.key_change import NEW_KEY_COLUMNS, make_sets
from sts.batch.meters import METER_COLUMNS
from sts.key_data import EncryptionAlgorithm, TariffIndex
from sts.meter_number import MeterPan
from sts.security_module import KeyChangeRequest, MeterConfiguration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sts.batch.engine import Engine
    from sts.errors import StsError

_SCHEMA: Final = pa.schema(
    [
        (name, pa.int64() if name.endswith("key_revision_number") else pa.string())
        for name in (*METER_COLUMNS, *NEW_KEY_COLUMNS)
    ]
)
_NOBODY: Final = MeterPan.parse("600727000000000009")
_TARIFF_INDEX: Final = TariffIndex("01")


def change_key_of(
    engine: Engine, requests: Sequence[KeyChangeRequest]
) -> list[tuple[str, ...] | StsError]:
    """Return the digits of a set of key change tokens, or why there is none, for each request.

    Errors are those of the scalar engine, which is given what the kernels have not made.
    """
    rows, _, tokens = make_sets(engine, _batch(requests))
    columns = (text.array().to_pylist() for text in tokens)
    outcomes: list[tuple[str, ...] | StsError] = [
        tuple(digits for digits in row if digits is not None) for row in zip(*columns, strict=True)
    ]
    for row, error in rows.errors.items():
        outcomes[row] = error
    return outcomes


def get_ready(engine: Engine) -> None:
    """Change the key of nobody, under each vending key and algorithm: so that all is loaded."""
    requests = [
        KeyChangeRequest(
            MeterConfiguration(
                _NOBODY,
                key.supply_group_code,
                key.key_revision_number,
                _TARIFF_INDEX,
                algorithm,
            ),
            key.supply_group_code,
            key.key_revision_number,
            _TARIFF_INDEX,
        )
        for key in engine.store
        for algorithm in (EncryptionAlgorithm.EA07, EncryptionAlgorithm.EA11)
    ]
    change_key_of(engine, requests)


def _batch(requests: Sequence[KeyChangeRequest]) -> Any:
    meters = [one.meter for one in requests]
    columns = (
        [one.pan.digits for one in meters],
        [one.supply_group_code.digits for one in meters],
        [one.key_revision_number.value for one in meters],
        [one.tariff_index.digits for one in meters],
        [one.encryption_algorithm.value for one in meters],
        [one.new_supply_group_code.digits for one in requests],
        [one.new_key_revision_number.value for one in requests],
        [one.new_tariff_index.digits for one in requests],
    )
    return pa.RecordBatch.from_arrays(list(map(pa.array, columns, _SCHEMA.types)), schema=_SCHEMA)
