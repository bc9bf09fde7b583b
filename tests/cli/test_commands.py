"""The list of all commands says what the commands say of themselves, without loading them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

from typer.testing import CliRunner

from vending_api import cli
from vending_api.cli.commands import COMMANDS

if TYPE_CHECKING:
    import typer

_PROGRAM: Final = """
import atexit, sys
from vending_api.cli import main
atexit.register(lambda: print(*[one for one in sys.modules if one.startswith("vending_api")]))
main()
"""


def test_the_list_is_that_of_the_commands_themselves() -> None:
    assert _help_of(cli._list()) == _help_of(cli._app(list(COMMANDS)))


def test_the_list_loads_no_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "--help"], check=True, capture_output=True, text=True
    )
    assert "Show a whole sale" in done.stdout
    modules = done.stdout.splitlines()[-1].split()
    assert sorted(modules) == [
        "vending_api",
        "vending_api.cli",
        "vending_api.cli.command",
        "vending_api.cli.commands",
    ]


def _help_of(app: typer.Typer) -> str:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "300"})
    assert shown.exit_code == 0
    return shown.output
