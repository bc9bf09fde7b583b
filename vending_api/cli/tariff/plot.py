"""A picture of a tariff: units against money, and what one more unit costs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tariffs.currencies import minor_decimals
from vending_api.cli.tariff.curve import curve, noise, stretches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

    from vending_api.cli.tariff.curve import Buyer, Point, Stretch

PICTURES: Final = (".png", ".svg")
_LABEL_SHARE: Final = 0.085
"""Of the width of a panel: how much a price needs."""
_TWO_DECIMALS_FROM: Final = 10
_LINE: Final = "#17558f"
_FAINT: Final = "#6b7280"
_INCHES: Final = (11, 4.8)
_DOTS_PER_INCH: Final = 150


class PlotUnavailable(Exception):
    """Pictures need matplotlib, which is not installed."""


def draw(buyer: Buyer, to_minor: int | None, out: Path) -> None:
    """Write the picture, PNG or SVG by its ending.

    Raises PlotUnavailable without matplotlib, PurchaseRefused, OSError.
    """
    try:
        from matplotlib import rc_context  # noqa: PLC0415 (an optional extra)
        from matplotlib.figure import Figure  # noqa: PLC0415 (likewise)
    except ImportError:
        raise PlotUnavailable("a plot needs matplotlib: pip install 'sts-vending[plot]'") from None
    points = curve(buyer, to_minor)
    settings: dict[RcKeyType, object] = {
        "font.size": 10,
        "axes.axisbelow": True,
        "text.parse_math": False,  # a $ in a name is a $
        "svg.hashsalt": "tariff",  # the same tariff gives the same file
        "svg.fonttype": "none",  # text stays text, which can be searched and read aloud
    }
    with rc_context(settings):
        figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_units(left, buyer, points)
        _draw_prices(right, buyer, stretches(points, noise(buyer, points)))
        figure.suptitle(_title(buyer), x=0.01, ha="left", weight="bold", wrap=True)
        metadata = {"Date": None} if out.suffix.lower() == ".svg" else {}
        figure.savefig(out, metadata=metadata)


def _title(buyer: Buyer) -> str:
    tariff = buyer.tariff
    version = tariff.version_on(tariff.local_date(buyer.at))
    customer = buyer.account.customer_class
    kind = f", class {customer}" if customer else ""
    return f"{tariff.name}{kind}, prices from {version.valid_from}"


def _draw_units(axes: Axes, buyer: Buyer, points: Sequence[Point]) -> None:
    tariff = buyer.tariff
    scale = 10 ** minor_decimals(tariff.payment_currency)
    axes.plot(
        [point.amount_minor / scale for point in points],
        [point.units for point in points],
        color=_LINE,
        linewidth=2,
    )
    axes.set_title("What money buys, first purchase of a month", loc="left", fontsize=10)
    axes.set_xlabel(f"money paid, {tariff.payment_currency}")
    axes.set_ylabel(f"units, {tariff.unit}")
    _tidy(axes)


def _draw_prices(axes: Axes, buyer: Buyer, prices: Sequence[Stretch]) -> None:
    tariff = buyer.tariff
    scale = 10 ** minor_decimals(tariff.payment_currency)
    if prices:
        edges = [prices[0].start, *(one.end for one in prices)]
        heights = [one.price_minor / scale for one in prices]
        axes.stairs(heights, edges, color=_LINE, linewidth=1.5, baseline=None)
        axes.stairs(heights, edges, color=_LINE, alpha=0.1, fill=True)
        _label(axes, edges, heights)
    else:
        axes.text(0.5, 0.5, "no money is left for units", transform=axes.transAxes, ha="center")
    axes.set_title("What one more unit costs, all included", loc="left", fontsize=10)
    axes.set_xlabel(f"units, {tariff.unit}")
    axes.set_ylabel(f"{tariff.payment_currency} per {tariff.unit}")
    _tidy(axes)


def _label(axes: Axes, edges: Sequence[float], heights: Sequence[float]) -> None:
    """Write its price above each step that is wide enough for it."""
    decimals = 4 if max(heights) < 1 else 3 if max(heights) < _TWO_DECIMALS_FROM else 2
    for (start, end), height in zip(pairwise(edges), heights, strict=True):
        if end - start >= _LABEL_SHARE * (edges[-1] - edges[0]):
            axes.annotate(
                f"{height:,.{decimals}f}",
                ((start + end) / 2, height),
                textcoords="offset points",
                xytext=(0, 4),
                ha="center",
                fontsize=8,
                color=_FAINT,
            )


def _tidy(axes: Axes) -> None:
    axes.margins(x=0, y=0.12)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(color="#e5e7eb")
    axes.spines[["top", "right"]].set_visible(False)
    axes.ticklabel_format(style="plain", useOffset=False)
