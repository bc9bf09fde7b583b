"""`vending meter`: look at a meter, block it, order it another key."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.key_sections import KeySections
from sts.keys.sealed_file import key_directory
from tariffs.account import Account
from vending_api.cli.ordering import ReasonOption, carry_out
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import JsonOption, print_facts, print_json, say, yes_or_no
from vending_api.cli.typed import checked
from vending_api.domain.accounts.service import account_of
from vending_api.domain.actions.types import ChangeKeyData
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.key_changes.service import due_key_change
from vending_api.domain.meters.service import (
    find_meter,
    lock_meter,
    set_blocked,
)
from vending_api.domain.meters.types import KeyData, Meter
from vending_api.domain.token_queue.service import waiting
from vending_api.settings import read_settings

MeterArgument = Annotated[
    str, typer.Argument(metavar="METER", help="The number that points of sale send.")
]

meter_app: Final = typer.Typer(
    name="meter", help="Look at a meter, block it, order it another key.", no_args_is_help=True
)


@meter_app.command()
def show(meter: MeterArgument, *, as_json: JsonOption = False) -> None:
    """Show all that the register knows of a meter.

    Sums are in minor units of the utility's currency.

    Example: `vending meter show 01000000017`
    """
    with reading() as connection:
        found = find_meter(connection, meter)
        account = account_of(connection, found.key)
        queued = len(waiting(connection, found))
    facts = _facts(found, account, queued)
    if as_json:
        print_json(facts)
    else:
        print_facts(_lines(facts))


@meter_app.command()
def block(meter: MeterArgument) -> None:
    """Sell nothing to a meter any more, until it is unblocked.

    Points of sale are told that the meter is blocked. What was sold stays good.
    """
    _set_blocked(meter, is_blocked=True)


@meter_app.command()
def unblock(meter: MeterArgument) -> None:
    """Sell to a meter again that was blocked."""
    _set_blocked(meter, is_blocked=False)


@meter_app.command("key-change")
def key_change(
    meter: MeterArgument,
    *,
    supply_group: Annotated[
        str | None, typer.Option(metavar="SGC", help="The supply group it moves to, 6 digits.")
    ] = None,
    revision: Annotated[
        int | None, typer.Option(metavar="KRN", help="The revision of the group's key, 1 to 9.")
    ] = None,
    tariff_index: Annotated[
        str | None, typer.Option(metavar="TI", help="The tariff index, 2 digits.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", show_default=False, help="Take back such an order.")
    ] = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Order a meter to hold other key data, by key change tokens with its next purchase.

    What is not given stays as the meter holds it. The tokens come first on the slip, and the
    credit after them is made under the new key. Until that purchase the order can be
    withdrawn; afterwards, order the way back.

    Example: `vending meter key-change 01000000017 --revision 2`
    """
    given = {
        "supply_group_code": checked(SupplyGroupCode, supply_group, "--supply-group"),
        "key_revision_number": checked(KeyRevisionNumber, revision, "--revision"),
        "tariff_index": checked(TariffIndex, tariff_index, "--tariff-index"),
    }
    if withdraw == any(one is not None for one in given.values()):
        raise typer.BadParameter(
            "give one of them at least, or --withdraw alone",
            param_hint="--supply-group, --revision, --tariff-index",
        )
    order = ChangeKeyData(
        meter=meter, supply_group=supply_group, revision=revision, tariff_index=tariff_index
    )
    if carry_out(order, reason=reason, as_json=as_json) is None:
        return
    with reading() as connection:
        ordered = find_meter(connection, meter)
    if as_json:
        print_json(_key_change_facts(ordered))
    else:
        say(_key_change_words(ordered))
    for warning in _key_warnings(ordered):
        say(f"warning: {warning}")


def _set_blocked(external_id: str, *, is_blocked: bool) -> None:
    with writing() as connection:
        meter = lock_meter(connection, external_id)
        set_blocked(connection, meter, is_blocked=is_blocked)
    words = "blocked" if is_blocked else "not blocked"
    before = " already" if meter.is_blocked == is_blocked else " now"
    say(f"Meter {external_id} is {words}{before}.")


