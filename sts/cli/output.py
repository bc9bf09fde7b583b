"""What the commands print: tables for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sts.describe import describe
from sts.key_data import KeyRevisionNumber, TariffIndex
from sts.meter_number import ManufacturerCode
from sts.token_identifier import TokenIdentifier
from sts.tokens.digits import grouped
from sts.tokens.reserved import ReservedToken
from sts.units import CurrencyAmount, PowerLimit, TransferAmount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sts.base_date import BaseDate
    from sts.tokens.kinds import Token

_NO_TERMINAL_COLUMNS: Final = 200
"""Files and pipes have no width; a table must not be cut to 80 columns there."""

_UNITS: Final[Mapping[type, str]] = {
    TokenIdentifier: "minutes",
    TransferAmount: "tenths",
    PowerLimit: "watts",
    CurrencyAmount: "hundred_thousandths",
}
"""The attribute that holds the whole number, and names its unit."""
_PLAIN: Final[Mapping[type, str]] = {
    ManufacturerCode: "digits",
    TariffIndex: "digits",
    KeyRevisionNumber: "value",
}


def print_json(value: dict[str, Any]) -> None:
    """Print one object; text stays readable."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_tokens(
    tokens: Sequence[tuple[str, Token | ReservedToken]],
    *,
    base_date: BaseDate | None = None,
    as_json: bool,
) -> None:
    """Print tokens with what they say; in JSON a single one is the object itself.

    The base date of the key turns identifiers into times.
    """
    if as_json:
        objects = [token_fields(digits, token) for digits, token in tokens]
        print_json(objects[0] if len(objects) == 1 else {"tokens": objects})
        return
    for position, (digits, token) in enumerate(tokens):
        _console().print("\n" * bool(position) + grouped(digits), style="bold")
        print_rows(describe(token, base_date))


def print_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print labels and values in two columns."""
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        line = Text.assemble((label.ljust(width), "dim"), "  ", value)
        _console().print(line, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings."""
    table = Table(*headings, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(Text, row))
    _console().print(table)


def token_fields(digits: str, token: Token | ReservedToken) -> dict[str, Any]:
    """Return a token for programs: its digits and fields, whole numbers with the unit in the name.

    The part of a new key in a key change is left out.
    """
    known: dict[str, Any] = {
        "token": digits,
        "kind": type(token).__name__,
        "class": token.token_class,
        "subclass": token.subclass,
    }
    for field in fields(token):
        if field.repr and field.name not in {
            "token_class",
            *known,
        }:  # what has no repr is part of a key
            known |= _json_of(field.name, getattr(token, field.name))
    if isinstance(token, ReservedToken) and not token.holds_key_bits:
        known["payload"] = token.payload
    return known


def _json_of(name: str, value: Any) -> dict[str, Any]:
    if type(value) in _UNITS:
        unit = _UNITS[type(value)]
        return {f"{name}_{unit}": getattr(value, unit)}
    if isinstance(value, Enum):
        return {name: value.name.lower()}
    return {name: getattr(value, _PLAIN[type(value)]) if type(value) in _PLAIN else value}


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _NO_TERMINAL_COLUMNS, highlight=False)
