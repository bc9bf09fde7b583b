"""One table of a tariff document: its values by type, each refused with its exact key."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tariffs.errors import TariffInvalid
from tariffs.tariff import MOST_DECIMALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import StrEnum

_Choice = TypeVar("_Choice", bound="StrEnum")

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(?:\.([0-9]{1,10}))?")
_MOST: Final = Decimal(10**12)
_MOST_MINOR: Final = 10**15
_LONGEST: Final = 64


class Table:
    """A table, or the document itself, which is the table with the path "".

    Every method that reads a value raises TariffInvalid for a missing or a wrong one.
    """

    def __init__(self, document: str, path: str, values: dict[str, Any]) -> None:
        self._document = document
        self._path = path
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def wrong(self, key: str, problem: str) -> TariffInvalid:
        """Return the error to raise for a key of this table, or for the table itself if ""."""
        path = f"{self._path}.{key}" if self._path and key else self._path + key
        return TariffInvalid(self._document, path, problem)

    def only(self, *known: str) -> None:
        """Refuse keys other than these; a misspelt one would silently do nothing."""
        for key in self._values:
            if key not in known:
                raise self.wrong(quoted(key), f"it is unknown; known here are {', '.join(known)}")

    def one_of(self, *keys: str) -> str:
        """Return which one of these keys is given; raises for none and for more than one."""
        given = [key for key in keys if key in self]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "none is given"
            raise self.wrong("", f"give one of {', '.join(keys)}; {found}")
        return given[0]

    def text(self, key: str, longest: int = _LONGEST) -> str:
        """Return a text that can be printed on one line of a receipt."""
        value = self._value(key, wanted := f"1 to {longest} printable characters in quotes")
        if type(value) is not str or not is_name(value, longest):
            raise self.wrong(key, f"write {wanted}")
        return value

    def decimal(
        self,
        key: str,
        *,
        above: Decimal | None = None,
        most: Decimal = _MOST,
        decimals: int = MOST_DECIMALS,
    ) -> Decimal:
        """Return a number from 0, or from just above `above`, to `most`.

        It is written in quotes: a bare 216.11 would be a binary fraction, and inexact.
        """
        value = self._value(key, wanted := 'a number in quotes, like "216.11"')
        match = _DECIMAL.fullmatch(value) if type(value) is str else None
        if match is None:
            raise self.wrong(key, f"write {wanted}, of at most 12 digits and 10 decimals")
        number = Decimal(match[0])
        if not 0 <= number <= most or (above is not None and number <= above):
            least = "from 0" if above is None else f"above {above}"
            raise self.wrong(key, f"it must be {least} up to {most}")
        if len(match[1] or "") > decimals:
            raise self.wrong(key, f"write at most {decimals} decimals")
        return number

    def minor(self, key: str, *, least: int = 0) -> int:
        """Return a sum of money in whole minor units."""
        value = self._value(key, wanted := "a whole number of minor units, without quotes")
        if type(value) is not int:  # a bool is an int to isinstance
            raise self.wrong(key, f"write {wanted}")
        if not least <= value <= _MOST_MINOR:
            raise self.wrong(key, f"it must be from {least} up to {_MOST_MINOR}")
        return value

    def truth(self, key: str) -> bool:
        """Return true or false."""
        value = self._value(key, wanted := "true or false, without quotes")
        if type(value) is not bool:
            raise self.wrong(key, f"write {wanted}")
        return value

    def day(self, key: str) -> date:
        """Return a calendar day."""
        value = self._value(key, wanted := "a date without quotes, like 2024-07-01")
        if type(value) is not date:  # a moment is a date to isinstance
            raise self.wrong(key, f"write {wanted}")
        return value

    def choice(self, key: str, kinds: type[_Choice]) -> _Choice:
        """Return one of a few words."""
        value = self._value(key, wanted := f"one of {_words(kinds)}")
        if type(value) is not str or value not in list(kinds):
            raise self.wrong(key, f"write {wanted}")
        return kinds(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts that has at least one, and none twice."""
        value = self._value(key, wanted := "a list of texts in quotes, each once")
        if type(value) is not list or not value or any(type(text) is not str for text in value):
            raise self.wrong(key, f"write {wanted}")
        if len(set(value)) < len(value):
            raise self.wrong(key, f"write {wanted}; one stands there twice")
        return tuple(value)

    def is_text(self, key: str, text: str) -> bool:
        """Tell whether a key has exactly this text."""
        return type(value := self._values.get(key)) is str and value == text

    def table(self, key: str) -> Table:
        """Return the one table of a key."""
        value = self._value(key, wanted := "a table, its name in single brackets")
        if type(value) is not dict:
            raise self.wrong(key, f"write {wanted}")
        return self._inner(quoted(key), value)

    def tables(self, key: str) -> list[Table]:
        """Return the tables of a key, at least one."""
        value = self._value(key, wanted := "one table or more, their name in double brackets")
        if type(value) is not list or not value:
            raise self.wrong(key, f"write {wanted}")
        for number, entry in enumerate(value, start=1):
            if type(entry) is not dict:
                raise self.wrong(f"{key}[{number}]", "write a table of keys and values")
        return [self._inner(f"{key}[{n}]", entry) for n, entry in enumerate(value, start=1)]

    def given(self, **readers: Callable[[str], Any]) -> dict[str, Any]:
        """Return the values of those keys that are given, each read by its reader.

        A key that is left out keeps the usual value of its field, which `tariff` states.
        """
        return {key: read(key) for key, read in readers.items() if key in self}

    def tables_if_any(self, key: str) -> list[Table]:
        """Return the tables of a key that may be left out."""
        return self.tables(key) if key in self else []

    def _value(self, key: str, wanted: str) -> Any:
        if key not in self._values:
            raise self.wrong(key, f"it is missing; write {wanted}")
        return self._values[key]

    def _inner(self, key: str, values: dict[str, Any]) -> Table:
        path = f"{self._path}.{key}" if self._path else key
        return Table(self._document, path, values)


def is_name(text: str, longest: int) -> bool:
    """Tell whether a text can stand on a line of a receipt."""
    return 1 <= len(text) <= longest and text.isprintable() and text == text.strip()


def quoted(key: str) -> str:
    """Return a key as TOML writes it: in quotes unless it is a plain word."""
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def _words(kinds: type[StrEnum]) -> str:
    return ", ".join(f'"{kind}"' for kind in kinds)
