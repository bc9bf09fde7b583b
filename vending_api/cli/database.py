"""`vending database`: the schema of the database."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from typing import Annotated

import typer
from rich.console import Console

from vending_api import migrations
from vending_api.cli.station import CommandRefused, writing
from vending_api.kit.db import open_database
from vending_api.migrations.grants import (
    OPERATORS,
    PRIVILEGES,
    apply_grants,
    grants,
    owned_tables,
)
from vending_api.settings import read_settings

database_app = typer.Typer(
    name="database", help="The schema of the database, and who may do what in it."
)


@database_app.command()
def upgrade() -> None:
    """Bring the database of VENDING_DATABASE_URL to the schema of this version.

    Creates the tables of an empty database. Harmless when nothing is to be done.
    """
    engine = open_database(read_settings().database_url.get_secret_value(), connections=1)
    migrations.upgrade(engine)
    engine.dispose()
    Console(stderr=True).print("The database has the schema of this version.")


@database_app.command("grants")
def print_grants(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="The role that the service uses.")],
    *,
    operators: Annotated[
        bool,
        typer.Option(
            "--operators", show_default=False, help="Of the role that operators' commands use."
        ),
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", show_default=False, help="Grant it in the database.")
    ] = False,
) -> None:
    """Print the SQL that gives the service's role what it needs, on PostgreSQL, and no more.

    Under it the database itself refuses to change or remove what was logged or sold:
    tokens, the token log, its checkpoints, entries of credit. Another role owns the
    tables, runs `vending database upgrade`, and then this again. The role must exist;
    neither its password nor its login is touched.

    Example: `vending database grants vending_service | psql -d vending`

    With --operators it is what commands need, `vending login` and `approvals` among them: all
    but to change or remove what is evidence, the audit trail too.

    With --apply it is done in the database of VENDING_DATABASE_URL, in one
    transaction; that address must be the owner's.
    """
    given = OPERATORS if operators else PRIVILEGES
    if not apply:
        for statement in grants(role, given):
            typer.echo(f"{statement};")
        return
    with writing() as connection:
        if connection.dialect.name != "postgresql":
            raise CommandRefused("SQLite has no roles; whoever may write the file may change it")
        owned = owned_tables(connection, role)
        if owned:
            raise CommandRefused(
                f"{role} owns {', '.join(owned)}, so nothing can be kept from it; "
                "let another role own the tables"
            )
        apply_grants(connection, role, given)
    who = "operators need" if operators else "the service needs"
    Console(stderr=True).print(f"{role} may do what {who}, and no more.")
