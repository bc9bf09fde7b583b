"""`vending database`: the schema of the database."""

from __future__ import annotations

import typer
from rich.console import Console

from vending_api import migrations
from vending_api.kit.db import open_database
from vending_api.settings import read_settings

database_app = typer.Typer(name="database", help="Create the schema, or bring it up to date.")


@database_app.callback()
def _group() -> None:
    # A group with one command would otherwise become that command.
    pass


@database_app.command()
def upgrade() -> None:
    """Bring the database of VENDING_DATABASE_URL to the schema of this version.

    Creates the tables of an empty database. Harmless when nothing is to be done.
    """
    engine = open_database(read_settings().database_url.get_secret_value(), connections=1)
    migrations.upgrade(engine)
    engine.dispose()
    Console(stderr=True).print("The database has the schema of this version.")
