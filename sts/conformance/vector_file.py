"""Reading vector files: JSON Lines, plain or compressed with gzip."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class NumberWithPoint:
    """A JSON number that is not whole, as it is written; no float is made of it."""

    text: str

    def __str__(self) -> str:
        return self.text


class NotAnObject(ValueError):
    """A line of a vector file that does not hold a JSON object; says what is wrong."""


def read_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number from 1; closes the stream after.

    Compressed files are known by their first two bytes, not by their name.

    Raises OSError if the file cannot be read to its end.
    """
    with io.BufferedReader(cast("io.RawIOBase", stream)) as buffered:
        compressed = buffered.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        lines = gzip.GzipFile(fileobj=buffered) if compressed else buffered
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
        except (EOFError, zlib.error) as error:
            raise gzip.BadGzipFile(f"the compressed data is damaged ({error})") from error


def parse_object(line: bytes) -> dict[str, object]:
    """Return the JSON object of a line; numbers with a point stay text.

    Raises NotAnObject, whose text never repeats the line: it may hold a key.
    """
    try:
        value = json.loads(line.decode("utf-8"), parse_float=NumberWithPoint)
    except UnicodeDecodeError:
        raise NotAnObject("bytes that are not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotAnObject(f"{error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise NotAnObject("a number too long or brackets too deep") from None
    if not isinstance(value, dict):
        raise NotAnObject(f"a JSON {type(value).__name__}")
    return value
