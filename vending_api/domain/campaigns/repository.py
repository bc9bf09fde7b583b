"""The SQL of the campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, insert, literal, select, text, true, update

from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from vending_api.domain.campaigns.tables import CAMPAIGN, CAMPAIGN_EVENT, CAMPAIGN_METER
from vending_api.domain.campaigns.types import (
    Campaign,
    CampaignEvent,
    CampaignKind,
    CampaignState,
    Delivery,
    Exported,
    Happened,
    KeyTarget,
    Pending,
    RefundOf,
    RefusedMeter,
    RowState,
)
from vending_api.domain.issuing.digits import digits_of
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER, TARIFF
from vending_api.domain.token_queue.tables import QUEUED_TOKEN
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.entries import require_fit
from vending_api.kit.statements import Statement
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from vending_api.domain.campaigns.types import Selection, Settled, Turn

_ROWS_AT_ONCE: Final = 5_000
_ROW: Final = CAMPAIGN_METER.c
_OF_CAMPAIGN: Final = _ROW.campaign_key == bindparam("of_campaign")
_IS_PENDING: Final = _ROW.state == RowState.PENDING.value
_BY_NAME: Final = select(CAMPAIGN).where(CAMPAIGN.c.name == bindparam("of_name"))
_SHARED: Final = Statement(
    select(CAMPAIGN)
    .where(CAMPAIGN.c.key == bindparam("of_campaign"))
    .with_for_update(read=True, of=CAMPAIGN),
    is_apart=True,
)
_TAKE: Final = Statement(
    select(_ROW.position, _ROW.units_tenths, _ROW.amount_minor, METER.c.external_id)
    .join(METER, _ROW.meter_key == METER.c.key)
    .where(_OF_CAMPAIGN, _IS_PENDING, _ROW.position > bindparam("after"))
    .order_by(_ROW.position)
    .limit(bindparam("most"))
    .with_for_update(of=CAMPAIGN_METER, skip_locked=True),
    is_apart=True,
)
"""Meters that another runner has locked are left to it."""
_SETTLED: Final = ("state", "refusal_code", "sale_key", "queued_token_key", "settled_at")
_SETTLE: Final = Statement(
    update(CAMPAIGN_METER)
    .where(_OF_CAMPAIGN, _ROW.position == bindparam("at_position"))
    .values({name: bindparam(f"to_{name}") for name in _SETTLED})
)
_EXPORT: Final = (
    select(_ROW.position, _ROW.units_tenths, METER.c.external_id, TOKEN.c.sale_key, TOKEN.c.digits)
    .join(METER, _ROW.meter_key == METER.c.key)
    .join(TOKEN, TOKEN.c.sale_key == _ROW.sale_key)
    .where(_OF_CAMPAIGN, _ROW.state.in_(bindparam("states", expanding=True)))
    .order_by(_ROW.position, TOKEN.c.key)
)


def lift_time_limit(connection: Connection) -> None:
    """Let the statements of this transaction take as long as a million meters need."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def add_campaign(connection: Connection, values: dict[str, Any]) -> int | None:
    """Store a campaign and return its key; None where its name or fingerprint is taken."""
    require_fit(CAMPAIGN, values)
    new = insert_or_ignore(connection.dialect.name, CAMPAIGN).returning(CAMPAIGN.c.key)
    return connection.execute(new, values).scalar()


def name_of_fingerprint(connection: Connection, fingerprint: str) -> str | None:
    """Return the name of the campaign that has a fingerprint, or None."""
    statement = select(CAMPAIGN.c.name).where(CAMPAIGN.c.fingerprint == fingerprint)
    return connection.execute(statement).scalar()


def add_selected(
    connection: Connection, campaign_key: int, selection: Selection, refund: RefundOf
) -> int:
    """Store the meters that a selection without a list fits, and return how many those are."""
    chosen = (
        select(
            literal(campaign_key),
            func.row_number().over(order_by=METER.c.external_id),
            METER.c.key,
            literal(refund.units_tenths),
            literal(refund.amount_minor),
            literal(RowState.PENDING.value),
        )
        .join(TARIFF, METER.c.tariff_key == TARIFF.c.key)
        .where(*_fits(selection))
    )
    columns = ("campaign_key", "position", "meter_key", "units_tenths", "amount_minor", "state")
    connection.execute(insert(CAMPAIGN_METER).from_select(columns, chosen))
    count = select(func.count()).where(_OF_CAMPAIGN)
    return connection.execute(count, {"of_campaign": campaign_key}).scalar_one()


