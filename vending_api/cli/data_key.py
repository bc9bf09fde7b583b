"""`vending data-key`: the keys under which sold tokens are stored, and how long they are kept."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection

from vending_api.cli.station import CommandRefused, reading, writing
from vending_api.cli.tables import JsonOption, print_facts, print_json, say
from vending_api.domain.issuing import service as issuing
from vending_api.kit.vault import (
    KEY_OCTETS,
    DataKeysInvalid,
    vault_of,
    write_new_data_key,
)
from vending_api.settings import SettingsInvalid, read_settings

_AT_ONCE: Final = 1_000
"""Tokens of a transaction; on SQLite sales wait for it, some ten milliseconds."""
_FEWEST_DAYS: Final = 31

data_key_app: Final = typer.Typer(
    name="data-key",
    help="Keys under which sold tokens are stored encrypted, and how long tokens are kept.",
    no_args_is_help=True,
)


@data_key_app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of the data keys.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Make a data key: the first of a new file, or a newer one in a file that is there.

    Name the file in VENDING_DATA_KEYS_FILE of everything that opens the database. Tokens that
    are sold from the next start on are encrypted under the newest key; `vending data-key apply`
    encrypts those that were stored before. Keep a copy of the file apart from the copies of the
    database: without it nobody reads the tokens again, and with both anybody does.

    Example: `vending data-key new /var/lib/vending/data.keys`
    """
    try:
        key_id = write_new_data_key(file, chance=secrets.token_bytes(KEY_OCTETS))
    except DataKeysInvalid as error:
        raise CommandRefused(str(error)) from None
    if as_json:
        print_json({"file": str(file), "key": key_id})
        return
    print_facts([("file", file), ("newest key", key_id)])


@data_key_app.command()
def apply() -> None:
    """Encrypt all stored tokens under the newest key, whatever they are stored under now.

    Sales go on. It may be ended and begun again; afterwards older keys open nothing any more.
    """
    with reading() as connection:
        if vault_of(connection).newest is None:
            raise SettingsInvalid("VENDING_DATA_KEYS_FILE: it is not set; name a file of data keys")
    count = _in_steps(
        "Encrypting",
        lambda connection, after: issuing.seal_tokens(connection, after=after, most=_AT_ONCE),
    )
    say(f"All tokens are encrypted under the newest key; {count} steps had some that were not.")


@data_key_app.command()
def forget(
    *,
    days: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=_FEWEST_DAYS,
            help="Keep the digits of tokens for so many days. [default: VENDING_TOKENS_KEPT_DAYS]",
        ),
    ] = None,
) -> None:
    """Forget the digits of tokens that are older than so many days; run it every night.

    Everything else about them stays, and so does the SHA-256 that the token log has, so that
    records still prove one another. Such a token cannot be handed out again.

    The role that owns the tables must run it: the service itself cannot change what was sold.

    Example: `vending data-key forget --days 365`
    """
    kept = days if days is not None else read_settings().tokens_kept_days
    if kept is None:
        raise SettingsInvalid("VENDING_TOKENS_KEPT_DAYS: it is not set; set it, or give --days")
    before = datetime.now(UTC) - timedelta(days=kept)
    count = _in_steps(
        "Forgetting",
        lambda connection, after: issuing.forget_tokens(
            connection, after=after, before=before, most=_AT_ONCE
        ),
    )
    say(f"No digits are kept of tokens from before {before:%Y-%m-%d %H:%M} UTC; {count} steps.")


def _in_steps(doing: str, step: Callable[[Connection, int], int | None]) -> int:
    """Do something in transactions of its own until nothing is left, and return how many."""
    count, after = 0, 0
    columns = (TextColumn("{task.description}"), TextColumn("to token {task.completed:,.0f}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(doing, total=None)
        while True:
            with writing() as connection:
                last = step(connection, after)
            if last is None:
                return count
            count, after = count + 1, last
            progress.update(task, completed=last)
