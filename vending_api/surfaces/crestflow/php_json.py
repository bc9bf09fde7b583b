r"""JSON as PHP writes it, which is the byte form of the contract.

Without blanks, in ASCII, slashes as `\/`; numbers without an exponent and without zeros at the
end, so a whole number has no point.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

Message = Any
"""A frozen dataclass, mapping or sequence of texts, numbers, True, False, None and such."""


def dumps(message: Message) -> bytes:
    """Return a message as octets; keys stand in the order of the fields of its dataclasses.

    A dataclass that stands in several places of the message is written out once and copied.
    Raises TypeError for what has no form in JSON, binary fractions among it.
    """
    return _Writer().text_of(message).encode("ascii")


class _Writer:
    """Writes one message, and remembers its dataclasses by their identity while doing so."""

    def __init__(self) -> None:
        self._written: dict[int, str] = {}

    def text_of(self, value: Message) -> str:
        if isinstance(value, str):
            return _quoted(value)
        if value is None or isinstance(value, int):
            return json.dumps(value)
        if isinstance(value, Decimal):
            return _number(value)
        if isinstance(value, Mapping):
            return self._object(value.items())
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return f"[{','.join(map(self.text_of, value))}]"
        if is_dataclass(value) and not isinstance(value, type):
            known = self._written.get(id(value))
            if known is None:
                known = self._written[id(value)] = self._object(_items(value))
            return known
        raise TypeError(f"{type(value).__name__} has no form in JSON")

    def _object(self, items: Any) -> str:
        return "{" + ",".join(f"{_quoted(key)}:{self.text_of(value)}" for key, value in items) + "}"


def _items(message: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(message):
        # A word of the language, as `from`, has an underscore behind it here.
        yield field.name.removesuffix("_"), getattr(message, field.name)


def _quoted(text: str) -> str:
    return json.dumps(str(text)).replace("/", "\\/")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} has no form in JSON")
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
