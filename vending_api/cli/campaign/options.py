"""Arguments and options that the campaign commands share."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from pathlib import Path
from typing import Annotated

import typer

from vending_api.cli.admission import acting
from vending_api.cli.station import CommandRefused

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="What the campaign is called by.")
]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="PERSON",
        help="Who does this; kept with the campaign. Operators are known by their login.",
    ),
]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the campaign.")]
GroupOption = Annotated[
    str | None,
    typer.Option("--supply-group", metavar="SGC", help="Meters of this supply group, 6 digits."),
]
TariffOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Meters under the tariff of this name.")
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE.csv",
        exists=True,
        dir_okay=False,
        help="Meters of this list, by their meter_number.",
    ),
]


def person(by: str | None) -> str:
    """Return who gives the running command: the operator, or where there are none who is named.

    Ask it once the database is open. Raises CommandRefused for nobody, and for another name than
    the operator's.
    """
    known = acting()
    if known is None:
        if by is None:
            raise CommandRefused("say with --by who does this")
        return by
    if by not in {None, known.operator.name}:
        raise CommandRefused(f"you are logged in as {known.operator.name}; leave --by out")
    return known.operator.name
