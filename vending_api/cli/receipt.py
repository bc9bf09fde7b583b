"""`vending receipt`: the slip of a sale, in the terminal, as PDF or as PNG."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from vending_api.cli.receipt_picture import draw
from vending_api.cli.sale import STATES, ReferenceArgument, find
from vending_api.cli.station import reading
from vending_api.cli.tariff.output import console, json_of
from vending_api.domain.sales.types import SaleState
from vending_api.domain.slips.service import slip_of_sale
from vending_api.domain.slips.types import Mark, Slip, SlipLine

_GIVEN_BACK: Final = (SaleState.REVERSED, SaleState.REVERSAL_REFUSED)
_BARCODE: Final = "[barcode]"


class Width(StrEnum):
    """Characters on a line of the printer."""

    NARROW = "32"
    USUAL = "40"
    BROAD = "48"


def receipt(
    reference: ReferenceArgument,
    *,
    width: Annotated[Width, typer.Option(help="Characters on a line.")] = Width.USUAL,
    pdf: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Write a PDF of the paper's size."),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write a picture.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the lines as JSON instead of a box.")
    ] = False,
) -> None:
    """Show the slip of a sale again, marked as a copy: in the terminal, as PDF or as PNG.

    Reads VENDING_DATABASE_URL and changes nothing: this copy is not counted as a reprint.
    PDF and PNG need the extra `receipt`.

    Example: `vending receipt 17-000042 --pdf slip.pdf`
    """
    with reading() as connection:
        sale = find(connection, reference)
    if sale.state in _GIVEN_BACK:
        typer.echo(f"This sale was {STATES[sale.state]}", err=True)
    slip = slip_of_sale(sale, columns=int(width), mark=Mark.COPY)
    if pdf is not None or png is not None:
        draw(slip, pdf=pdf, png=png)
        for file in (pdf, png):
            if file is not None:
                typer.echo(f"Wrote {file}", err=True)
    if as_json:
        typer.echo(json_of(slip))
    elif pdf is None and png is None:
        console().print(boxed(slip))


def boxed(slip: Slip, *, note: str = "") -> Panel:
    """Return a slip as the terminal shows it, with a note of ours at its end."""
    lines: list[Text | Rule] = [_shown(line, slip.columns) for line in slip.lines]
    if note:
        lines.append(Text(note.center(slip.columns).rstrip(), style="yellow"))
    return Panel(Group(*lines), box=box.SQUARE, width=slip.columns + 4)


def answered_slip(slip_data: dict[str, Any]) -> Slip:
    """Return the slip that a point of sale got in an answer."""
    return Slip(
        columns=slip_data["slipWidth"],
        lines=tuple(
            SlipLine(
                text=line["text"],
                is_wide=line.get("fontWidthScaleFactor", 1) > 1,
                is_tall=line.get("fontHeightScaleFactor", 1) > 1,
                is_rule=line.get("line", False),
                barcode=line.get("barcode", {}).get("data"),
            )
            for line in slip_data["messageLines"]
        ),
        reference=slip_data["issuerReference"],
    )


def _shown(line: SlipLine, columns: int) -> Text | Rule:
    if line.is_rule:
        return Rule(style="")
    if line.barcode is not None:
        return Text(_BARCODE.center(columns).rstrip(), style="dim")
    text = "".join(f"{one} " for one in line.text).rstrip() if line.is_wide else line.text
    return Text(text, style="bold" if line.is_tall else "")
