"""Paper of a fixed width: text that is wrapped, centred, or set in two columns, never cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.tokens.digits import grouped
from vending_api.domain.slips.types import SlipLine

if TYPE_CHECKING:
    from collections.abc import Iterable

_INDENT: Final = "  "
"""Before what is left of a label that does not fit on a line."""
_BETWEEN: Final = "  "
_RULE: Final = SlipLine(text="", is_rule=True)


class Paper:
    """A slip while it is written, from the top down."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines: list[SlipLine] = []

    def copy(self, lines: Iterable[SlipLine]) -> None:
        """Write lines that were made for paper of this width."""
        self.lines.extend(lines)

    def rule(self) -> None:
        """Draw a line across."""
        self.lines.append(_RULE)

    def headline(self, text: str) -> None:
        """Write in the middle, twice as wide and high; a text too long for it only as high."""
        half = self.columns // 2
        text = _printable(text)
        if len(text) <= half:
            self.lines.append(SlipLine(text=_centred(text, half), is_wide=True, is_tall=True))
        else:
            self.middle(text, is_tall=True)

    def middle(self, text: str, *, is_tall: bool = False) -> None:
        """Write in the middle, on as many lines as it needs."""
        columns = self.columns
        for line in wrapped(_printable(text), columns):
            self.lines.append(SlipLine(text=_centred(line, columns), is_tall=is_tall))

    def pair(self, label: str, value: str, *, is_tall: bool = False) -> None:
        """Write a label at the left and its value at the right."""
        columns = self.columns
        if not (label.isprintable() and value.isprintable()):
            label, value = _printable(label), _printable(value)
        gap = columns - len(label) - len(value)
        if gap > 0 and value:
            self.lines.append(SlipLine(text=label + " " * gap + value, is_tall=is_tall))
            return
        for line in in_two_columns(label, value, columns):
            self.lines.append(SlipLine(text=line, is_tall=is_tall))

    def spread(self, first: str, second: str) -> None:
        """Write two texts beside each other if they fit, else below each other."""
        if len(first) + len(_BETWEEN) + len(second) <= self.columns:
            self.lines.append(SlipLine(text=first + _BETWEEN + second))
        else:
            self.lines += [SlipLine(text=first), SlipLine(text=second)]

    def token(self, digits: str) -> None:
        """Write the 20 digits of a token as they are keyed in, and as a barcode."""
        self.headline(grouped(digits))
        self.lines.append(SlipLine(text="", barcode=digits))


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
        *lines, last = wrapped(label, beside, _INDENT)
        return [*lines, last.ljust(beside + 1) + value]
    lines = wrapped(label, width, _INDENT) if label else []
    return lines + [line.rjust(width) for line in wrapped(value, width) if value]


def _centred(text: str, width: int) -> str:
    return " " * ((width - len(text)) // 2) + text


def _printable(text: str) -> str:
    """Return a text without what a printer would take for a command."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
