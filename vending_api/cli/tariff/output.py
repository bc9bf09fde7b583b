"""How `vending tariff` prints: money with its currency, and JSON whose numbers are exact."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from tariffs.currencies import minor_decimals

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAST_RATE_DECIMALS: Final = 4


def console() -> Console:
    """Return where tables go; a file or pipe gets 80 columns, as a narrow terminal has."""
    return Console(highlight=False)


def money(amount_minor: int, currency: str) -> str:
    """Return a sum without its currency, as "1,234.50"."""
    decimals = minor_decimals(currency)
    return f"{Decimal(amount_minor).scaleb(-decimals):,.{decimals}f}"


def rate(minor: Decimal, currency: str, *, least_decimals: int = _LEAST_RATE_DECIMALS) -> str:
    """Return a price with all its decimals, as "2.0970" for 209.70 cents."""
    exact = minor.scaleb(-minor_decimals(currency))
    decimals = max(least_decimals, len(plain(exact).partition(".")[2]))
    return f"{exact:,.{decimals}f}"


def plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros at its end."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def json_of(value: Any, indent: str = "") -> str:
    """Return a value as JSON; a Decimal is a number with exactly its digits, never a float."""
    deeper = indent + "  "
    if is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if hasattr(value, "items"):
        pairs = (f"{json.dumps(name)}: {json_of(one, deeper)}" for name, one in value.items())
        return _enclosed("{", pairs, "}", indent)
    if isinstance(value, list | tuple):
        return _enclosed("[", (json_of(one, deeper) for one in value), "]", indent)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False, default=_text)


def _enclosed(opening: str, parts: Iterable[str], closing: str, indent: str) -> str:
    lines = ",\n".join(f"{indent}  {part}" for part in parts)
    return f"{opening}\n{lines}\n{indent}{closing}" if lines else opening + closing


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")
