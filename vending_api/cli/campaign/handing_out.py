"""`vending campaign export`: the tokens of a campaign in a file, for whoever hands them out."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from vending_api.cli.backup_file import appearing
from vending_api.cli.campaign.options import ByOption, NameArgument, person
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import say
from vending_api.domain.campaigns import service as campaigns


def export(
    name: NameArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", dir_okay=False, help="The file to make.")
    ],
    *,
    by: ByOption = None,
    again: Annotated[
        bool,
        typer.Option("--again", show_default=False, help="Those that were exported before, too."),
    ] = False,
) -> None:
    """Write the tokens of a campaign to a CSV file, and note that they are handed out.

    Only its owner may read the file. A row is a meter: its number, the id to find the tokens by
    (`vending sale show`), units, and the tokens in the order in which they are keyed in. Once
    exported, a meter is not in the next file, unless --again is given; its tokens are the same
    for ever.

    Example: `vending campaign export rollover-2026 tokens.csv`
    """
    positions = []
    with (
        appearing(file, replace=False) as partial,
        reading() as connection,
        partial.open("w", encoding="utf-8", newline="") as stream,
    ):
        campaign = campaigns.find(connection, name)
        writer = csv.writer(stream)
        writer.writerow(("meter_number", "reference", "units", "tokens"))
        for one in campaigns.tokens_to_export(connection, campaign, again=again):
            units = f"{one.units_tenths // 10}.{one.units_tenths % 10}"
            writer.writerow((one.external_id, one.reference, units, " ".join(one.tokens)))
            positions.append(one.position)
    # The file is on disk. Should this fail, the same tokens are exported once more.
    with writing() as connection:
        at = datetime.now(UTC)
        campaigns.note_exported(connection, campaign, positions, by=person(by), at=at)
    say(f"The tokens of {len(positions):,} meters are in {file}.")
