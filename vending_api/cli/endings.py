"""How the `vending` command ends when something went wrong: one line, and an exit code."""

from __future__ import annotations

from typing import Final

import typer
from sqlalchemy.exc import DBAPIError
from typer.exceptions import TyperException

from sts.errors import StsError
from tariffs.errors import TariffError
from vending_api.cli.point_of_sale import SaleRefused
from vending_api.cli.station import CommandRefused
from vending_api.cli.tariff.plot import PlotUnavailable
from vending_api.custody.counters import CountersInvalid
from vending_api.custody.start import ModuleNotStarted
from vending_api.kit.entries import EntryInvalid
from vending_api.kit.errors import DomainError
from vending_api.kit.far_process import StartFailed
from vending_api.sandbox.demo_data import DemoRefused
from vending_api.settings import SettingsInvalid

_FAILED: Final = 1
_MISUSED: Final = 2
_EXPECTED: Final = (
    *(DomainError, EntryInvalid, CommandRefused, StsError, TariffError, DemoRefused),
    *(SaleRefused, PlotUnavailable, StartFailed, ModuleNotStarted, CountersInvalid, OSError),
)


def ending_of(error: Exception) -> tuple[str, int] | None:
    """Return what is said of an error, and the exit code; None for one that nobody expected."""
    if isinstance(error, TyperException):
        return f"{error.format_message()} (see `vending --help`)", _MISUSED
    if isinstance(error, SettingsInvalid):
        return str(error), _MISUSED
    if isinstance(error, typer.Abort):
        return "interrupted; nothing was done", _FAILED
    if isinstance(error, DBAPIError):
        return f"VENDING_DATABASE_URL: the database cannot be used: {error.orig}", _FAILED
    if isinstance(error, _EXPECTED):
        return str(error), _FAILED
    return None
