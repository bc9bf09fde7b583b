"""`vending client`: points of sale and aggregators, their credit, their passwords."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection

from vending_api.cli.ordering import carry_out
from vending_api.cli.password import ask
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import (
    JsonOption,
    print_facts,
    print_json,
    print_table,
    say,
    yes_or_no,
)
from vending_api.cli.tariff.options import positive_minor
from vending_api.domain.actions.types import Deposit
from vending_api.domain.clients import service as clients
from vending_api.domain.clients.types import Client
from vending_api.domain.credit import service as credit
from vending_api.domain.credit.types import Entry

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The client's user name.")]

client_app: Final = typer.Typer(
    name="client",
    help="Points of sale and aggregators: their credit, their passwords.",
    no_args_is_help=True,
)


@client_app.command("list")
def list_clients(*, as_json: JsonOption = False) -> None:
    """List the clients with their credit; sums are in minor units.

    New clients come with `vending import SITE.toml`.
    """
    with reading() as connection:
        facts = [_facts(connection, client) for client in clients.all_clients(connection)]
    if as_json:
        print_json(facts)
        return
    print_table(
        ("User", "Name", "On", "Prepaid", "Credit", "Most a sale", "Most a day"),
        [
            (
                *(one["user_name"], one["name"]),
                *(yes_or_no(one["is_active"]), yes_or_no(one["is_prepaid"])),
                one["balance_minor"] if one["is_prepaid"] else None,
                *(one["sale_maximum_minor"], one["day_maximum_minor"]),
            )
            for one in facts
        ],
    )


@client_app.command()
def show(user: UserArgument, *, as_json: JsonOption = False) -> None:
    """Show a client: terms, terminals, credit in minor units.

    Example: `vending client show corner-shop`
    """
    with reading() as connection:
        facts = _facts(connection, clients.find_client(connection, user))
    if as_json:
        print_json(facts)
        return
    print_facts(
        [
            ("User", facts["user_name"]),
            ("Name", facts["name"]),
            ("Switched on", yes_or_no(facts["is_active"])),
            ("Prepaid", yes_or_no(facts["is_prepaid"])),
            ("Credit", facts["balance_minor"]),
            ("Most a sale", _limit(facts["sale_maximum_minor"])),
            ("Most a day", _limit(facts["day_maximum_minor"])),
            ("Slip", f"{facts['slip_columns']} columns"),
            ("Terminals", ", ".join(facts["terminals"]) or "any"),
        ]
    )


@client_app.command()
def deposit(
    user: UserArgument,
    amount: Annotated[
        int, typer.Argument(metavar="AMOUNT", parser=positive_minor, help="In minor units.")
    ],
    *,
    reference: Annotated[
        str, typer.Option(metavar="TEXT", help="What names the payment; counts once.")
    ],
    note: Annotated[str, typer.Option(metavar="TEXT", help="A remark, for the statement.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Add a payment to the credit of a prepaid client.

    The reference is that of the payment at your bank. A deposit counts once: the same
    reference again is refused, whatever the sum.

    Example: `vending client deposit corner-shop 5000000 --reference EFT-2026-11-0042`
    """
    order = Deposit(user_name=user, amount_minor=amount, reference=reference, note=note)
    done = carry_out(order, reason=note or f"payment {reference}", as_json=as_json)
    if done is None:
        return
    balance_minor = done.result
    with reading() as connection:
        client = clients.find_client(connection, user)
    if as_json:
        print_json({"user_name": user, "deposited_minor": amount, "balance_minor": balance_minor})
    else:
        say(f"Added {amount:,} to the credit of {user}, which is {balance_minor:,} now.")
    if not client.terms.is_prepaid:
        say(f"warning: {user} is not prepaid, so its sales take nothing from it")


@client_app.command()
def statement(
    user: UserArgument,
    *,
    since: Annotated[
        str | None, typer.Option(metavar="ISO-DATE", help="The first day (UTC) to show.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what changed a client's credit, the oldest first; sums are in minor units.

    Example: `vending client statement corner-shop --since 2026-11-01`
    """
    first = None if since is None else _moment(since)
    with reading() as connection:
        client = clients.find_client(connection, user)
        entries = credit.statement(connection, client.key, since=first)
    if as_json:
        print_json([_entry(one) for one in entries])
        return
    print_table(
        ("Time (UTC)", "What", "Amount", "Credit", "Reference", "Note"),
        [
            (f"{one.at:%Y-%m-%d %H:%M:%S}", one.kind.value, *_sums(one), one.reference, one.note)
            for one in entries
        ],
    )


@client_app.command()
def password(user: UserArgument) -> None:
    """Give a client another password, which is asked for, or read from a pipe.

    It never stands on the command line, where other users of this machine could read it.
    A running service takes the new one at once, and forgets the old one in 5 seconds.

    Example: `vending client password corner-shop < new-password`
    """
    with reading() as connection:
        clients.find_client(connection, user)
    new_password = ask(user)
    with writing() as connection:
        client = clients.find_client(connection, user)
        clients.change_password(connection, client.key, new_password)
    say(f"{user} has another password now.")


@client_app.command("switch-off")
def switch_off(user: UserArgument) -> None:
    """Refuse all that a client asks, within 5 seconds; what it has sold stays good."""
    _set_active(user, is_active=False)


@client_app.command("switch-on")
def switch_on(user: UserArgument) -> None:
    """Serve a client again that was switched off."""
    _set_active(user, is_active=True)


def _set_active(user: str, *, is_active: bool) -> None:
    with writing() as connection:
        client = clients.find_client(connection, user)
        clients.set_active(connection, client.key, is_active=is_active)
    when = "already" if client.is_active == is_active else "now"
    say(f"{user} is switched {'on' if is_active else 'off'} {when}.")


def _facts(connection: Connection, client: Client) -> dict[str, Any]:
    terms = client.terms
    return {
        "user_name": client.user_name,
        "name": client.name,
        "is_active": client.is_active,
        "is_prepaid": terms.is_prepaid,
        "balance_minor": credit.balance(connection, client.key),
        "sale_maximum_minor": terms.sale_maximum_minor,
        "day_maximum_minor": terms.day_maximum_minor,
        "slip_columns": terms.slip_columns,
        "terminals": clients.terminals_of(connection, client),
    }


def _limit(maximum_minor: int | None) -> object:
    return "no limit" if maximum_minor is None else maximum_minor


def _sums(entry: Entry) -> tuple[int, int]:
    return entry.amount_minor, entry.balance_minor


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind.value,
        "amount_minor": entry.amount_minor,
        "balance_minor": entry.balance_minor,
        "reference": entry.reference,
        "note": entry.note,
    }


def _moment(text: str) -> datetime:
    """Return the beginning of a day, or a moment, in UTC; raises BadParameter."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text[:40]!r} is not a day such as 2026-11-01", param_hint="--since"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
