"""The SQL of what is out of the ordinary: units, reprints, sales at night, approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, String, and_, bindparam, func, literal, or_, select, union_all

from sts.base_date import BaseDate
from vending_api.domain.approvals.tables import PROPOSAL
from vending_api.domain.approvals.types import State
from vending_api.domain.campaigns.tables import CAMPAIGN, CAMPAIGN_EVENT
from vending_api.domain.campaigns.types import CampaignEvent
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.operators.tables import OPERATOR
from vending_api.domain.reprints.tables import REPRINT
from vending_api.domain.sales.tables import SALE
from vending_api.domain.watching.ranges import keys_between
from vending_api.domain.watching.repository import (
    IS_HERE,
    OF_WINDOW,
    SALES,
    TOKENS,
    TOKENS_OF_WINDOW,
    bounds,
    in_keys,
    with_zone,
    within,
)
from vending_api.kit.db import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row, Select

_AT_ONCE: Final = 500
_MEETS: Final = bindparam("more_than", type_=Integer)
_UNITS: Final = func.sum(TOKEN.c.units_tenths)
_MUCH: Final[Select[Any]] = (
    select(TOKEN.c.meter_key, METER.c.external_id, _UNITS.label("units_tenths"))
    .select_from(TOKENS)
    .where(TOKENS_OF_WINDOW, TOKEN.c.units_tenths > 0)
    .group_by(TOKEN.c.meter_key, METER.c.external_id)
    .having(_UNITS > _MEETS)
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
    TOKEN.c.meter_key.in_(bindparam("meter_keys", expanding=True)),
    _IS_NEW,
    within(TOKEN.c.made_at),
    TOKEN.c.units_tenths > 0,
)
_REPRINTED: Final = and_(in_keys(REPRINT.c.key, "reprint"), within(REPRINT.c.received_at), IS_HERE)
_REPRINTS: Final = with_zone(REPRINT, METER.c.key == REPRINT.c.meter_key)
_OF_METERS: Final[Select[Any]] = (
    select(REPRINT.c.meter_key, METER.c.external_id, func.count().label("reprints"))
    .select_from(_REPRINTS)
    .where(_REPRINTED)
    .group_by(REPRINT.c.meter_key, METER.c.external_id)
    .having(func.count() > _MEETS)
)
_BY_TERMINALS: Final[Select[Any]] = (
    select(CLIENT.c.user_name, REPRINT.c.terminal_id, func.count().label("reprints"))
    .select_from(_REPRINTS.join(CLIENT, CLIENT.c.key == REPRINT.c.client_key))
    .where(_REPRINTED)
    .group_by(CLIENT.c.user_name, REPRINT.c.terminal_id)
    .having(func.count() > _MEETS)
)
_SALES_OF: Final = (
    select(SALE.c.client_key, func.count().label("sales"))
    .select_from(SALES)
    .where(OF_WINDOW)
    .group_by(SALE.c.client_key)
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


def much_sold(
    connection: Connection, values: dict[str, Any], more_than_tenths: int
) -> Sequence[Row[Any]]:
    """Return the meters that got more units than that in a window."""
    return connection.execute(_MUCH, {**values, "more_than": more_than_tenths}).all()


def history(
    connection: Connection, meter_keys: Sequence[int], begin: datetime, end: datetime
) -> Iterator[Row[Any]]:
    """Yield the tokens with units that meters got from one moment to another."""
    identifiers = {
        f"from_{one}": max(0, int((begin - one.moment).total_seconds()) // 60) for one in BaseDate
    }
    given = {"begin": begin, "end": end, **identifiers}
    for first in range(0, len(meter_keys), _AT_ONCE):
        some = meter_keys[first : first + _AT_ONCE]
        yield from connection.execute(_HISTORY, {**given, "meter_keys": some})


def reprints(
    connection: Connection, values: dict[str, Any], *, of_meter: int, by_terminal: int
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Return the meters, and the terminals, with more reprints than that in a window."""
    columns = REPRINT.c
    keys = keys_between(
        connection, columns.key, columns.received_at, values["begin"], values["end"]
    )
    given = {**values, **bounds("reprint", keys)}
    meters = connection.execute(_OF_METERS, {**given, "more_than": of_meter}).all()
    return meters, connection.execute(_BY_TERMINALS, {**given, "more_than": by_terminal}).all()


def sales_of_clients(connection: Connection, values: dict[str, Any]) -> dict[int, int]:
    """Return how many sales each client made in a window, by its key."""
    return {row.client_key: row.sales for row in connection.execute(_SALES_OF, values)}


def approvals(connection: Connection, now: datetime, within_last: timedelta) -> Sequence[Row[Any]]:
    """Return who approved what of whom, the oldest first."""
    return connection.execute(_APPROVED_SINCE, {"since": now - within_last}).all()
