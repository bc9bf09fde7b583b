"""`vending audit-trail`: who did what, and when; also what was refused."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.domain.audit_trail import service as trail

_FAILED: Final = 1


def audit_trail(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="ISO-DATE", help="From that day (UTC) on; else from the beginning."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List every administrative action, done or refused, and prove that none was changed.

    Each row's digest covers the row before, so what is changed or taken out is found. The
    end can be cut off: keep number and digest of the newest row elsewhere, on paper.

    Exit code 1 says that the trail does not hold.

    Example: `vending audit-trail --since 2026-11-01`
    """
    first = None if since is None else since.replace(tzinfo=UTC)
    with reading() as connection:
        found = list(trail.actions(connection, first))
        broken = list(trail.breaks(connection))
    if as_json:
        actions = [asdict(one) | {"at": one.at.isoformat()} for one in found]
        print_json({"actions": actions, "breaks": [asdict(one) for one in broken]})
    else:
        print_table(
            ("Number", "Time (UTC)", "Who", "Known by", "Command", "About", "Outcome"),
            [
                (
                    *(one.sequence, f"{one.at:%Y-%m-%d %H:%M:%S}", one.who, one.known_by),
                    *(one.command, one.subject, one.outcome),
                )
                for one in found
            ],
        )
    for one in broken:
        say(f"row {one.sequence}: {one.problem}")
    if found:
        say(f"The newest is {found[-1].sequence}:{found[-1].digest}")
    if broken:
        raise typer.Exit(_FAILED)
