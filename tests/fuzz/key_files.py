"""Plain key files."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from sts.errors import KeyFileInvalid
from sts.keys.key_file import load_key_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORDS: Final = (
    *("[[vending_key]]", "[[vending_key", "[seal]", "supply_group_code", "key_revision_number"),
    *("key_type", "base_date", "key_expiry_number", "decoder_key_generation_algorithm", "key"),
    *("1993", "2014", "2035", "255", '"02"', '"04"', '"0123456789abcdef"', '"000001"', "\n"),
)


@contextmanager
def opened() -> Iterator[Callable[[bytes], None]]:
    """Give what reads one input as a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "keys.toml")

        def read(data: bytes) -> None:
            path.write_bytes(data)
            try:
                keys = load_key_file(path)
            except KeyFileInvalid:
                return
            for key in keys:
                assert keys.find(key.supply_group_code, key.key_revision_number) is key

        yield read
