"""`vending sale`: a sale as operators see it."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Iterator
from datetime import UTC
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from sts.tokens.digits import grouped
from vending_api.cli.station import CommandRefused, reading
from vending_api.cli.tariff.output import console, json_of, plain, rate
from vending_api.domain.clients.service import all_clients
from vending_api.domain.clients.types import Client
from vending_api.domain.issuing.types import SoldToken
from vending_api.domain.meters.types import KeyData
from vending_api.domain.pricing.types import BillLine
from vending_api.domain.sales.service import find_sale
from vending_api.domain.sales.types import Sale, SaleKind, SaleState
from vending_api.domain.slips.service import carried_by, kind_of
from vending_api.kit.currencies import letters_of, plain_money

_WIDTH: Final = 80
_GROUPED: Final = 24
"""Characters of a token's digits with the spaces between; other columns give way to them."""
STATES: Final = {
    SaleState.ISSUED: "sold; the point of sale has not said what became of it",
    SaleState.CONFIRMED: "sold, handed over and paid",
    SaleState.REVERSED: "reversed, and given back to the client; its tokens still work",
    SaleState.REVERSAL_REFUSED: "reversed, but not given back; its tokens still work",
}
"""Every state in which something was sold, in words."""
_KINDS: Final = {SaleKind.PURCHASE: "Purchase", SaleKind.KEY_CHANGE: "Key change"}

ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE",
        help="Receipt number, reference on the slip, or id of the purchase or key change.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of tables; its numbers are exact.")
]

sale_app = typer.Typer(name="sale", help="Look into sales.")


@sale_app.callback()
def _group() -> None:
    # A group with one command would otherwise become that command.
    pass


@sale_app.command()
def show(reference: ReferenceArgument, *, as_json: JsonOption = False) -> None:
    """Show a sale with its tokens and its bill, and what became of it.

    Reads VENDING_DATABASE_URL. The digits of tokens are worth money: mind who looks on.

    Example: `vending sale show 17-000042`
    """
    with reading() as connection:
        sale = find(connection, reference)
        clients = {client.key: client for client in all_clients(connection)}
    client = clients[sale.client_key]
    if as_json:
        typer.echo(_json(sale, client))
    else:
        _print(sale, client)


def find(connection: Connection, reference: str) -> Sale:
    """Return the sale of a receipt number, a slip's reference or an id; raises CommandRefused."""
    sale = find_sale(connection, None, reference)
    if sale is not None:
        return sale
    raise CommandRefused(
        f"nothing was sold under {reference[:80]!r}; give a receipt number such as 17-000042, "
        "the reference on a slip, or the id of a purchase or key change"
    )


def _print(sale: Sale, client: Client) -> None:
    out = console()
    # In a terminal that is narrower, lines run on; of the digits nothing may be lost.
    out.width = max(_WIDTH, out.width)
    receipts = _receipts(sale)
    out.print(Text(f"{_KINDS[sale.kind]} {receipts[0] if receipts else sale.purchase_id}", "bold"))
    facts = Table.grid(padding=(0, 2))
    for label, value in _facts(sale, client, receipts):
        facts.add_row(Text(label, "dim"), Text(value))
    out.print(facts)
    out.print()
    out.print(_tokens(sale))
    if sale.bill.lines:
        out.print()
        out.print(_bill(sale))
        for note in _owed(sale):
            out.print(Text(note))


def _facts(sale: Sale, client: Client, receipts: list[str]) -> Iterator[tuple[str, str]]:
    local = sale.sold_at.astimezone(ZoneInfo(sale.meter.utility.time_zone))
    yield "State", STATES[sale.state]
    yield "Id", sale.purchase_id
    yield "Client", f"{client.user_name}, {client.name}"
    yield "Terminal", sale.terminal_id
    yield "Meter", f"{sale.meter.external_id}, {sale.meter.utility.name}"
    yield "Time", f"{local:%Y-%m-%d %H:%M:%S %Z} ({sale.sold_at.astimezone(UTC):%H:%M:%S} UTC)"
    if sale.kind is SaleKind.PURCHASE:
        yield "Paid", _sum(sale, sale.amount_minor)
    if sale.invoice_number is not None:
        yield "Tax invoice", sale.invoice_number
    if len(receipts) > 1:
        yield "Receipts", ", ".join(receipts)
    if (new := sale.new_key_data) is not None:
        held = sale.meter.configuration
        before = f"{held.supply_group_code}, {held.key_revision_number}, {held.tariff_index}"
        after = f"{new.supply_group_code}, {new.key_revision_number}, {new.tariff_index}"
        yield "SGC, KRN, TI", f"from {before} to {after}"


