"""The `vending` command: runs the service, its database and its demo."""

from __future__ import annotations

import sys

import typer
from sqlalchemy.exc import DBAPIError
from typer.exceptions import TyperException

from sts.errors import StsError
from tariffs.errors import TariffError
from vending_api.cli.database import database_app
from vending_api.cli.demo import demo
from vending_api.cli.point_of_sale import SaleRefused
from vending_api.cli.serve import serve
from vending_api.cli.tariff import tariff_app
from vending_api.cli.tariff.plot import PlotUnavailable
from vending_api.sandbox.demo_data import DemoRefused
from vending_api.settings import SettingsInvalid

app = typer.Typer(
    name="vending",
    help="Sell prepaid electricity, water and gas as STS tokens.\n\n"
    "Try it: `vending demo`. Run it: `vending database upgrade`, then `vending serve`.\n\n"
    "The environment configures it: VENDING_DATABASE_URL, VENDING_KEYS_FILE, "
    "VENDING_STA_TABLES, VENDING_HOST, VENDING_PORT, VENDING_WORKERS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(serve)
app.add_typer(database_app)
app.add_typer(tariff_app)

_FAILED = 1
_MISUSED = 2


def main() -> None:
    """Run the command: exit code 0 done, 1 failed or refused, 2 used wrongly."""
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as error:
        _leave(f"{error.format_message()} (see `vending --help`)", _MISUSED)
    except SettingsInvalid as error:
        _leave(str(error), _MISUSED)
    except (StsError, TariffError, DemoRefused, SaleRefused, PlotUnavailable, OSError) as error:
        _leave(str(error), _FAILED)
    except DBAPIError as error:
        _leave(f"VENDING_DATABASE_URL: the database cannot be used: {error.orig}", _FAILED)


def _leave(message: str, code: int) -> None:
    sys.stderr.write(f"vending: {' '.join(message.split())}\n")
    sys.exit(code)
