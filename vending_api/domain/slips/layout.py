"""Paper of a fixed width: text that is wrapped, centred, or set in two columns, never cut."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sts.tokens.digits import grouped
from vending_api.domain.slips.types import SlipLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vending_api.domain.slips.types import Row

_INDENT: Final = "  "
"""Before what is left of a label that does not fit on a line."""
_BETWEEN: Final = "  "
_RULE: Final = SlipLine("", is_rule=True)


class Paper:
    """A slip while it is written, from the top down."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows: list[Row] = []

    def copy(self, rows: Iterable[Row]) -> None:
        """Write lines that were made for paper of this width."""
        self.rows.extend(rows)

    def rule(self) -> None:
        """Draw a line across."""
        self.rows.append(_RULE)

    def headline(self, text: str) -> None:
        """Write in the middle, twice as wide and high; a text too long for it only as high."""
        half = self.columns // 2
        text = _printable(text)
        if len(text) <= half:
            self.rows.append(SlipLine(_centred(text, half), is_wide=True, is_tall=True))
        else:
            self.middle(text, is_tall=True)

    def middle(self, text: str, *, is_tall: bool = False) -> None:
        """Write in the middle, on as many lines as it needs."""
        columns = self.columns
        text = _printable(text)
        if len(text) <= columns:
            line = _centred(text, columns)
            self.rows.append(SlipLine(line, is_tall=True) if is_tall else line)
        else:
            lines = [_centred(line, columns) for line in wrapped(text, columns)]
            self._write(lines, is_tall=is_tall)

    def pair(self, label: str, value: str, *, is_tall: bool = False) -> None:
        """Write a label at the left and its value at the right."""
        columns = self.columns
        before_value = columns - len(value)
        if value and len(label) < before_value:
            line = _printable(label.ljust(before_value) + value)
            self.rows.append(SlipLine(line, is_tall=True) if is_tall else line)
        else:
            lines = in_two_columns(_printable(label), _printable(value), columns)
            self._write(lines, is_tall=is_tall)

    def spread(self, first: str, second: str) -> None:
        """Write two texts beside each other if they fit, else below each other."""
        if len(first) + len(_BETWEEN) + len(second) <= self.columns:
            self.rows.append(first + _BETWEEN + second)
        else:
            self.rows += [first, second]

    def token(self, digits: str) -> None:
        """Write the 20 digits of a token as they are keyed in, and as a barcode."""
        self.headline(grouped(digits))
        self.rows.append(SlipLine("", barcode=digits))

    def _write(self, lines: Iterable[str], *, is_tall: bool) -> None:
        self.rows += [SlipLine(line, is_tall=True) for line in lines] if is_tall else lines


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return a text in lines of at most `width` characters, broken at its spaces if it has any.

    Every line but the first begins with `indent`, which counts.
    """
    if len(text) <= width:
        return [text]
    lines = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line.strip() else line + word
        if len(longer) <= width:
            line = longer
            continue
        if line.strip():
            lines.append(line)
            longer = indent + word
        while len(longer) > width:
            lines.append(longer[:width])
            longer = indent + longer[width:]
        line = longer
    return [*lines, line] if line.strip() else lines


def in_two_columns(label: str, value: str, width: int) -> list[str]:
    """Return the lines of a label at the left and a value at the right.

    A label that leaves too little room is wrapped beside a short value, which stands on the
    last of its lines; a long value stands below.
    """
    beside = width - len(value) - 1
    if label and value and 2 * beside >= width:
        *lines, last = _label_lines(label, beside)
        return [*lines, last.ljust(beside + 1) + value]
    lines = list(_label_lines(label, width)) if label else []
    return lines + [line.rjust(width) for line in wrapped(value, width) if value]


@lru_cache(maxsize=1024)
def _label_lines(label: str, width: int) -> tuple[str, ...]:
    """Return the lines of a label; the long ones come from a few tariffs, again and again."""
    return tuple(wrapped(label, width, _INDENT))


def _centred(text: str, width: int) -> str:
    return " " * ((width - len(text)) // 2) + text


def _printable(text: str) -> str:
    """Return a text without what a printer would take for a command."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
