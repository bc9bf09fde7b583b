"""`vending campaign show` and `list`: how far campaigns have come."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from vending_api.cli.campaign.options import NameArgument
from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_facts, print_json, print_table, say
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.types import CampaignKind, Report, RowState


def show(
    name: NameArgument,
    *,
    with_refused: Annotated[
        bool,
        typer.Option("--refused", show_default=False, help="List the meters that got nothing."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a campaign: what it is, who did what to it, and what became of its meters.

    Example: `vending campaign show rollover-2026`
    """
    with reading() as connection:
        report = campaigns.report(connection, name)
        refused = list(campaigns.refused(connection, report.campaign)) if with_refused else []
    if as_json:
        listed = [{"meter_number": one.external_id, "code": one.code} for one in refused]
        print_json(_facts(report) | ({"refused": listed} if with_refused else {}))
        return
    print_facts(_lines(report))
    typer.echo()
    print_table(
        ("Event", "By", "At (UTC)", "Note"),
        [
            (one.event, one.made_by, f"{one.at:%Y-%m-%d %H:%M:%S}", one.note)
            for one in report.events
        ],
    )
    if refused:
        typer.echo()
        print_table(("Meter", "Refused"), [(one.external_id, one.code) for one in refused])


def list_campaigns(*, as_json: JsonOption = False) -> None:
    """List all campaigns, the newest first."""
    with reading() as connection:
        found = campaigns.all_campaigns(connection)
    if as_json:
        names = ("name", "kind", "delivery", "state", "meters", "proposed_by", "approved_by")
        print_json([{name: getattr(one, name) for name in names} for one in found])
    elif not found:
        say("There is no campaign.")
    else:
        print_table(
            ("Campaign", "Kind", "Meters", "State", "Proposed by", "Approved by"),
            [
                (one.name, one.kind, one.meters, one.state, one.proposed_by, one.approved_by)
                for one in found
            ],
        )


def _facts(report: Report) -> dict[str, Any]:
    campaign, target = report.campaign, report.campaign.target
    return {
        "name": campaign.name,
        "kind": campaign.kind.value,
        "delivery": campaign.delivery.value,
        "state": campaign.state.value,
        "selection": campaign.selection,
        "reason": campaign.reason,
        "to_supply_group_code": _digits(target.supply_group_code),
        "to_key_revision_number": None
        if target.key_revision_number is None
        else target.key_revision_number.value,
        "to_tariff_index": _digits(target.tariff_index),
        "meters": campaign.meters,
        "units_tenths": report.units_tenths,
        "amount_minor": report.amount_minor,
        "largest_tenths": report.largest_tenths,
        "proposed_by": campaign.proposed_by,
        "approved_by": campaign.approved_by,
        "rows": {state.value: count for state, count in report.rows.items()},
        "brought": report.brought,
        "refusals": dict(report.refusals),
        "events": [
            {
                "event": one.event.value,
                "by": one.made_by,
                "at": one.at.isoformat(),
                "note": one.note,
            }
            for one in report.events
        ],
    }


def _lines(report: Report) -> Iterator[tuple[str, object]]:
    campaign, target = report.campaign, report.campaign.target
    yield "Campaign", campaign.name
    yield "What", f"{campaign.kind.replace('_', ' ')}, by {campaign.delivery.replace('_', ' ')}"
    yield "State", campaign.state.value
    yield "Meters", f"{campaign.meters:,}: {campaign.selection}"
    yield "Reason", campaign.reason
    if target.is_given:
        parts = (target.supply_group_code, target.key_revision_number, target.tariff_index)
        yield "SGC  KRN  TI", "  ".join("same" if one is None else str(one) for one in parts)
    if campaign.kind is CampaignKind.REFUND:
        units, largest = _units(report.units_tenths), _units(report.largest_tenths)
        yield (
            "Given back",
            f"{units} units, {largest} at most to one, worth {report.amount_minor:,}",
        )
    yield "Proposed by", campaign.proposed_by
    yield "Approved by", campaign.approved_by or "nobody yet"
    for state, count in report.rows.items():
        if count:
            more = f", {report.brought:,} brought since" if state is RowState.ORDERED else ""
            yield state.capitalize(), f"{count:,}{more}"
    for code, count in report.refusals.items():
        yield f"  {code}", f"{count:,}"


def _digits(value: Any) -> str | None:
    return None if value is None else str(value.digits)


def _units(tenths: int) -> str:
    return f"{tenths // 10:,}.{tenths % 10}"