def _tokens(sale: Sale) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    table.add_column("Token")
    table.add_column("Carries", justify="right", no_wrap=True)
    table.add_column("Digits", min_width=_GROUPED, no_wrap=True)
    table.add_column("Identifier", justify="right", no_wrap=True)
    table.add_column("Receipt", no_wrap=True)
    for token in sale.tokens:
        identifier = token.token_identifier
        table.add_row(
            Text(kind_of(token.kind, sale.meter)),
            Text(carried_by(token, sale.meter)),
            grouped(token.digits) or "forgotten",
            "" if identifier is None else str(identifier.minutes),
            token.receipt_number or "",
        )
    return table


def _bill(sale: Sale) -> Table:
    letters, unit = letters_of(sale.currency), sale.meter.tariff.unit
    charges = [line.charge for line in sale.bill.lines]
    sums = [sum(one.net_minor for one in charges), sum(one.tax_minor for one in charges)]
    table = Table(
        box=box.SIMPLE,
        show_footer=True,
        pad_edge=False,
        show_edge=False,
        width=_WIDTH,
    )
    table.add_column("What, and why", "Together", ratio=1, vertical="bottom")
    for heading, footer in (
        (f"Quantity\n{unit}", ""),
        (f"Rate\n{letters}/{unit}", ""),
        (f"Amount\n{letters}", plain_money(sums[0], sale.currency)),
        (f"Tax\n{letters}", plain_money(sums[1], sale.currency)),
    ):
        table.add_column(Text(heading), footer, justify="right", vertical="bottom", no_wrap=True)
    for line in sale.bill.lines:
        if line.is_paid:
            table.add_row(*_cells(line, sale.currency))
    return table


def _cells(line: BillLine, currency: str) -> Iterator[Text | str]:
    charge = line.charge
    tax = f", {charge.tax_name} {plain(charge.tax_rate_percent)} %" if charge.tax_minor else ""
    receipt = "" if line.receipt_number is None else f", receipt {line.receipt_number}"
    yield Text.assemble(line.name, (f", {line.reason}{tax}{receipt}", "dim"))
    yield "" if line.units is None else plain(line.units)
    yield "" if line.rate_minor is None else rate(line.rate_minor, letters_of(currency))
    yield plain_money(charge.net_minor, currency)
    yield plain_money(charge.tax_minor, currency) if charge.tax_minor else ""


def _owed(sale: Sale) -> Iterator[str]:
    for line in sale.bill.lines:
        if line.balance_minor:
            yield f"Still owed after it: {_sum(sale, line.balance_minor)} {line.name}"


def _receipts(sale: Sale) -> list[str]:
    numbers = [token.receipt_number for token in sale.tokens]
    numbers += [line.receipt_number for line in sale.bill.lines]
    return [number for number in numbers if number is not None]


def _sum(sale: Sale, amount_minor: int) -> str:
    return f"{letters_of(sale.currency)} {plain_money(amount_minor, sale.currency)}"


def _json(sale: Sale, client: Client) -> str:
    """Return a sale as JSON; money in minor units, units as exact numbers."""
    shown: dict[str, Any] = {
        "kind": sale.kind,
        "id": sale.purchase_id,
        "state": sale.state,
        "client": client.user_name,
        "terminal": sale.terminal_id,
        "meter": sale.meter.external_id,
        "sold_at": sale.sold_at.isoformat(),
        "currency": letters_of(sale.currency),
        "amount_minor": sale.amount_minor,
        "tax_minor": sale.tax_total_minor,
        "invoice_number": sale.invoice_number,
        "key_data": _key_data_json(KeyData.of(sale.meter.configuration)),
        "new_key_data": None if sale.new_key_data is None else _key_data_json(sale.new_key_data),
        "tokens": [_token_json(token) for token in sale.tokens],
        "bill": sale.bill.lines,
    }
    return json_of(shown)


def _key_data_json(key_data: KeyData) -> dict[str, Any]:
    return {
        "supply_group_code": str(key_data.supply_group_code),
        "key_revision_number": key_data.key_revision_number.value,
        "tariff_index": str(key_data.tariff_index),
    }


def _token_json(token: SoldToken) -> dict[str, Any]:
    identifier = token.token_identifier
    return {
        "kind": token.kind,
        "digits": token.digits,
        "units_tenths": token.units_tenths,
        "setting": token.setting,
        "token_identifier": None if identifier is None else identifier.minutes,
        "receipt_number": token.receipt_number,
        "net_minor": token.charge.net_minor,
        "tax_minor": token.charge.tax_minor,
    }
