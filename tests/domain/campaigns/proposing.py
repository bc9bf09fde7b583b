"""Campaigns as tests run them: on the demo's register, a few meters a turn."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from sts.key_data import KeyRevisionNumber, SupplyGroupCode
from tests.support.selling import MAKER
from tests.support.service import AdvancingClock, writing
from vending_api.cli.campaign.runner import Ended, Runner, World
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.tables import CAMPAIGN_METER
from vending_api.domain.campaigns.turns import take_turn
from vending_api.domain.campaigns.types import (
    CampaignKind,
    Delivery,
    Done,
    KeyTarget,
    ListedMeter,
    NewCampaign,
    RefundOf,
    RowState,
    Selection,
    Turn,
)
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.reconciling.service import differences
from vending_api.kit.turns import in_one_group

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

    from vending_api.domain.campaigns.types import Campaign, Exported, Report
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.reconciling.types import Difference

NAME: Final = "outage 12"
GROUP: Final = SupplyGroupCode("000001")
ALL: Final = tuple(f"TST{number:03}" for number in range(1, 12))
PLAIN: Final = ("TST001", "TST004", "TST007", "TST008", "TST009", "TST010", "TST011")
"""Meters that nothing keeps from a refund."""
TO_SECOND: Final = KeyTarget(key_revision_number=KeyRevisionNumber(2))
FIVE: Final = RefundOf(units_tenths=50, amount_minor=1_000)
clock: Final = AdvancingClock()


def listed(*external_ids: str) -> Selection:
    """Select meters by a list."""
    return Selection(listed=[ListedMeter(external_id=one) for one in external_ids])


def new(kind: CampaignKind = CampaignKind.REFUND, **changes: Any) -> NewCampaign:
    """Return a campaign that Ann proposes for the plain meters, with `changes`."""
    given: dict[str, Any] = {
        "name": NAME,
        "kind": kind,
        "delivery": Delivery.FILE,
        "selection": listed(*PLAIN),
        "reason": "the outage of November",
        "refund": FIVE if kind is CampaignKind.REFUND else None,
        "proposed_by": "Ann",
        "proposed_at": clock(),
    }
    return NewCampaign(**given | changes)


def do(engine: Engine, act: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Do something in a transaction of its own."""
    with writing(engine) as connection, connection.begin():
        return act(connection, *given, **named)


def propose(engine: Engine, campaign: NewCampaign) -> int:
    count: int = do(engine, campaigns.propose, campaign)
    return count


def started(engine: Engine, campaign: NewCampaign) -> Campaign:
    """Propose a campaign, let Ben approve it, and let runners take its meters."""
    propose(engine, campaign)
    do(engine, campaigns.approve, campaign.name, by="Ben", at=clock())
    begun: Campaign = do(engine, campaigns.start, campaign.name, by="Ann", at=clock())
    return begun


def runner(
    engine: Engine, campaign: Campaign, *, maker: TokenMaker = MAKER, at_once: int = 3, **world: Any
) -> Runner:
    """Return a runner whose clock is that of the tests, and which never rests."""
    given: dict[str, Any] = {"now": clock, "monotonic_seconds": lambda: 0.0, "rest": lambda _: None}
    return Runner(
        engine=engine,
        maker=maker,
        campaign=campaign,
        by="Ann",
        terminal_id="CAMPGN01",
        at_once=at_once,
        world=World(**given | world),
    )


def run(engine: Engine, campaign: NewCampaign, **more: Any) -> Ended:
    """Run a campaign from its proposal to its end."""
    return runner(engine, started(engine, campaign), **more).run()


def turn(engine: Engine, campaign: Campaign, *, after: int = 0, most: int = 3) -> Done:
    """Take one turn of a campaign."""
    wanted = Turn(
        campaign_key=campaign.key, after=after, most=most, terminal_id="CAMPGN01", at=clock()
    )
    return in_one_group(engine, partial(take_turn, maker=MAKER, turn=wanted))


def report(engine: Engine, name: str = NAME) -> Report:
    with engine.connect() as connection:
        return campaigns.report(connection, name)


def states(engine: Engine) -> dict[str, tuple[str, str | None]]:
    """Return what became of each meter, and why it was refused."""
    statement = select(
        METER.c.external_id, CAMPAIGN_METER.c.state, CAMPAIGN_METER.c.refusal_code
    ).join(CAMPAIGN_METER, CAMPAIGN_METER.c.meter_key == METER.c.key)
    with engine.connect() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(statement)}


def exported(engine: Engine, name: str = NAME, *, again: bool = False) -> list[Exported]:
    with engine.connect() as connection:
        found = campaigns.find(connection, name)
        return list(campaigns.tokens_to_export(connection, found, again=again))


def disagreements(engine: Engine) -> list[Difference]:
    with engine.connect() as connection:
        return differences(connection)


def tokens(engine: Engine) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(select(TOKEN).order_by(TOKEN.c.key)).all()


def change(engine: Engine, external_id: str, **values: object) -> None:
    """Change the register's row of a meter."""
    with writing(engine) as connection, connection.begin():
        connection.execute(update(METER).where(METER.c.external_id == external_id).values(**values))


ISSUED: Final = (RowState.ISSUED.value, None)
ORDERED: Final = (RowState.ORDERED.value, None)
PENDING: Final = (RowState.PENDING.value, None)


def refused(code: str) -> tuple[str, str]:
    """Return what `states` says of a meter that was refused."""
    return RowState.REFUSED.value, code