def _facts(meter: Meter, account: Account, queued: int) -> dict[str, Any]:
    configuration, last = meter.configuration, meter.last_token_identifier
    return {
        "meter_number": meter.external_id,
        "pan": configuration.pan.digits,
        "drn": configuration.pan.decoder.digits,
        "service_type": meter.service_type.value,
        "is_blocked": meter.is_blocked,
        "utility": meter.utility.name,
        "tariff": meter.tariff_name,
        "first_name": meter.customer.first_name,
        "last_name": meter.customer.last_name,
        "address": meter.customer.address,
        **_key_change_facts(meter),
        "base_date": meter.base_date.value,
        "encryption_algorithm": configuration.encryption_algorithm.value,
        "token_technology_code": meter.token_technology_code,
        "minimum_minor": meter.limits.minimum_minor,
        "maximum_minor": meter.limits.maximum_minor,
        "last_token_identifier": None if last is None else last.minutes,
        "queued_tokens": queued,
        "customer_class": account.customer_class,
        "is_exempt": account.is_exempt,
        "gets_free_units": account.gets_free_units,
        "last_purchase_on": account.last_purchase_on,
        "units_this_month": str(account.units_this_month),
        "paid_this_month_minor": account.paid_this_month_minor,
        "debts": [{"name": one.name, "minor": one.balance_minor} for one in account.debts],
        "charges_owed": [{"name": one.name, "minor": one.amount_minor} for one in account.owed],
    }


def _lines(facts: dict[str, Any]) -> list[tuple[str, object]]:
    """Return facts as lines for people, without those that say nothing."""
    name = " ".join(part for part in (facts["first_name"], facts["last_name"]) if part)
    lines: list[tuple[str, object]] = [
        ("Meter", facts["meter_number"]),
        ("PAN", facts["pan"]),
        ("Service", facts["service_type"]),
        ("Blocked", yes_or_no(facts["is_blocked"])),
        ("Customer", name),
        ("Address", facts["address"]),
        ("Utility", facts["utility"]),
        ("Tariff", facts["tariff"]),
        ("SGC  KRN  TI", "  ".join(str(one) for one in facts["key_data"].values())),
        ("to hold", _ordered_words(facts)),
        ("Base date", str(facts["base_date"])),
        ("EA, TCT", f"{facts['encryption_algorithm']}, {facts['token_technology_code']}"),
        ("Purchases", f"{facts['minimum_minor']:,} to {facts['maximum_minor']:,}"),
        ("Class", facts["customer_class"]),
        ("Exempt", yes_or_no(facts["is_exempt"])),
        ("Free units", yes_or_no(facts["gets_free_units"])),
        ("Last purchase", facts["last_purchase_on"]),
        ("Units this month", facts["units_this_month"]),
        ("Paid this month", facts["paid_this_month_minor"]),
        ("Tokens queued", facts["queued_tokens"] or None),
        *((f"Debt: {one['name']}", one["minor"]) for one in facts["debts"]),
        *((f"Owed: {one['name']}", one["minor"]) for one in facts["charges_owed"]),
    ]
    return [(name, value) for name, value in lines if value not in {None, ""}]


def _key_change_facts(meter: Meter) -> dict[str, Any]:
    held = KeyData.of(meter.configuration)
    is_due = meter.key_data_to_hold != held
    return {
        "key_data": _key_data(held),
        "key_data_to_hold": _key_data(meter.key_data_to_hold) if is_due else None,
        "key_change_tokens": _sections(meter) if is_due else 0,
    }


def _key_data(key_data: KeyData) -> dict[str, str | int]:
    return {
        "supply_group_code": key_data.supply_group_code.digits,
        "key_revision_number": key_data.key_revision_number.value,
        "tariff_index": key_data.tariff_index.digits,
    }


def _sections(meter: Meter) -> int:
    return KeySections(meter.configuration.encryption_algorithm).needed


def _ordered_words(facts: dict[str, Any]) -> str | None:
    ordered = facts["key_data_to_hold"]
    if ordered is None:
        return None
    values = "  ".join(str(one) for one in ordered.values())
    return f"{values}  ({facts['key_change_tokens']} tokens with its next purchase)"


def _key_change_words(meter: Meter) -> str:
    held, ordered = KeyData.of(meter.configuration), meter.key_data_to_hold
    if ordered == held:
        return f"Meter {meter.external_id} keeps the key data that it holds; nothing is ordered."
    before, after = _key_data(held), _key_data(ordered)
    changes = ", ".join(
        f"{name.replace('_', ' ')} {before[name]} -> {after[name]}"
        for name in before
        if before[name] != after[name]
    )
    return (
        f"With its next purchase meter {meter.external_id} gets {_sections(meter)} key change "
        f"tokens: {changes}. The credit follows under the new key."
    )


def _key_warnings(meter: Meter) -> list[str]:
    """Return what the key file, if there is one, says against the key change of a meter."""
    file = read_settings().keys_file
    if file is None:
        return []
    try:
        due = due_key_change(key_directory(file), meter, None, datetime.now(UTC))
    except MeterKeyUnusable as unusable:
        return [f"nothing is sold to it until this is mended: {unusable.reason}"]
    if due is not None and due.new_base_date is not due.held_base_date:
        becomes = f"its base date becomes {due.new_base_date.value}"
        return [f"{becomes}, and with that the meter forgets the tokens that it has seen"]
    return []
