"""The `sts` command: make tokens, read them, and prove that both are done right."""

from __future__ import annotations

import typer

from sts.cli import batch, issue, keys
from sts.cli.look import meter_number
from sts.cli.program import OneLineErrors
from sts.cli.prove import conformance
from sts.cli.read import decode, describe

app = typer.Typer(
    name="sts",
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="STS prepayment tokens (IEC 62055-41): make them, read them, prove the installation.",
    epilog="Exit codes: 0 done; 1 the data or the request was refused; 2 wrong usage. Keys come "
    "from files only: --keys FILE or VENDING_KEYS_FILE, --sta-tables FILE or VENDING_STA_TABLES.",
)
app.add_typer(issue.app, name="issue")
app.add_typer(batch.app, name="batch")
app.command()(decode)
app.command()(describe)
app.command()(conformance)
app.add_typer(keys.app, name="keys")
app.command()(meter_number)


def main() -> None:
    """Run the command line of this process."""
    app(prog_name="sts")