def registered(
    connection: Connection, external_ids: Sequence[str], selection: Selection
) -> dict[str, tuple[int, bool]]:
    """Return, by the numbers of meters, their keys and whether a selection fits them."""
    fits = and_(true(), *_fits(selection))
    statement = (
        select(METER.c.external_id, METER.c.key, fits.label("fits"))
        .join(TARIFF, METER.c.tariff_key == TARIFF.c.key)
        .where(METER.c.external_id.in_(external_ids))
    )
    return {row.external_id: (row.key, bool(row.fits)) for row in connection.execute(statement)}


def add_listed(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store meters of a campaign."""
    if rows:
        connection.execute(insert(CAMPAIGN_METER), rows)


def store(connection: Connection, campaign_key: int, **values: Any) -> None:
    """Store other values of columns of a campaign."""
    require_fit(CAMPAIGN, values)
    connection.execute(update(CAMPAIGN).where(CAMPAIGN.c.key == campaign_key).values(values))


def add_event(connection: Connection, values: dict[str, Any]) -> None:
    """Store that something happened to a campaign."""
    require_fit(CAMPAIGN_EVENT, values)
    connection.execute(insert(CAMPAIGN_EVENT), values)


def find(connection: Connection, name: str, *, lock: bool = False) -> Campaign | None:
    """Return a campaign, or None; `lock` keeps all others from it until the transaction ends."""
    statement = _BY_NAME.with_for_update() if lock else _BY_NAME
    row = connection.execute(statement, {"of_name": name}).one_or_none()
    return None if row is None else _campaign(row)


def share(connection: Connection, campaign_key: int) -> Campaign:
    """Return a campaign whose state stays as it is until the transaction ends."""
    return _campaign(_SHARED.row(connection, {"of_campaign": campaign_key}))


def all_campaigns(connection: Connection) -> list[Campaign]:
    """Return every campaign, the newest first."""
    return [
        _campaign(row)
        for row in connection.execute(select(CAMPAIGN).order_by(CAMPAIGN.c.key.desc()))
    ]


def events_of(connection: Connection, campaign_key: int) -> list[Happened]:
    """Return what happened to a campaign, in its order."""
    statement = select(CAMPAIGN_EVENT).where(CAMPAIGN_EVENT.c.campaign_key == campaign_key)
    return [
        Happened(event=CampaignEvent(row.event), made_by=row.made_by, at=row.at, note=row.note)
        for row in connection.execute(statement.order_by(CAMPAIGN_EVENT.c.key))
    ]


def take_pending(connection: Connection, turn: Turn) -> list[Pending]:
    """Return the next meters that are pending, their rows locked until the transaction ends."""
    wanted = {"of_campaign": turn.campaign_key, "after": turn.after, "most": turn.most}
    return [
        Pending(
            position=row.position,
            external_id=row.external_id,
            refund=RefundOf(units_tenths=row.units_tenths, amount_minor=row.amount_minor),
        )
        for row in _TAKE.rows(connection, wanted)
    ]


def has_pending(connection: Connection, campaign_key: int) -> bool:
    """Return whether a meter of a campaign is pending, locked or not."""
    statement = select(_ROW.position).where(_OF_CAMPAIGN, _IS_PENDING).limit(1)
    return connection.execute(statement, {"of_campaign": campaign_key}).first() is not None


def settle(
    connection: Connection, campaign_key: int, settled: Sequence[Settled], at: datetime
) -> None:
    """Store what became of locked meters, before the transaction ends."""
    rows = [
        {
            "of_campaign": campaign_key,
            "at_position": one.position,
            "to_state": one.state.value,
            "to_refusal_code": one.refusal_code,
            "to_sale_key": one.sale_key,
            "to_queued_token_key": one.queued_token_key,
            "to_settled_at": at,
        }
        for one in settled
    ]
    _SETTLE.run_later(connection, rows)


def count_rows(connection: Connection, campaign_key: int) -> dict[RowState, int]:
    """Return how many meters of a campaign are in each state."""
    found = _counts(connection, campaign_key, _ROW.state)
    return {state: found.get(state.value, 0) for state in RowState}


def count_refusals(connection: Connection, campaign_key: int) -> dict[str, int]:
    """Return how many meters of a campaign were refused, by code."""
    return _counts(connection, campaign_key, _ROW.refusal_code)


def count_brought(connection: Connection, campaign: Campaign) -> int:
    """Return how many of the ordered meters have had what was ordered since."""
    statement = select(func.count()).select_from(CAMPAIGN_METER)
    if campaign.kind is CampaignKind.KEY_CHANGE:
        held = {
            METER.c.supply_group_code: campaign.target.supply_group_code,
            METER.c.key_revision_number: campaign.target.key_revision_number,
            METER.c.tariff_index: campaign.target.tariff_index,
        }
        statement = statement.join(METER, _ROW.meter_key == METER.c.key).where(
            *(column == _plain(value) for column, value in held.items() if value is not None)
        )
    else:
        statement = statement.join(QUEUED_TOKEN, _ROW.queued_token_key == QUEUED_TOKEN.c.key).where(
            QUEUED_TOKEN.c.sale_key.is_not(None)
        )
    is_ordered = _ROW.state == RowState.ORDERED.value
    return connection.execute(
        statement.where(_OF_CAMPAIGN, is_ordered), {"of_campaign": campaign.key}
    ).scalar_one()


def totals(connection: Connection, campaign_key: int) -> tuple[int, int, int]:
    """Return units and worth of all refunds of a campaign, and the units of the largest."""
    sums = [
        func.coalesce(one, 0)
        for one in (
            func.sum(_ROW.units_tenths),
            func.sum(_ROW.amount_minor),
            func.max(_ROW.units_tenths),
        )
    ]
    row = connection.execute(select(*sums).where(_OF_CAMPAIGN), {"of_campaign": campaign_key}).one()
    units, amount, largest = (int(one) for one in row)
    return units, amount, largest


def refused(connection: Connection, campaign_key: int) -> Iterator[RefusedMeter]:
    """Yield the meters of a campaign that got nothing, some at a time."""
    statement = (
        select(METER.c.external_id, _ROW.refusal_code)
        .join(CAMPAIGN_METER, _ROW.meter_key == METER.c.key)
        .where(_OF_CAMPAIGN, _ROW.state == RowState.REFUSED.value)
        .order_by(_ROW.position)
    )
    for row in _streamed(connection, statement, {"of_campaign": campaign_key}):
        yield RefusedMeter(external_id=row.external_id, code=row.refusal_code)


def exported(
    connection: Connection, campaign: Campaign, states: Sequence[RowState]
) -> Iterator[Exported]:
    """Yield meters in some states with their tokens, in order, some at a time."""
    wanted = {"of_campaign": campaign.key, "states": [state.value for state in states]}
    vault = vault_of(connection)
    one, digits = None, []
    for row in _streamed(connection, _EXPORT, wanted):
        if one is not None and one.position != row.position:
            yield _exported(campaign, one, digits)
            digits = []
        one = row
        digits.append(digits_of(vault, row.digits, row.sale_key))
    if one is not None:
        yield _exported(campaign, one, digits)


def mark_delivered(connection: Connection, campaign_key: int, positions: Sequence[int]) -> int:
    """Store that issued meters are delivered, and return how many of them were issued."""
    statement = (
        update(CAMPAIGN_METER)
        .where(
            _OF_CAMPAIGN,
            _ROW.position.in_(bindparam("positions", expanding=True)),
            _ROW.state == RowState.ISSUED.value,
        )
        .values(state=RowState.DELIVERED.value)
    )
    wanted = {"of_campaign": campaign_key, "positions": list(positions)}
    return connection.execute(statement, wanted).rowcount


def _fits(selection: Selection) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if selection.supply_group_code is not None:
        rules.append(METER.c.supply_group_code == selection.supply_group_code.digits)
    if selection.tariff_name:
        rules.append(TARIFF.c.name == selection.tariff_name)
    return rules


def _counts(
    connection: Connection, campaign_key: int, column: ColumnElement[str]
) -> dict[str, int]:
    statement = select(column, func.count()).where(_OF_CAMPAIGN, column.is_not(None))
    found = connection.execute(
        statement.group_by(column).order_by(column), {"of_campaign": campaign_key}
    )
    return {row[0]: row[1] for row in found}


def _plain(value: SupplyGroupCode | KeyRevisionNumber | TariffIndex) -> str | int:
    return value.value if isinstance(value, KeyRevisionNumber) else value.digits


def _streamed(
    connection: Connection, statement: Select[Any], values: Mapping[str, Any]
) -> Iterator[Row[Any]]:
    options = {"yield_per": _ROWS_AT_ONCE}
    yield from connection.execute(statement, values, execution_options=options)


def _exported(campaign: Campaign, row: Row[Any], digits: Sequence[str]) -> Exported:
    return Exported(
        position=row.position,
        external_id=row.external_id,
        reference=campaign.reference_of(row.external_id),
        units_tenths=row.units_tenths,
        tokens=tuple(digits),
    )


def _campaign(row: Row[Any]) -> Campaign:
    code, revision, index = (
        row.to_supply_group_code,
        row.to_key_revision_number,
        row.to_tariff_index,
    )
    return Campaign(
        key=row.key,
        name=row.name,
        kind=CampaignKind(row.kind),
        delivery=Delivery(row.delivery),
        state=CampaignState(row.state),
        target=KeyTarget(
            supply_group_code=None if code is None else SupplyGroupCode(code),
            key_revision_number=None if revision is None else KeyRevisionNumber(revision),
            tariff_index=None if index is None else TariffIndex(index),
        ),
        selection=row.selection,
        reason=row.reason,
        meters=row.meters,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        approved_by=row.approved_by,
    )
