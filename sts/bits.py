"""Bit layouts, declared once as named widths and read in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Field:
    """A named run of bits; fields stand in a layout with the most significant first."""

    name: str
    width: int


class BitLayout:
    """A word of `total` bits made of named fields.

    Raises ValueError when the layout is declared if its widths do not add up or
    a name is used twice, so a wrong layout fails at import and not at a sale.
    """

    __slots__ = ("_parts", "total")

    def __init__(self, *, fields: Sequence[Field], total: int) -> None:
        if any(field.width < 1 for field in fields):
            raise ValueError("every field is at least one bit wide")
        if sum(field.width for field in fields) != total:
            raise ValueError(f"the widths add up to {sum(f.width for f in fields)}, not {total}")
        if len({field.name for field in fields}) != len(fields):
            raise ValueError("a field name is used twice")
        parts = []
        shift = total
        for field in fields:
            shift -= field.width
            parts.append((field.name, shift, (1 << field.width) - 1))
        self._parts = tuple(parts)
        self.total = total

    def pack(self, **values: int) -> int:
        """Return the word that holds `values`, one whole number a field.

        Raises ValueError if a field is missing, unknown, or does not fit its width.
        """
        if len(values) != len(self._parts):
            raise ValueError(f"fields are {[name for name, _, _ in self._parts]}, not {[*values]}")
        word = 0
        for name, shift, mask in self._parts:
            if name not in values:
                raise ValueError(f"field {name} is missing")
            value = values[name]
            if not 0 <= value <= mask:
                raise ValueError(f"{name} does not fit 0..{mask}")
            word |= value << shift
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Return the fields of `word`; the counterpart of `pack`.

        Raises ValueError if the word is wider than the layout.
        """
        if word < 0 or word >> self.total:
            raise ValueError(f"the word does not fit {self.total} bits")
        return {name: word >> shift & mask for name, shift, mask in self._parts}
