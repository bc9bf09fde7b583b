"""The SQL of what is out of the ordinary: units, reprints, sales at night, approvals.

What grows with the sales is read in bites (`windows.py`), and added up here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import String, and_, bindparam, func, literal, or_, select, union_all

from sts.base_date import BaseDate
from vending_api.domain.approvals.tables import PROPOSAL
from vending_api.domain.approvals.types import State
from vending_api.domain.campaigns.tables import CAMPAIGN, CAMPAIGN_EVENT
from vending_api.domain.campaigns.types import CampaignEvent
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.operators.tables import OPERATOR
from vending_api.domain.reprints.tables import REPRINT
from vending_api.domain.sales.tables import SALE
from vending_api.domain.watching.day_units import DayUnits
from vending_api.domain.watching.ranges import all_keys, bites
from vending_api.domain.watching.windows import (
    IS_HERE,
    OF_WINDOW,
    SALES,
    TOKENS,
    TOKENS_OF_WINDOW,
    in_bites,
    in_keys,
    of_sales,
    read,
    with_keys,
    with_zone,
    within,
)
from vending_api.kit.db import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row, Select

_AT_ONCE: Final = 200
"""Meters whose history is read by a statement."""
_METER_KEYS: Final[Any] = bindparam("meter_keys", expanding=True)
_UNITS: Final[Select[Any]] = (
    select(TOKEN.c.meter_key, TOKEN.c.units_tenths)
    .select_from(TOKENS)
    .where(TOKENS_OF_WINDOW, TOKEN.c.units_tenths > 0)
)
# Identifiers are minutes, never before the one that they were made in: the unique index of
# meter, base date and identifier leads to the newest tokens of a meter.
_IS_NEW: Final = or_(
    *(
        and_(TOKEN.c.base_date == one.value, TOKEN.c.token_identifier >= bindparam(f"from_{one}"))
        for one in BaseDate
    )
)
_HISTORY: Final[Select[Any]] = select(
    TOKEN.c.meter_key, TOKEN.c.made_at, TOKEN.c.units_tenths
).where(
    TOKEN.c.meter_key.in_(_METER_KEYS),
    _IS_NEW,
    within(TOKEN.c.made_at),
    TOKEN.c.units_tenths > 0,
)
_NUMBERS: Final[Select[Any]] = select(METER.c.key, METER.c.external_id).where(
    METER.c.key.in_(_METER_KEYS)
)
_REPRINTS: Final[Select[Any]] = (
    select(
        REPRINT.c.meter_key,
        REPRINT.c.client_key,
        REPRINT.c.terminal_id,
        func.count().label("reprints"),
    )
    .select_from(with_zone(REPRINT, METER.c.key == REPRINT.c.meter_key))
    .where(in_keys(REPRINT.c.key, "reprint"), within(REPRINT.c.received_at), IS_HERE)
    .group_by(REPRINT.c.meter_key, REPRINT.c.client_key, REPRINT.c.terminal_id)
)
_SALES_OF: Final[Select[Any]] = (
    select(SALE.c.client_key, func.count().label("sales"))
    .select_from(SALES)
    .where(OF_WINDOW)
    .group_by(SALE.c.client_key)
)
_NEWEST: Final[Select[Any]] = (
    select(METER.c.base_date, func.max(METER.c.last_token_identifier).label("minutes"))
    .where(in_keys(METER.c.key, "meter"), METER.c.last_token_identifier.is_not(None))
    .group_by(METER.c.base_date)
)
_PROPOSER: Final = OPERATOR.alias("proposer")
_APPROVER: Final = OPERATOR.alias("approver")
_APPROVALS: Final = union_all(
    # Whatever else one person proposes and another approves is one more SELECT of these columns.
    select(
        CAMPAIGN.c.proposed_by.label("proposer"),
        CAMPAIGN.c.approved_by.label("approver"),
        literal("campaign ").concat(CAMPAIGN.c.key.cast(String)).label("trace"),
        CAMPAIGN_EVENT.c.at.label("at"),
        CAMPAIGN.c.key.label("number"),
    )
    .join(CAMPAIGN_EVENT, CAMPAIGN_EVENT.c.campaign_key == CAMPAIGN.c.key)
    .where(CAMPAIGN_EVENT.c.event == CampaignEvent.APPROVE.value),
    select(
        _PROPOSER.c.name,
        _APPROVER.c.name,
        literal("proposal ").concat(PROPOSAL.c.key.cast(String)),
        PROPOSAL.c.decided_at,
        PROPOSAL.c.key,
    )
    .select_from(PROPOSAL)
    .join(_PROPOSER, _PROPOSER.c.key == PROPOSAL.c.proposer_key)
    .join(_APPROVER, _APPROVER.c.key == PROPOSAL.c.decider_key)
    .where(PROPOSAL.c.state == State.APPROVED.value),
).subquery()
_APPROVED_SINCE: Final[Select[Any]] = (
    select(_APPROVALS)
    .where(_APPROVALS.c.at >= bindparam("since", type_=UtcDateTime))
    .order_by(_APPROVALS.c.at, _APPROVALS.c.number, _APPROVALS.c.trace)
)


class Reprinted(NamedTuple):
    """How often tokens were handed out again."""

    of_meters: Counter[int]
    """By the key of the meter."""
    by_terminals: Counter[tuple[int, str]]
    """By the key of the client, and its terminal."""


def much_sold(
    connection: Connection, values: dict[str, Any], more_than_tenths: int
) -> Iterator[dict[int, int]]:
    """Yield the meters that got more units than that in a window, some at a time, and how many."""
    units = DayUnits()
    for row in read(connection, _UNITS, in_bites(values, "token")):
        units.add(row.meter_key, row.units_tenths)
    return units.above(more_than_tenths, at_once=_AT_ONCE)


def history(
    connection: Connection, meter_keys: Sequence[int], begin: datetime, end: datetime
) -> Sequence[Row[Any]]:
    """Return the tokens with units that some meters got from one moment to another."""
    identifiers = {
        f"from_{one}": max(0, int((begin - one.moment).total_seconds()) // 60) for one in BaseDate
    }
    given = {"begin": begin, "end": end, **identifiers, "meter_keys": meter_keys}
    return connection.execute(_HISTORY, given).all()


def numbers_of(connection: Connection, meter_keys: Sequence[int]) -> dict[int, str]:
    """Return the numbers that points of sale know some meters by."""
    found: dict[int, str] = {}
    for first in range(0, len(meter_keys), _AT_ONCE):
        some = {"meter_keys": meter_keys[first : first + _AT_ONCE]}
        found |= {row.key: row.external_id for row in connection.execute(_NUMBERS, some)}
    return found


def reprints(connection: Connection, values: dict[str, Any]) -> Reprinted:
    """Return how often tokens of meters, and by terminals, were handed out again in a window."""
    columns = REPRINT.c
    given = with_keys(connection, values, "reprint", columns.key, columns.received_at)
    found = Reprinted(Counter(), Counter())
    for row in read(connection, _REPRINTS, in_bites(given, "reprint")):
        found.of_meters[row.meter_key] += row.reprints
        found.by_terminals[row.client_key, row.terminal_id] += row.reprints
    return found


def sales_of_clients(connection: Connection, values: dict[str, Any]) -> Counter[int]:
    """Return how many sales each client made in a window, by its key."""
    found: Counter[int] = Counter()
    for row in read(connection, _SALES_OF, of_sales(values)):
        found[row.client_key] += row.sales
    return found


def newest_identifiers(connection: Connection) -> dict[int, int]:
    """Return the minutes of the newest token identifier, by the year of its base date."""
    found: dict[int, int] = {}
    key = METER.c.key
    for keys in bites(connection, key, all_keys(connection, key)):
        given = {"meter_from": keys.start, "meter_to": keys.stop}
        for row in connection.execute(_NEWEST, given):
            found[row.base_date] = max(row.minutes, found.get(row.base_date, 0))
    return found


def approvals(connection: Connection, now: datetime, within_last: timedelta) -> Sequence[Row[Any]]:
    """Return who approved what of whom, the oldest first."""
    return connection.execute(_APPROVED_SINCE, {"since": now - within_last}).all()
