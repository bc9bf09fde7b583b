"""The security module over columns: what `sts.security_module` does, for Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sts.batch.derivation import derive
from sts.batch.engine import Engine
from sts.batch.issue import issue
from sts.batch.key_change import change_key
from sts.batch.requests import change_key_of, get_ready
from sts.batch.verify import verify
from sts.keys.secret import SecretOctets
from sts.keys.sta_tables import SAMPLE_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sts.errors import StsError
    from sts.keys.key_file import KeyStore
    from sts.keys.sta_tables import StaTables
    from sts.security_module import KeyChangeRequest

ROWS_AT_ONCE: Final = 16_384
"""How many rows the kernels work on: their arrays then stay in the processor's caches."""


class BatchSecurityModule(SecretOctets):
    """A security module over Arrow tables or record batches, on the keys of a key store.

    A row of the table is a token or a key change; the answer is the same rows with columns behind
    them, of which `error` holds the stable code of what is wrong with a row, or nothing. Columns
    that the answer brings take the place of their namesakes. It has no state, so it may be called
    from several threads. It does not print, pickle or copy keys.
    """

    __slots__ = ("_engine",)

    def __init__(self, keys: KeyStore, sta_tables: StaTables = SAMPLE_TABLES) -> None:
        self._engine = Engine.of(keys, sta_tables)

    def derive(self, table: Any) -> Any:
        """Return the table with the `key_check_value` of each meter's decoder key.

        Raises ColumnsInvalid, as all of these do, for a table that lacks a column or holds
        another type in it. Codes of a row: those of the scalar engine.
        """
        return self._in_parts(derive, table)

    def issue(self, table: Any) -> Any:
        """Return the table with a `token` for each row: credit or management."""
        return self._in_parts(issue, table)

    def change_key(self, table: Any) -> Any:
        """Return the table with the key change tokens of each row, `token_1` to `token_4`."""
        return self._in_parts(change_key, table)

    def change_key_of(
        self, requests: Sequence[KeyChangeRequest]
    ) -> list[tuple[str, ...] | StsError]:
        """Return what `SecurityModule.change_key` does; sooner, from some dozen requests on."""
        return change_key_of(self._engine, requests)

    def get_ready(self) -> None:
        """Load what changes keys: most of a second, and several the first time on a machine."""
        get_ready(self._engine)

    def verify(self, table: Any) -> Any:
        """Return the table with what each row's `token` says, in columns `read_...`."""
        return self._in_parts(verify, table)

    def _in_parts(self, work: Callable[[Engine, Any], Any], table: Any) -> Any:
        if isinstance(table, pa.RecordBatch):
            whole = self._in_parts(work, pa.Table.from_batches([table])).combine_chunks()
            return whole.to_batches()[0] if len(table) else _no_rows(whole.schema)
        batches = [
            work(self._engine, batch)
            for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE)
            if len(batch)
        ]
        if not batches:
            batches = [work(self._engine, _no_rows(table.schema))]
        return pa.Table.from_batches(batches)


def _no_rows(schema: Any) -> Any:
    arrays = [pa.array([], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
