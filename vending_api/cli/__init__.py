"""The `vending` command: runs the service, its database and its demo."""

from __future__ import annotations

import sys

import typer
from sqlalchemy.exc import DBAPIError
from typer.exceptions import TyperException

from sts.errors import StsError
from tariffs.errors import TariffError
from vending_api.cli.backup import backup, restore
from vending_api.cli.client import client_app
from vending_api.cli.consumer import consumer_app
from vending_api.cli.database import database_app
from vending_api.cli.demo import demo
from vending_api.cli.estate import estate_app
from vending_api.cli.importing import import_meters, import_site
from vending_api.cli.importing.help import METERS_HELP, SITE_HELP
from vending_api.cli.meter import meter_app
from vending_api.cli.payments import payments_app
from vending_api.cli.point_of_sale import SaleRefused
from vending_api.cli.receipt import receipt
from vending_api.cli.reconcile import reconcile
from vending_api.cli.sale import sale_app
from vending_api.cli.serve import serve
from vending_api.cli.station import CommandRefused
from vending_api.cli.support_key import support_key_app
from vending_api.cli.tariff import tariff_app
from vending_api.cli.tariff.plot import PlotUnavailable
from vending_api.cli.token import token_app
from vending_api.cli.worker import worker
from vending_api.kit.entries import EntryInvalid
from vending_api.kit.errors import DomainError
from vending_api.kit.far_lanes import StartFailed
from vending_api.sandbox.demo_data import DemoRefused
from vending_api.settings import SettingsInvalid

app = typer.Typer(
    name="vending",
    help="Sell prepaid electricity, water and gas as STS tokens.\n\n"
    "Try it: `vending demo`. Run it: `vending database upgrade`, then `vending serve`.\n\n"
    "The environment configures it: VENDING_DATABASE_URL, VENDING_KEYS_FILE, "
    "VENDING_STA_TABLES, VENDING_HOST, VENDING_PORT, VENDING_WORKERS; to sell online "
    "VENDING_PAYSTACK_SECRET_KEY and VENDING_PUBLIC_URL. `.env.template` explains all of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(serve)
app.command()(receipt)
app.command()(reconcile)
app.command()(backup)
app.command()(restore)
app.add_typer(database_app)
app.add_typer(tariff_app)
app.add_typer(sale_app)
app.command("import", help=SITE_HELP)(import_site)
app.command("import-meters", help=METERS_HELP)(import_meters)
app.add_typer(meter_app)
app.add_typer(client_app)
app.add_typer(token_app)
app.command()(worker)
app.add_typer(payments_app)
app.add_typer(estate_app)
app.add_typer(consumer_app)
app.add_typer(support_key_app)

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
    except typer.Abort:
        _leave("interrupted; nothing was done", _FAILED)
    except (DomainError, EntryInvalid, CommandRefused) as error:
        _leave(str(error), _FAILED)
    except (StsError, TariffError, DemoRefused, SaleRefused, PlotUnavailable) as error:
        _leave(str(error), _FAILED)
    except (StartFailed, OSError) as error:
        _leave(str(error), _FAILED)
    except DBAPIError as error:
        _leave(f"VENDING_DATABASE_URL: the database cannot be used: {error.orig}", _FAILED)


def _leave(message: str, code: int) -> None:
    sys.stderr.write(f"vending: {' '.join(message.split())}\n")
    sys.exit(code)
