"""What fields may hold: functions that return a value, or raise what is wrong with it.

The rules and their words are those of the Laravel framework, as the contract shows them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

MAX_TEXT: Final = 255
MIN_PASSWORD: Final = 8
MAX_PASSWORD_OCTETS: Final = 1024
"""argon2 reads all of it, so there is an end."""
MAX_AMOUNT: Final = 10**12
"""In the currency's unit; the limits of meters are far below."""

_NO_TEXT: Final = re.compile(r"[\0\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_INTEGER: Final = re.compile(r"[+-]?(0|[1-9][0-9]{0,18})")
_DIGITS: Final = re.compile(r"[0-9]+")
_NUMERIC: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_PHONE: Final = re.compile(r"\+?[0-9]{7,15}")
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+")
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]([0-9]{2}:[0-9]{2}(:[0-9]{2})?)Z?)?")
_LARGEST_INTEGER: Final = 2**63 - 1
_MOST_DECIMALS: Final = 40


class Wrong(Exception):
    """A value breaks a rule; the text has `{field}` where the name of its field belongs."""


def text(value: Any) -> str:
    """Return a text of at most 255 characters, none of them a control character."""
    if not isinstance(value, str):
        raise Wrong("The {field} must be a string.")
    if _CONTROL.search(value) or _NO_TEXT.search(value):
        raise Wrong("The {field} format is invalid.")
    return _short(value)


def email(value: Any) -> str:
    """Return an address that mail can be sent to."""
    if not _EMAIL.fullmatch(text(value)):
        raise Wrong("The {field} must be a valid email address.")
    return text(value)


def phone(value: Any) -> str:
    """Return a telephone number: 7 to 15 digits, perhaps with a plus before them."""
    if not _PHONE.fullmatch(text(value)):
        raise Wrong("The {field} format is invalid.")
    return text(value)


def password(value: Any) -> str:
    """Return a password as it was typed."""
    if not isinstance(value, str):
        raise Wrong("The {field} must be a string.")
    if _NO_TEXT.search(value):
        raise Wrong("The {field} format is invalid.")
    if len(value.encode()) > MAX_PASSWORD_OCTETS:
        raise Wrong(f"The {{field}} may not be greater than {MAX_PASSWORD_OCTETS} characters.")
    return value


def new_password(value: Any) -> str:
    """Return a password that may be chosen: one of at least 8 characters."""
    if isinstance(value, str) and len(value) < MIN_PASSWORD:
        raise Wrong(f"The {{field}} must be at least {MIN_PASSWORD} characters.")
    return password(value)


def integer(value: Any) -> int:
    """Return a whole number of 64 bits, also from a text."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if not _is_integer(value) or abs(value) > _LARGEST_INTEGER:
        raise Wrong("The {field} must be an integer.")
    return int(value)


def one_of(allowed: Collection[int]) -> Callable[[Any], int]:
    """Return the rule that a whole number is among some."""

    def rule(value: Any) -> int:
        if integer(value) not in allowed:
            raise Wrong("The selected {field} is invalid.")
        return integer(value)

    return rule


def digits(value: Any) -> str:
    """Return digits as they are, zeros at the beginning included; also from a number."""
    written = str(value) if _is_integer(value) else value
    if not isinstance(written, str) or not _DIGITS.fullmatch(written):
        raise Wrong("The {field} must be a number.")
    return _short(written)


def amount(decimals: int) -> Callable[[Any], int]:
    """Return the rule of a sum, which gives minor units: `10**decimals` are one of the currency."""

    def rule(value: Any) -> int:
        number = _numeric(value)
        if number <= 0:
            raise Wrong("The {field} must be greater than 0.")
        if number > MAX_AMOUNT:
            raise Wrong(f"The {{field}} may not be greater than {MAX_AMOUNT}.")
        return _minor(number, decimals)

    return rule


def since(value: Any) -> datetime:
    """Return the moment, in UTC, that a day begins with, or a moment itself."""
    return _begin_and_end(value)[0]


def until(value: Any) -> datetime:
    """Return the moment, in UTC, that a day ends with, or the minute or second of a moment."""
    return _begin_and_end(value)[1]


def _short(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise Wrong(f"The {{field}} may not be greater than {MAX_TEXT} characters.")
    return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _numeric(value: Any) -> Decimal:
    is_number = _is_integer(value) or isinstance(value, Decimal)
    if not is_number and not (isinstance(value, str) and _NUMERIC.fullmatch(value)):
        raise Wrong("The {field} must be a number.")
    return Decimal(value)


def _minor(number: Decimal, decimals: int) -> int:
    """Return a number of units as minor units; it has no more decimals than there are."""
    _, places, exponent = number.as_tuple()
    shift = int(exponent) + decimals
    if shift < -_MOST_DECIMALS:  # as 1E-999999, whose power of ten would fill the memory
        raise Wrong("The {field} format is invalid.")
    whole = int("".join(map(str, places)))
    scale: int = 10 ** abs(shift)
    if shift >= 0:
        return whole * scale
    whole, rest = divmod(whole, scale)
    if rest:
        raise Wrong("The {field} format is invalid.")
    return whole


def _begin_and_end(value: Any) -> tuple[datetime, datetime]:
    form = _DATE.fullmatch(text(value))
    if form is None:
        raise Wrong("The {field} is not a valid date.")
    day, _, time, seconds = form.groups()
    lasts = timedelta(days=1)
    if time:
        lasts = timedelta(seconds=1) if seconds else timedelta(minutes=1)
    try:
        begin = datetime.fromisoformat(f"{day}T{time or '00:00'}").replace(tzinfo=UTC)
        return begin, begin + lasts
    except (ValueError, OverflowError):
        raise Wrong("The {field} is not a valid date.") from None
