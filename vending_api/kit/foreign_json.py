"""JSON that others wrote: read exactly, and taken for what it means however it was written.

Sums come as numbers and as texts, objects as `{}`, `null`, `""` or 0. Nothing here raises for a
value of another kind; it says that there is none.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

_LARGEST: Final = (1 << 63) - 1
"""What a database keeps in a column of whole numbers."""
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_UNSTORABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
"""Control characters, and halves of characters, which no database takes."""


def parse(octets: bytes) -> Any:
    """Return the value that a JSON text stands for, with exact numbers; raises ValueError."""
    try:
        return json.loads(octets, parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ArithmeticError:  # an exponent of twenty digits
        raise ValueError("a number beyond all measure") from None


def members(value: Any) -> dict[str, Any]:
    """Return the members of an object; of anything else there are none."""
    return value if isinstance(value, dict) else {}


def whole_number(value: Any) -> int | None:
    """Return a whole number, also one that is written as 5.0 or as text; None for all else."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    # Compared first: a number such as 1e999999999 must not be written out.
    if not -_LARGEST <= value <= _LARGEST or value != int(value):
        return None
    return int(value)


def text(value: Any, *, most: int) -> str:
    """Return a text that can be stored, cut to `most` characters; a number as its digits."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    return _UNSTORABLE.sub(" ", value[:most]).strip() if isinstance(value, str) else ""


def moment(value: Any) -> datetime | None:
    """Return an aware moment of an ISO 8601 text, in UTC where it names no zone."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if read is None:
        return None
    try:
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except OverflowError:
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
