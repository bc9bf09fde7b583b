"""Reading the files that hold keys and tables; errors tell the place, never the contents."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from sts.errors import FileInvalid


def read_text(path: Path, error: type[FileInvalid]) -> str:
    """Return the UTF-8 text of a file; raises `error` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as problem:
        raise error(path, f"it cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise error(path, "it is not UTF-8 text") from None


def parse_toml(text: str, path: str, error: type[FileInvalid]) -> dict[str, Any]:
    """Return the tables of a TOML text; raises `error` with the place of the fault."""
    try:
        return tomllib.loads(text)
    except ValueError as problem:  # also a number of thousands of digits
        raise error(path, f"it is not TOML{_place(problem)}") from None


def parse_json(text: str, path: str, error: type[FileInvalid]) -> Any:
    """Return the value of a JSON text; raises `error` with the place of the fault."""
    try:
        return json.loads(text)
    except ValueError as problem:  # as above
        raise error(path, f"it is not JSON{_place(problem)}") from None


def _place(problem: ValueError) -> str:
    # The parsers' own words may quote the text, and the text may be a key.
    place = re.search(r"line \d+,? column \d+|(?<=\(at )end of document", str(problem))
    return f" at {place[0]}" if place else ""
