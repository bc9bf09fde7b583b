"""A slip as a picture: PDF of the paper's own size, or PNG of the paper on a table."""

from __future__ import annotations

import warnings
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from vending_api.cli.station import CommandRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

    from vending_api.domain.slips.types import Slip, SlipLine

_MM_PER_INCH: Final = 25.4
_POINTS_PER_MM: Final = 72 / _MM_PER_INCH
_DOTS_PER_INCH: Final = 254
"""Ten dots a millimetre, so that every bar of a barcode is of whole dots."""
_PAPER_MM: Final = {32: 58, 40: 70, 48: 80}
"""What rolls are wide that hold so many columns; 58 and 80 are the usual ones."""
_FONTS: Final = ["DejaVu Sans Mono", "DejaVu Sans"]
"""Both come with matplotlib; the second is for letters that the first does not have."""
_CHARACTER_MM: Final = 1.5
_EM_MM: Final = _CHARACTER_MM * 2048 / 1233
"""The size of the font whose characters are so wide."""
_LINE_MM: Final = 3.4
_TALL_MM: Final = 6.2
_RULE_MM: Final = 2.6
_BARCODE_MM: Final = 10.0
_BARCODE_GAP_MM: Final = 1.0
_BELOW_BASELINE: Final = 0.25
"""Of a line's height: what letters like g hang below it."""
_END_MM: Final = 6.0
"""Of paper above the first line and below the last."""
_BAR_MM: Final = {32: 0.3, 40: 0.4, 48: 0.4}
"""The narrowest bar of a barcode."""
_TABLE_MM: Final = 6.0
"""Of table around the paper."""
_TOOTH_MM: Final = 1.0
_INK: Final = "#1c1c1c"
_PAPER: Final = "#fffdf8"
_TABLE: Final = "#d9dce1"
_SHADE: Final = "#b9bdc5"


def draw(slip: Slip, *, pdf: Path | None, png: Path | None) -> None:
    """Write a slip as PDF, as PNG, or as both.

    Raises CommandRefused without the extra that draws it, OSError.
    """
    try:
        import barcode.codex  # type: ignore[import-untyped]  # noqa: F401, PLC0415 (an extra)
        from matplotlib import rc_context  # noqa: PLC0415 (likewise)
    except ImportError:
        raise CommandRefused(
            "a picture of a receipt needs matplotlib and python-barcode: "
            "pip install 'sts-vending[receipt]'"
        ) from None
    settings: dict[RcKeyType, object] = {
        "font.family": _FONTS,
        "pdf.fonttype": 42,  # text stays text, which can be searched and copied
        "text.hinting": "no_hinting",  # characters keep their columns
        "text.parse_math": False,  # a $ in a name is a $
    }
    with rc_context(settings), warnings.catch_warnings():
        # Letters that no font here has are drawn as boxes, which says enough.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        if pdf is not None:
            _Picture(slip, table_mm=0).save(pdf, format="pdf", metadata={"CreationDate": None})
        if png is not None:
            _Picture(slip, table_mm=_TABLE_MM).save(png, format="png")


