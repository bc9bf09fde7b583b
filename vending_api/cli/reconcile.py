"""`vending reconcile`: what operators must settle, and whether all records agree."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vending_api.cli.station import reading, writing
from vending_api.cli.tables import JsonOption, print_json, print_table, say, yes_or_no
from vending_api.domain.advices.service import close_case, open_cases
from vending_api.domain.advices.types import ReversalCase
from vending_api.domain.reconciling.service import differences
from vending_api.domain.reconciling.types import Difference
from vending_api.kit.currencies import letters_of, plain_money

_FAILED: Final = 1
_WIDTH: Final = 80
_AGES: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def reconcile(
    *,
    close: Annotated[
        str | None, typer.Option(metavar="PURCHASE_ID", help="Settle the reversal of this sale.")
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How it was settled; goes with --close.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the reversals that wait for you, and all records that do not agree.

    A reversal cannot revoke a token. Where the client got its money back,
    somebody may still use the token; where it did not, the client may ask
    for it. Agree on each with the client, then close it with a note.

    Differences are between sales, tokens, the token log, receipt and invoice
    numbers, credit, queued tokens and advices. There should never be one.
    A million sales take about a minute; nothing is changed, and sales go on.

    Exit code 1 says that there is a difference. Open reversals alone are
    daily work: exit code 0.

    Example: `vending reconcile --close 5e0c --note "refunded 21 Nov"`
    """
    if close is not None:
        _close(close, note, as_json=as_json)
        return
    if note is not None:
        raise typer.BadParameter("it goes with --close", param_hint="--note")
    with reading() as connection, Console(stderr=True).status("Comparing all records"):
        cases, found = open_cases(connection), differences(connection)
    if as_json:
        listed = [asdict(case) | {"received_at": case.received_at.isoformat()} for case in cases]
        print_json({"open_reversals": listed, "differences": [asdict(one) for one in found]})
    else:
        _print_cases(cases, datetime.now(UTC))
        typer.echo()
        print_differences(found)
    if found:
        raise typer.Exit(_FAILED)


def print_differences(found: Sequence[Difference]) -> None:
    """Print what does not agree, or that everything does."""
    if found:
        rows = [(one.check, one.reference, one.problem) for one in found]
        print_table(("Difference", "At", "Problem"), rows)
    else:
        say("All records agree.")


def _close(purchase_id: str, note: str | None, *, as_json: bool) -> None:
    if note is None:
        raise typer.BadParameter("say how it was settled", param_hint="--note")
    with writing() as connection:
        close_case(connection, purchase_id, note=note, at=datetime.now(UTC))
    if as_json:
        print_json({"closed": purchase_id, "note": note})
    else:
        say(f"The reversal of {purchase_id} is settled.")


def _print_cases(cases: Sequence[ReversalCase], now: datetime) -> None:
    if not cases:
        say("No reversal is open.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    # The id is what --close needs, so it is kept whole.
    table.add_column("Reversed sale", no_wrap=True)
    table.add_column("Age", justify="right", no_wrap=True)
    table.add_column("Client", overflow="fold")
    table.add_column("Meter", overflow="fold")
    table.add_column("Amount", justify="right", overflow="fold")
    table.add_column("Credited", overflow="fold")
    for case in cases:
        amount = f"{plain_money(case.amount_minor, case.currency)} {letters_of(case.currency)}"
        cells = (case.purchase_id, _age(now - case.received_at), case.client_name)
        more = (case.external_meter_id, amount, yes_or_no(case.was_credited))
        table.add_row(*map(Text, (*cells, *more)))
    out = Console(highlight=False)
    # In a terminal that is narrower, lines run on.
    out.width = max(_WIDTH, out.width)
    out.print(table)


def _age(age: timedelta) -> str:
    for unit, word in _AGES:
        if age >= unit:
            return f"{age // unit} {word}"
    return "0 min"
