"""`vending support-key`: API keys of the staff, who may look at every order."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import secrets
import string
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from vending_api.cli.station import CommandRefused, reading, writing
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.domain.consumers import service as consumers
from vending_api.domain.consumers.types import API_KEY_CHARACTERS

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who is to hold the key.")]

_CHARACTERS: Final = string.ascii_letters + string.digits

support_key_app: Final = typer.Typer(
    name="support-key",
    help="API keys of support staff: they read every order, and can do nothing else.",
    no_args_is_help=True,
)


@support_key_app.command()
def add(name: NameArgument) -> None:
    """Make an API key for somebody of the staff, and print it: once, as only a digest is kept.

    It is good until it is revoked, for GET /api/purchases and nothing else.

    Example: `vending support-key add thandi > thandi.key`
    """
    api_key = "".join(secrets.choice(_CHARACTERS) for _ in range(API_KEY_CHARACTERS))
    with writing() as connection:
        consumers.add_staff_key(connection, name, api_key, datetime.now(UTC))
    typer.echo(api_key)
    say(f"{name} has a key now; keep it secret, it is not shown again.")


@support_key_app.command("list")
def list_keys(*, as_json: JsonOption = False) -> None:
    """List who of the staff holds an API key, and since when."""
    with reading() as connection:
        keys = consumers.staff(connection)
    if as_json:
        print_json([{"name": key.name, "added_at": key.added_at.isoformat()} for key in keys])
        return
    print_table(
        ("Name", "Since (UTC)"), [(key.name, f"{key.added_at:%Y-%m-%d %H:%M:%S}") for key in keys]
    )


@support_key_app.command()
def revoke(name: NameArgument) -> None:
    """Revoke the API key of somebody of the staff, at once.

    Example: `vending support-key revoke thandi`
    """
    with writing() as connection:
        if not consumers.revoke_staff_key(connection, name):
            raise CommandRefused(f"{name} holds no key; see `vending support-key list`")
    say(f"The key of {name} is revoked.")