class _Picture:
    """One drawing; lengths are millimetres, from the lower left corner of the paper."""

    def __init__(self, slip: Slip, *, table_mm: float) -> None:
        from matplotlib.figure import Figure  # noqa: PLC0415 (an optional extra)

        self._slip = slip
        self._width = _PAPER_MM[slip.columns]
        self._left = (self._width - slip.columns * _CHARACTER_MM) / 2
        self._height = 2 * _END_MM + sum(map(_height, slip.lines))
        size = (self._width + 2 * table_mm, self._height + 2 * table_mm)
        self._figure = Figure(figsize=(size[0] / _MM_PER_INCH, size[1] / _MM_PER_INCH))
        self._axes: Axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(-table_mm, self._width + table_mm)
        self._axes.set_ylim(-table_mm, self._height + table_mm)
        if table_mm:
            self._lay_on_table()
        self._write()

    def save(self, file: Path, **how: Any) -> None:
        """Write the drawing to a file."""
        self._figure.savefig(file, dpi=_DOTS_PER_INCH, **how)

    def _lay_on_table(self) -> None:
        from matplotlib.patches import Polygon  # noqa: PLC0415 (an optional extra)

        self._figure.set_facecolor(_TABLE)
        edge = [*_torn(self._width, self._height, 1), *reversed([*_torn(self._width, 0, -1)])]
        shade = [(x + 0.6, y - 0.6) for x, y in edge]
        for corners, colour in ((shade, _SHADE), (edge, _PAPER)):
            self._axes.add_patch(Polygon(corners, closed=True, facecolor=colour, linewidth=0))

    def _write(self) -> None:
        top = self._height - _END_MM
        for line in self._slip.lines:
            bottom = top - _height(line)
            if line.is_rule:
                self._rule((top + bottom) / 2)
            elif line.barcode is not None:
                self._barcode(line.barcode, bottom + _BARCODE_GAP_MM)
            else:
                self._text(line, bottom + _BELOW_BASELINE * (top - bottom))
            top = bottom

    def _rule(self, y: float) -> None:
        x = (self._left, self._width - self._left)
        self._axes.plot(x, (y, y), color=_INK, linewidth=0.6, dashes=(3, 2))

    def _text(self, line: SlipLine, baseline: float) -> None:
        text = line.text.lstrip(" ")
        across = 2 if line.is_wide else 1
        x = self._left + (len(line.text) - len(text)) * _CHARACTER_MM * across
        size = _EM_MM * _POINTS_PER_MM * across
        is_plain = line.is_wide == line.is_tall
        self._axes.text(x, baseline, text, fontsize=size, color=_INK, alpha=1 if is_plain else 0)
        if not is_plain:
            # No font is stretched in one direction: outlines are, over text that nobody sees.
            self._stretched(text, x, baseline, across, 2 if line.is_tall else 1)

    def _stretched(self, text: str, x: float, baseline: float, across: int, up: int) -> None:
        from matplotlib.patches import PathPatch  # noqa: PLC0415 (an optional extra)
        from matplotlib.textpath import TextPath  # noqa: PLC0415 (likewise)
        from matplotlib.transforms import Affine2D  # noqa: PLC0415 (likewise)

        outline = TextPath((0, 0), text, size=_EM_MM)
        place = Affine2D().scale(across, up).translate(x, baseline)
        self._axes.add_patch(PathPatch(place.transform_path(outline), facecolor=_INK, linewidth=0))

    def _barcode(self, digits: str, bottom: float) -> None:
        bar = _BAR_MM[self._slip.columns]
        modules = _modules(digits)
        left = round((self._width - len(modules) * bar) / 2, 1)
        bars = []
        place = 0
        for kind, run in groupby(modules):
            length = len(list(run))
            if kind == "1":
                bars.append((left + place * bar, length * bar))
            place += length
        height = _BARCODE_MM - 2 * _BARCODE_GAP_MM
        self._axes.broken_barh(
            bars, (bottom, height), facecolor="black", linewidth=0, antialiased=False
        )


def _height(line: SlipLine) -> float:
    if line.is_rule:
        return _RULE_MM
    if line.barcode is not None:
        return _BARCODE_MM
    return _TALL_MM if line.is_tall else _LINE_MM


def _modules(digits: str) -> str:
    """Return the bars and gaps of a Code 128 barcode, each one module wide."""
    from barcode.codex import Code128  # noqa: PLC0415 (an optional extra)

    built: list[str] = Code128(digits).build()
    return built[0]


def _torn(width: float, y: float, outward: int) -> Iterator[tuple[float, float]]:
    """Yield the corners of an edge of the paper, as the cutter of a printer leaves it."""
    steps = round(width / _TOOTH_MM)
    for step in range(steps + 1):
        out = _TOOTH_MM / 2 if step % 2 else 0
        yield (step * width / steps, y + outward * out)
