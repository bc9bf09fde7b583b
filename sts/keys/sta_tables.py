"""STA tables from a file: the licensed ones stay outside the program and are read from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sts.errors import InvalidField, StaTablesInvalid
from sts.hazmat.sta import SAMPLE_TABLES, StaTables
from sts.keys.files import parse_json, parse_toml, read_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SAMPLE_TABLES", "StaTables", "load_sta_tables", "parse_sta_tables"]

_NAMES: Final = ("substitution_1", "substitution_2", "permutation")


def load_sta_tables(path: Path) -> StaTables:
    """Return the tables of a TOML or JSON file; raises StaTablesInvalid."""
    return parse_sta_tables(read_text(path, StaTablesInvalid), path=str(path))


def parse_sta_tables(text: str, *, path: str) -> StaTables:
    """Return the tables of a text in TOML, or in JSON if it begins with a brace.

    It holds `substitution_1` and `substitution_2`, the 16 entries that encryption sends
    0 to 15 to, and `permutation`, where each of the 64 bits goes, from the least significant.
    What else it holds, such as a licence notice, is passed over.

    Raises StaTablesInvalid that names `path`, the table and the entry, but no value.
    """
    parse = parse_json if text.lstrip().startswith("{") else parse_toml  # either gives a dict
    data: dict[str, Any] = parse(text, path, StaTablesInvalid)
    tables = {name: _numbers(data, name, path) for name in _NAMES}
    try:
        return StaTables(**tables)
    except InvalidField as problem:
        raise StaTablesInvalid(path, str(problem)) from None


def _numbers(data: dict[str, Any], name: str, path: str) -> tuple[int, ...]:
    values = data.get(name)
    if not isinstance(values, list):
        raise StaTablesInvalid(path, f"field {name} is missing or not a list of whole numbers")
    for position, value in enumerate(values, start=1):
        if type(value) is not int:  # a bool is an int to isinstance
            raise StaTablesInvalid(path, f"field {name}, entry {position}: not a whole number")
    return tuple(values)
