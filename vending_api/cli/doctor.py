"""`vending doctor`: what an auditor would object to in this installation."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import typer

from vending_api.cli.examination import objections_to_database, objections_to_settings
from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.settings import read_settings

_FAILED: Final = 1


def doctor(*, as_json: JsonOption = False) -> None:
    """Look at settings, files and database, and print what an auditor would object to.

    Each objection says what is wrong and what would be right. Nothing is changed,
    no key is opened, and no secret is read but to see whether it is there. Run it
    with the environment of the service, as its user.

    Exit code 1 if there is any objection. For the records themselves see `vending
    reconcile` and `vending log verify`.
    """
    settings = read_settings()
    found = objections_to_settings(settings)
    with reading() as connection:
        found += objections_to_database(connection, settings, datetime.now(UTC))
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        rows = [(one.area, one.problem, one.mend) for one in found]
        print_table(("Where", "Objection", "What would be right"), rows)
    say(f"{len(found)} objections" if len(found) != 1 else "1 objection")
    if found:
        raise typer.Exit(_FAILED)
