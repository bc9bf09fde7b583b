"""The `vending` command: runs the service, its database and its demo."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import Final

import typer

from vending_api.cli.command import name_commands
from vending_api.cli.commands import COMMANDS

_HELP: Final = (
    "Sell prepaid electricity, water and gas as STS tokens.\n\n"
    "Try it: `vending demo`. Run it: `vending database upgrade`, then `vending serve`.\n\n"
    "The environment configures it: VENDING_DATABASE_URL, VENDING_KEYS_FILE, "
    "VENDING_KEYS_PASSPHRASE_FILE, VENDING_STA_TABLES, VENDING_HOST, VENDING_PORT, "
    "VENDING_WORKERS; to sell online VENDING_PAYSTACK_SECRET_KEY and VENDING_PUBLIC_URL. "
    "`.env.template` explains all of them."
)

_HELP_OF: Final = {"import": "SITE_HELP", "import-meters": "METERS_HELP"}
"""Those whose help is a text of `importing.help`."""


def main() -> None:
    """Run the command: exit code 0 done, 1 failed or refused, 2 used wrongly."""
    wanted = next(iter(sys.argv[1:]), "")
    try:
        sys.exit((_app([wanted]) if wanted in COMMANDS else _list())(standalone_mode=False))
    except Exception as error:
        ending = import_module("vending_api.cli.endings").ending_of(error)
        if ending is None:
            raise
        message, code = ending
        sys.stderr.write(f"vending: {' '.join(message.split())}\n")
        sys.exit(code)


def _list() -> typer.Typer:
    """Return the command with the names of all its commands, for its help and for what is none."""
    app = _empty()
    for name, entry in COMMANDS.items():
        app.command(name, help=entry.summary)(_group)
    return app


def _app(names: list[str]) -> typer.Typer:
    """Return the command with some of its commands."""
    gc.disable()  # what is being loaded is no garbage; to look for some takes a fifth of the time
    app = _empty()
    for name in names:
        module, attribute = COMMANDS[name].place.split(".")
        found = getattr(import_module(f"vending_api.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found)
            continue
        texts = import_module("vending_api.cli.importing.help") if name in _HELP_OF else None
        help_text = getattr(texts, _HELP_OF[name]) if texts is not None else None
        app.command(name, help=help_text)(found)
    list(name_commands(app))
    gc.enable()
    return app


def _empty() -> typer.Typer:
    app = typer.Typer(
        name="vending",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_group)
    return app


def all_commands() -> list[str]:
    """Return the path of every command, as it is typed: `client deposit`."""
    return list(name_commands(_app(list(COMMANDS))))


def _group() -> None:
    # A group with one command would otherwise become that command.
    pass
