"""A purchase answer as the slip that a customer gets."""

from __future__ import annotations

from typing import Any, Final

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sts.tokens.digits import grouped

_WIDTH: Final = 48
_KEY_DATA: Final = ("supplyGroupCode", "tariffIndex", "keyRevisionNum")
_KINDS: Final = {"STD": "Electricity", "BSST": "Free electricity", "REFUND": "Refund"}


def receipt(purchase: dict[str, Any], *, uses_sample_tables: bool) -> Panel:
    """Return the slip of a purchase answer, 48 columns wide.

    Says so when the tokens were made with the sample STA tables.
    """
    utility, customer, meter = purchase["utility"], purchase["customer"], purchase["meter"]
    head = _rows(
        ("Date", purchase["time"].partition(".")[0].replace("T", " ") + " UTC"),
        ("VAT number", utility["vatRegNum"]),
        ("Customer", f"{customer['firstName']} {customer['lastName']}"),
        ("Meter", meter["meterId"]),
        (
            "SGC  TI  KRN",
            f"{meter['supplyGroupCode']}  {meter['tariffIndex']}  {meter['keyRevisionNum']}",
        ),
    )
    parts: list[Any] = [head, *map(_token, purchase["tokens"]), _totals(purchase)]
    if uses_sample_tables:
        parts.append(Text("\nSAMPLE TABLES: no real meter takes this", style="yellow"))
    if utility.get("message"):
        parts.append(Text(f"\n{utility['message']}", justify="center"))
    title = f"{utility['name']}, {utility['address']}"
    return Panel(Group(*parts), title=title, width=_WIDTH, box=box.ASCII)


def money(amount_minor: int) -> str:
    """Return a sum in rand, as in "R100.00"."""
    return f"R{amount_minor // 100}.{amount_minor % 100:02}"


def _token(token: dict[str, Any]) -> Text:
    kind = _KINDS.get(token["tokenType"], token["tokenType"])
    text = Text(f"\n{kind}: {token['units']} kWh\n")
    for block in token.get("tariffCalc", ()):
        text.append(f"{block['units']} kWh at {block['rate']} c\n")
    return text.append(f"{grouped(token['token'])}\n", style="bold")


def _totals(purchase: dict[str, Any]) -> Table:
    services, debts = purchase.get("serviceCharges", ()), purchase.get("debtRecoveryCharges", ())
    parts = [
        ("Energy", purchase["purchaseTotal"]["amount"]),
        *((one["description"], one["amount"]["amount"]) for one in services),
        (_tax_label(purchase), purchase["taxTotal"]["amount"]),
        *((one["description"], one["amount"]["amount"]) for one in debts),
    ]
    rows = [(label, money(amount_minor)) for label, amount_minor in parts]
    rows.append(("Paid", money(sum(amount_minor for _, amount_minor in parts))))
    rows += [
        (f"{one['description']}, still owed", money(one["balance"]["amount"])) for one in debts
    ]
    return _rows(*rows)


def _tax_label(purchase: dict[str, Any]) -> str:
    amount = purchase["tokens"][0]["amount"]
    return f"{amount['taxType']} {amount['taxRate']:g} %" if "taxType" in amount else "Tax"


def _rows(*rows: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, value in rows:
        table.add_row(label, value)
    return table
