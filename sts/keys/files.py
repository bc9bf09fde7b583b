"""Reading the files that hold keys and tables; errors tell the place, never the contents."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from typing import TYPE_CHECKING, Any, Final

from sts.errors import FileInvalid

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST_SECRET: Final = 1024


def read_text(path: Path, error: type[FileInvalid]) -> str:
    """Return the UTF-8 text of a file; raises `error` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise error(path, f"it cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise error(path, "it is not UTF-8 text") from None


def read_private(path: Path, *, most: int) -> bytes:
    """Return the octets of a file that nobody but its owner may read, so many at most.

    Raises FileInvalid.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = b"" if mode & _OTHERS else file.read(most)
    except OSError as problem:
        raise FileInvalid(path, f"it cannot be read: {problem.strerror}") from None
    if mode & _OTHERS:
        raise FileInvalid(path, "others may read it; `chmod 600` it, and think who has")
    return octets


def read_secret_line(path: Path) -> str:
    """Return the one line of a file that nobody but its owner may read; raises FileInvalid."""
    octets = read_private(path, most=_LONGEST_SECRET + 1)
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise FileInvalid(path, "it is not UTF-8 text") from None
    line = text.removesuffix("\n").removesuffix("\r")
    if len(octets) > _LONGEST_SECRET or line.splitlines() != [line]:
        raise FileInvalid(path, "it does not hold one line, and nothing else")
    return line


def parse_toml(text: str, path: str, error: type[FileInvalid]) -> dict[str, Any]:
    """Return the tables of a TOML text; raises `error` with the place of the fault."""
    try:
        return tomllib.loads(text)
    except ValueError as problem:  # also a number of thousands of digits
        raise error(path, f"it is not TOML{_place(problem)}") from None
    except RecursionError:
        raise error(path, "it is nested too deep") from None


def parse_json(text: str, path: str, error: type[FileInvalid]) -> Any:
    """Return the value of a JSON text; raises `error` with the place of the fault."""
    try:
        return json.loads(text)
    except ValueError as problem:  # as above
        raise error(path, f"it is not JSON{_place(problem)}") from None
    except RecursionError:
        raise error(path, "it is nested too deep") from None


def _place(problem: ValueError) -> str:
    # The parsers' own words may quote the text, and the text may be a key.
    place = re.search(r"line \d+,? column \d+|(?<=\(at )end of document", str(problem))
    return f" at {place[0]}" if place else ""
