"""`vending sessions`: who is logged in, and by which API keys."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vending_api.cli.admission import somebody
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.domain.operators import service as operators

sessions_app: Final = typer.Typer(
    name="sessions", help="Who is logged in, and by which API keys.", no_args_is_help=True
)


@sessions_app.command("list")
def list_sessions(*, as_json: JsonOption = False) -> None:
    """List your sessions and API keys that are good; as a supervisor, everybody's."""
    with reading() as connection:
        found = operators.passes(connection, somebody(), datetime.now(UTC))
    if as_json:
        print_json(
            [
                {
                    "number": one.number,
                    "kind": one.kind.value,
                    "operator": one.operator_name,
                    "label": one.label,
                    "created_at": one.created_at.isoformat(),
                    "expires_at": one.expires_at.isoformat(),
                }
                for one in found
            ]
        )
        return
    print_table(
        ("Number", "Kind", "Operator", "For", "Since (UTC)", "Until (UTC)"),
        [
            (
                *(one.number, one.kind.value, one.operator_name, one.label),
                *(f"{one.created_at:%Y-%m-%d %H:%M}", f"{one.expires_at:%Y-%m-%d %H:%M}"),
            )
            for one in found
        ],
    )


@sessions_app.command()
def revoke(number: Annotated[int, typer.Argument(metavar="NUMBER")]) -> None:
    """End a session or API key of yours, at once; as a supervisor, anybody's.

    Example: `vending sessions revoke 12`
    """
    with writing() as connection:
        operators.revoke_pass(connection, somebody(), number, datetime.now(UTC))
    say(f"Session or key {number} is revoked.")
