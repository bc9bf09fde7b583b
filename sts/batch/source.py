"""Where a process gets its keys: a path and a function, which may travel where keys may not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sts.batch.module import BatchSecurityModule
from sts.errors import InvalidField
from sts.keys.key_file import load_key_file
from sts.keys.secret import mac_check_value
from sts.keys.sta_tables import SAMPLE_TABLES, load_sta_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sts.keys.key_file import KeyStore

OPERATIONS: Final = ("derive", "issue", "change_key", "verify")


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """How to open a security module in whatever process this is pickled into; it holds no key.

    `load_keys` turns the path into a key store, in that process: it must be a function of a
    module, by which pickle can name it. `load_key_file` reads a plain key file.
    """

    keys_path: Path
    sta_tables_path: Path | None = None
    load_keys: Callable[[Path], KeyStore] = field(default=load_key_file)

    def module(self) -> BatchSecurityModule:
        """Return the security module, made once in a process for files that do not change.

        Raises KeyFileInvalid, StaTablesInvalid, and whatever else `load_keys` raises.
        """
        paths = [self.keys_path, *([self.sta_tables_path] if self.sta_tables_path else [])]
        return _module(self, tuple(path.stat().st_mtime_ns for path in paths))

    def fingerprint(self) -> str:
        """Return a digest of what tokens depend on; of a key it tells 24 bits.

        Raises as `module` does.
        """
        # The key check value of DKGA02 would not do: it passes over parity bits, which count.
        facts = sorted(
            f"{key!r} {key.key_expiry_number.value} {mac_check_value(key.octets)}"
            for key in self.load_keys(self.keys_path)
        )
        digest = hashlib.sha256("\n".join(facts).encode())
        if self.sta_tables_path is not None:
            digest.update(self.sta_tables_path.read_bytes())
        return digest.hexdigest()


@lru_cache(maxsize=4)
def _module(source: ModuleSource, _changed: tuple[int, ...]) -> BatchSecurityModule:
    tables = SAMPLE_TABLES
    if source.sta_tables_path is not None:
        tables = load_sta_tables(source.sta_tables_path)
    return BatchSecurityModule(source.load_keys(source.keys_path), tables)


def run(module: BatchSecurityModule, operation: str, table: Any) -> Any:
    """Return what a security module makes of a table by one of OPERATIONS.

    Raises InvalidField for another operation, and what the operation raises.
    """
    if operation not in OPERATIONS:
        raise InvalidField("operation", f"{operation!r} is not one", ", ".join(OPERATIONS))
    return getattr(module, operation)(table)


def map_batches(batches: Iterable[Any], *, source: ModuleSource, operation: str) -> Iterator[Any]:
    """Yield what an operation makes of each record batch, in the process that asks for it.

    This shape, batches in and batches out, is what `mapInArrow` of Spark and `map_partitions` of
    a Dask bag call. Raises as `run` and `ModuleSource.module` do.
    """
    module = source.module()
    for batch in batches:
        yield run(module, operation, batch)


def schema_after(module: BatchSecurityModule, operation: str, schema: Any) -> Any:
    """Return the schema of the answer to a table of some schema; raises ColumnsInvalid."""
    empty = pa.Table.from_batches([], schema=schema)
    return run(module, operation, empty).schema
