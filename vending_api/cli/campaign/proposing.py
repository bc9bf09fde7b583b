"""`vending campaign key-change`, `free-units` and `refund`: propose a campaign."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from vending_api.cli.campaign.listing import UNITS, MeterList, load_list, tenths
from vending_api.cli.campaign.options import (
    ByOption,
    FileOption,
    GroupOption,
    NameArgument,
    ReasonOption,
    TariffOption,
    person,
)
from vending_api.cli.importing.columns import CellWrong
from vending_api.cli.importing.meter_file import RowProblem
from vending_api.cli.importing.problems import ImportRefused
from vending_api.cli.importing.report import print_refused, print_rows_refused
from vending_api.cli.station import writing
from vending_api.cli.tables import JsonOption, print_json, say
from vending_api.cli.tariff.options import minor
from vending_api.cli.typed import checked
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.types import (
    CampaignKind,
    Delivery,
    KeyTarget,
    NewCampaign,
    RefundOf,
    Selection,
)
from vending_api.settings import SettingsInvalid, read_settings

_FAILED: Final = 1


class Deliver(StrEnum):
    """How tokens reach the customers, as it is typed."""

    FILE = "file"
    NEXT_PURCHASE = "next-purchase"
    MESSAGE = "message"


DeliverOption = Annotated[
    Deliver,
    typer.Option(
        metavar="HOW",
        help="file: made now, to be exported; next-purchase: ordered now; message: "
        "made now and sent to the meter's consumer.",
    ),
]


def key_change(  # noqa: PLR0913 (each is an option that may be typed)
    name: NameArgument,
    *,
    by: ByOption = None,
    reason: ReasonOption,
    supply_group: GroupOption = None,
    tariff: TariffOption = None,
    file: FileOption = None,
    to_supply_group: Annotated[
        str | None, typer.Option(metavar="SGC", help="The supply group they move to, 6 digits.")
    ] = None,
    to_revision: Annotated[
        int | None, typer.Option(metavar="KRN", help="The revision of the group's key, 1 to 9.")
    ] = None,
    to_tariff_index: Annotated[
        str | None, typer.Option(metavar="TI", help="The tariff index, 2 digits.")
    ] = None,
    deliver: DeliverOption = Deliver.FILE,
    as_json: JsonOption = False,
) -> None:
    """Propose that meters change their keys.

    Without --to-..., each meter gets the key change that is due to it: by an order, by its
    supply group's revision, or because its key or base date ends. Meters to which none is due
    are refused, one by one. With a file, the register says from the run on that they hold the
    new key: see that the tokens are keyed in.

    Example: `vending campaign key-change rollover-2026 --supply-group 100001 --to-revision 2
    --reason "base date 2014"`
    """
    target = KeyTarget(
        supply_group_code=checked(SupplyGroupCode, to_supply_group, "--to-supply-group"),
        key_revision_number=checked(KeyRevisionNumber, to_revision, "--to-revision"),
        tariff_index=checked(TariffIndex, to_tariff_index, "--to-tariff-index"),
    )
    _propose(
        *(name, CampaignKind.KEY_CHANGE, _Meters(supply_group, tariff, file)),
        by=by,
        reason=reason,
        deliver=deliver,
        as_json=as_json,
        target=target,
    )


def free_units(
    name: NameArgument,
    *,
    by: ByOption = None,
    reason: ReasonOption,
    supply_group: GroupOption = None,
    tariff: TariffOption = None,
    file: FileOption = None,
    deliver: DeliverOption = Deliver.FILE,
    as_json: JsonOption = False,
) -> None:
    """Propose that meters get the free units of the month that their tariffs give them.

    A meter that had them this month, or gets none, is refused. Whoever buys later in the month
    does not get them a second time.

    Example: `vending campaign free-units november --tariff home --reason "monthly"`
    """
    _propose(
        *(name, CampaignKind.FREE_UNITS, _Meters(supply_group, tariff, file)),
        by=by,
        reason=reason,
        deliver=deliver,
        as_json=as_json,
    )


def refund(  # noqa: PLR0913 (likewise)
    name: NameArgument,
    *,
    by: ByOption = None,
    reason: ReasonOption,
    supply_group: GroupOption = None,
    tariff: TariffOption = None,
    file: FileOption = None,
    units: Annotated[
        str | None, typer.Option(metavar="N", help="What each meter is given back, as in 12.5.")
    ] = None,
    amount: Annotated[
        int | None, typer.Option(metavar="MINOR", parser=minor, help="What that is worth each.")
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", show_default=False, help="The same was given back before: mean it."
        ),
    ] = False,
    deliver: DeliverOption = Deliver.FILE,
    as_json: JsonOption = False,
) -> None:
    """Propose that meters are given back units.

    The list may have a column `units`, and `amount_minor` beside it; else give --units for all.
    A meter whose refund is worth more than it may buy for at once is refused.

    Example: `vending campaign refund outage-12 --file owed.csv --reason "outage"`
    """
    each = None
    if units is not None:
        try:
            each = RefundOf(units_tenths=tenths(units), amount_minor=amount or 0)
        except CellWrong as wrong:
            raise typer.BadParameter(str(wrong), param_hint="--units") from None
    elif amount is not None:
        raise typer.BadParameter("it goes with --units", param_hint="--amount")
    elif file is None:
        raise typer.BadParameter("give it, or a --file with a column units", param_hint="--units")
    _propose(
        *(name, CampaignKind.REFUND, _Meters(supply_group, tariff, file)),
        by=by,
        reason=reason,
        deliver=deliver,
        as_json=as_json,
        refund=each,
        may_repeat=again,
    )


class _Meters:
    """Which meters, as it was typed."""

    def __init__(self, supply_group: str | None, tariff: str | None, file: Path | None) -> None:
        self.file = file
        self._group = checked(SupplyGroupCode, supply_group, "--supply-group")
        self._tariff = tariff or ""

    def selection(self, listed: MeterList | None) -> Selection:
        """Return them, with the list if there is one."""
        return Selection(
            supply_group_code=self._group,
            tariff_name=self._tariff,
            listed=None if listed is None else listed.meters,
        )


def _propose(
    name: str,
    kind: CampaignKind,
    meters: _Meters,
    *,
    by: str | None,
    reason: str,
    deliver: Deliver,
    as_json: bool,
    **more: Any,
) -> None:
    if deliver is Deliver.MESSAGE and read_settings().smtp_host is None:
        raise SettingsInvalid("VENDING_SMTP_HOST: it is not set, so nobody could be told")
    listed = None
    if meters.file is not None:
        listed = _listed(
            meters.file, kind, has_refund=more.get("refund") is not None, as_json=as_json
        )
    new = NewCampaign(
        name=name,
        kind=kind,
        delivery=Delivery[deliver.name],
        selection=meters.selection(listed),
        reason=reason,
        proposed_by="",  # it is known once the database is open
        proposed_at=datetime.now(UTC),
        **more,
    )
    try:
        with writing() as connection:
            count = campaigns.propose(connection, replace(new, proposed_by=person(by)))
    except campaigns.ListUnfit as unfit:
        if listed is None or meters.file is None:
            raise
        problems = [RowProblem(listed.rows[place], "", text) for place, text in unfit.problems]
        print_rows_refused(meters.file, problems, None, as_json=as_json)
        raise typer.Exit(_FAILED) from None
    if as_json:
        print_json({"name": name, "kind": kind.value, "meters": count, "state": "proposed"})
        return
    say(
        f"Campaign {name} is proposed for {count:,} meters. Somebody else looks at it with "
        f"`vending campaign show`, and approves it with `vending campaign approve`."
    )


def _listed(file: Path, kind: CampaignKind, *, has_refund: bool, as_json: bool) -> MeterList:
    """Return a list without faults; else prints them all and leaves."""
    is_refund = kind is CampaignKind.REFUND
    try:
        listed = load_list(file, is_refund=is_refund)
    except ImportRefused as refused:
        print_refused(refused, as_json=as_json)
        raise typer.Exit(_FAILED) from None
    if listed.problems:
        print_rows_refused(file, listed.problems, None, as_json=as_json)
        raise typer.Exit(_FAILED)
    has_own = any(one.refund is not None for one in listed.meters)
    if is_refund and listed.meters and has_own == has_refund:
        where = "not both" if has_own else "one of them"
        problem = f"what each gets stands in the list's column {UNITS}, or here: {where}"
        raise typer.BadParameter(problem, param_hint="--units")
    return listed
