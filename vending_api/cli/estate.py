"""`vending estate`: utilities whose residents buy online."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from typing import Annotated, Any, Final

import typer

from vending_api.cli.ordering import ReasonOption, carry_out
from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.cli.tariff.options import minor
from vending_api.domain.actions.types import SetEstate
from vending_api.domain.estates import service as estates
from vending_api.domain.estates.types import Estate
from vending_api.kit.currencies import letters_of

estate_app: Final = typer.Typer(
    name="estate",
    help="Utilities whose residents buy online: where payments go, what is taken of each.",
    no_args_is_help=True,
)


@estate_app.command("list")
def list_estates(*, as_json: JsonOption = False) -> None:
    """List the estates by the number that residents register with; charges in minor units."""
    with reading() as connection:
        facts = [_facts(estate) for estate in estates.all_estates(connection)]
    if as_json:
        print_json(facts)
        return
    print_table(
        ("Number", "Utility", "Currency", "Charge", "Paystack account"),
        [
            (
                *(one["estate"], one["utility"], one["currency"]),
                *(one["transaction_charge_minor"], one["account_code"] or "main account"),
            )
            for one in facts
        ],
    )


@estate_app.command("set")
def set_estate(
    utility: Annotated[
        str, typer.Argument(metavar="UTILITY", help="The utility's name, as in its site file.")
    ],
    *,
    account_code: Annotated[
        str | None,
        typer.Option(
            metavar="ACCT_...",
            help='The Paystack subaccount that payments go to; "" for the main account.',
            show_default="as it is; main account at first",
        ),
    ] = None,
    charge: Annotated[
        int | None,
        typer.Option(
            metavar="MINOR",
            parser=minor,
            help="Taken from each payment before credit is sold for the rest, in minor units.",
            show_default="as it is; 0 at first",
        ),
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let the residents of a utility buy online, or change the terms on which they do.

    What is not named stays as it is. Orders keep the terms that they were placed under.

    Example: `vending estate set "Palm Gardens" --account-code ACCT_8f4s1eq7 --charge 20000`
    """
    order = SetEstate(utility=utility, account_code=account_code, charge_minor=charge)
    done = carry_out(order, reason=reason, as_json=as_json)
    if done is None:
        return
    estate: Estate = done.result
    if as_json:
        print_json(_facts(estate))
        return
    say(
        f"{estate.name} is estate {estate.key}: payments go to "
        f"{estate.account_code or 'the main account'}, "
        f"{estate.transaction_charge_minor:,} of each is the charge."
    )


def _facts(estate: Estate) -> dict[str, Any]:
    return {
        "estate": estate.key,
        "utility": estate.name,
        "currency": letters_of(estate.currency),
        "transaction_charge_minor": estate.transaction_charge_minor,
        "account_code": estate.account_code,
        "created_at": estate.created_at.isoformat(),
        "updated_at": estate.updated_at.isoformat(),
    }
