"""A flat tariff: one rate for every unit, and one tax on the whole sum.

A tariff is a TOML document that a person can read:

    name = "Homelight 20A"
    [energy]
    rate_minor = "216.11"      # minor units (cents) per unit, without tax
    [tax]
    name = "VAT"
    rate_percent = "15"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tariffs.errors import TariffInvalid

_MAX_TAX_NAME_LENGTH: Final = 10
_MAX_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class FlatTariff:
    """One price per unit, tax apart."""

    name: str
    rate_minor: Decimal
    """Price of one unit in minor units, without tax."""
    tax_name: str
    tax_rate_percent: Decimal


def parse_tariff(text: str, *, document: str) -> FlatTariff:
    """Return the tariff that a TOML `text` describes; `document` names it in errors.

    Raises TariffInvalid with the key and what would be right.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TariffInvalid(document, "document", f"it is not TOML: {error}") from None
    reader = _Reader(document, tables)
    reader.require_keys("", {"name", "energy", "tax"})
    reader.require_keys("energy", {"rate_minor"})
    reader.require_keys("tax", {"name", "rate_percent"})
    tariff = FlatTariff(
        name=reader.text("", "name", 64),
        rate_minor=reader.decimal("energy", "rate_minor"),
        tax_name=reader.text("tax", "name", _MAX_TAX_NAME_LENGTH),
        tax_rate_percent=reader.decimal("tax", "rate_percent"),
    )
    if tariff.rate_minor <= 0:
        raise TariffInvalid(document, "energy.rate_minor", "it must be above 0")
    if not 0 <= tariff.tax_rate_percent <= _MAX_PERCENT:
        raise TariffInvalid(document, "tax.rate_percent", "it must be from 0 to 100")
    return tariff


class _Reader:
    """Reads the tables of one document and says exactly what is wrong."""

    def __init__(self, document: str, tables: dict[str, Any]) -> None:
        self._document = document
        self._tables = {"": tables}
        for name in ("energy", "tax"):
            table = tables.get(name)
            if not isinstance(table, dict):
                raise TariffInvalid(document, name, f"write a table [{name}]")
            self._tables[name] = table

    def require_keys(self, table: str, keys: set[str]) -> None:
        found = set(self._tables[table])
        for key in sorted(found - keys):
            raise TariffInvalid(
                self._document, _path(table, key), f"unknown; known are {', '.join(sorted(keys))}"
            )
        for key in sorted(keys - found):
            raise TariffInvalid(self._document, _path(table, key), "it is missing")

    def text(self, table: str, key: str, max_length: int) -> str:
        value = self._tables[table][key]
        if not isinstance(value, str) or not 1 <= len(value) <= max_length:
            raise TariffInvalid(
                self._document, _path(table, key), f"write a text of 1 to {max_length} characters"
            )
        return value

    def decimal(self, table: str, key: str) -> Decimal:
        value = self._tables[table][key]
        try:
            number = Decimal(value) if isinstance(value, str) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite():
            raise TariffInvalid(
                self._document, _path(table, key), 'write a decimal in quotes, like "216.11"'
            )
        return number


def _path(table: str, key: str) -> str:
    return f"{table}.{key}" if table else key
