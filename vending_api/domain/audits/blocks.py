"""What the database says as lines of CSV, as Arrow tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa
from pyarrow import csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vending_api.domain.audits.repository import Block

_Item = TypeVar("_Item")
_TEXTS: Final = frozenset(
    {
        *("kind", "digits", "supply_group_code", "tariff_index", "encryption_algorithm", "pan"),
        *("external_id", "service_type", "reference", "writer", "token_digest"),
    }
)
_BLOCK_OCTETS: Final = 4 << 20


def tables(blocks: Iterator[Block]) -> Iterator[Any]:
    """Yield each block of lines as a table; all but texts are whole numbers, or null."""
    parse = csv.ParseOptions(quote_char="'", newlines_in_values=True)
    for block in ahead(blocks):
        read = csv.ReadOptions(column_names=list(block.names), block_size=_BLOCK_OCTETS)
        convert = csv.ConvertOptions(
            column_types={
                name: pa.string() if name in _TEXTS else pa.int64() for name in block.names
            },
            null_values=["NULL", ""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        yield csv.read_csv(
            pa.BufferReader(block.lines),
            read_options=read,
            parse_options=parse,
            convert_options=convert,
        )


def ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """Yield items, of which the next is made by another thread while this one is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
