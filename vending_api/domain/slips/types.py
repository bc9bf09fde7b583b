"""What a slip is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple


class Mark(Enum):
    """What a slip is if it is not the first and only one of a sale."""

    COPY = auto()
    TRIAL = auto()


class SlipLine(NamedTuple):
    """One line, at most as wide as the paper."""

    text: str
    is_wide: bool = False
    """Twice the width: the text is at most half as long."""
    is_tall: bool = False
    """Twice the height."""
    is_rule: bool = False
    """A line drawn across the paper; the text is empty."""
    barcode: str | None = None
    """Digits to print as a barcode (Code 128); the text is empty."""


Row = str | SlipLine
"""A line as it is written: a plain one, as most are, is its text alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A slip that is ready to print."""

    columns: int
    """Characters on a line: 32, 40 or 48."""
    lines: tuple[SlipLine, ...]
    reference: str
    """What the customer may ask about it with: capital letters and digits, at most 40."""


class WrittenSlip(NamedTuple):
    """A slip as it was written, for those who make something else of it at once."""

    columns: int
    """As of a `Slip`."""
    rows: list[Row]
    reference: str
    """As of a `Slip`."""

    def finished(self) -> Slip:
        """Return it with all lines alike."""
        return Slip(
            columns=self.columns,
            lines=tuple(SlipLine(row) if isinstance(row, str) else row for row in self.rows),
            reference=self.reference,
        )
