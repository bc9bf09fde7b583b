"""A campaign is proposed by one person and approved by another; then it is run, paused, ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from sts.key_data import SupplyGroupCode
from tests.domain.campaigns.proposing import (
    ALL,
    FIVE,
    GROUP,
    NAME,
    PENDING,
    PLAIN,
    TO_SECOND,
    clock,
    disagreements,
    do,
    listed,
    new,
    propose,
    report,
    run,
    runner,
    started,
    states,
    tokens,
    turn,
)
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.errors import (
    CampaignKnown,
    CampaignStepRefused,
    CampaignUnknown,
    FourEyesNeeded,
)
from vending_api.domain.campaigns.types import (
    CampaignEvent,
    CampaignKind,
    CampaignState,
    Delivery,
    ListedMeter,
    RefundOf,
    RowState,
    Selection,
)
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


@pytest.mark.parametrize("by", ["Ann", "ann", "  ANN "])
def test_nobody_approves_what_they_proposed(engine: Engine, by: str) -> None:
    propose(engine, new())
    with pytest.raises(FourEyesNeeded) as refused:
        do(engine, campaigns.approve, NAME, by=by, at=clock())
    assert (refused.value.name, refused.value.proposed_by) == (NAME, "Ann")
    assert report(engine).campaign.state is CampaignState.PROPOSED


def test_somebody_else_approves_it_and_both_are_remembered(engine: Engine) -> None:
    run(engine, new())
    found = report(engine)
    assert (found.campaign.proposed_by, found.campaign.approved_by) == ("Ann", "Ben")
    assert [(one.event, one.made_by) for one in found.events] == [
        (CampaignEvent.PROPOSE, "Ann"),
        (CampaignEvent.APPROVE, "Ben"),
        (CampaignEvent.RUN, "Ann"),
        (CampaignEvent.FINISH, "Ann"),
    ]


def test_nothing_is_made_before_it_is_approved(engine: Engine) -> None:
    propose(engine, new())
    with pytest.raises(CampaignStepRefused):
        do(engine, campaigns.start, NAME, by="Ann", at=clock())
    assert turn(engine, report(engine).campaign).settled == 0
    assert tokens(engine) == []


_STEPS: Final[dict[CampaignEvent, Callable[..., Any]]] = {
    CampaignEvent.APPROVE: campaigns.approve,
    CampaignEvent.RUN: campaigns.start,
    CampaignEvent.PAUSE: campaigns.pause,
    CampaignEvent.RESUME: campaigns.resume,
    CampaignEvent.WITHDRAW: campaigns.withdraw,
}
_PATHS: Final = {
    CampaignState.PROPOSED: (),
    CampaignState.APPROVED: (CampaignEvent.APPROVE,),
    CampaignState.RUNNING: (CampaignEvent.APPROVE, CampaignEvent.RUN),
    CampaignState.PAUSED: (CampaignEvent.APPROVE, CampaignEvent.RUN, CampaignEvent.PAUSE),
    CampaignState.WITHDRAWN: (CampaignEvent.WITHDRAW,),
}
_ALLOWED: Final = {
    CampaignState.PROPOSED: {CampaignEvent.APPROVE, CampaignEvent.WITHDRAW},
    CampaignState.APPROVED: {CampaignEvent.RUN, CampaignEvent.WITHDRAW},
    CampaignState.RUNNING: {CampaignEvent.RUN, CampaignEvent.PAUSE},
    CampaignState.PAUSED: {CampaignEvent.RESUME, CampaignEvent.WITHDRAW},
    CampaignState.WITHDRAWN: set[CampaignEvent](),
}


@pytest.mark.parametrize("state", _PATHS)
@pytest.mark.parametrize("event", _STEPS)
def test_what_is_not_in_the_table_of_its_life_is_refused(
    engine: Engine, state: CampaignState, event: CampaignEvent
) -> None:
    propose(engine, new())
    for step in _PATHS[state]:
        do(engine, _STEPS[step], NAME, by="Ben", at=clock())
    assert report(engine).campaign.state is state
    if event in _ALLOWED[state]:
        do(engine, _STEPS[event], NAME, by="Ben", at=clock())
        return
    with pytest.raises(CampaignStepRefused):
        do(engine, _STEPS[event], NAME, by="Ben", at=clock())
    assert report(engine).campaign.state is state


def test_a_paused_campaign_makes_nothing_until_it_is_resumed(engine: Engine) -> None:
    campaign = started(engine, new())
    assert turn(engine, campaign).settled == 3
    do(engine, campaigns.pause, NAME, by="Ben", at=clock())
    assert runner(engine, campaign).run().state is CampaignState.PAUSED
    assert len(tokens(engine)) == 3
    do(engine, campaigns.resume, NAME, by="Ben", at=clock())
    ended = runner(engine, campaign).run()
    assert (ended.state, ended.settled) == (CampaignState.FINISHED, len(PLAIN) - 3)
    assert len(tokens(engine)) == len(PLAIN)
    assert disagreements(engine) == []


def test_a_runner_that_is_told_to_stop_leaves_the_rest_for_the_next(engine: Engine) -> None:
    campaign = started(engine, new())
    stops = iter([False, True])
    ended = runner(engine, campaign, is_stopping=lambda: next(stops)).run()
    assert (ended.state, ended.settled) == (CampaignState.RUNNING, 3)
    assert runner(engine, campaign).run().settled == len(PLAIN) - 3


def test_a_rate_lets_others_have_the_time_that_is_left(engine: Engine) -> None:
    rests: list[float] = []
    taking = runner(engine, started(engine, new()), rest=rests.append)
    taking.rate = 2.0
    taking.run()
    assert rests == [1.5, 1.5, 0.5]


def test_a_withdrawn_campaign_leaves_the_meters_that_are_pending(engine: Engine) -> None:
    campaign = started(engine, new())
    turn(engine, campaign)
    do(engine, campaigns.pause, NAME, by="Ben", at=clock())
    do(engine, campaigns.withdraw, NAME, by="Ben", at=clock())
    assert runner(engine, campaign).run().state is CampaignState.WITHDRAWN
    assert [one for one in states(engine).values() if one == PENDING] == [PENDING] * 4
    assert len(tokens(engine)) == 3


def test_a_name_is_used_once(engine: Engine) -> None:
    propose(engine, new())
    with pytest.raises(CampaignKnown, match="used once"):
        propose(engine, new(refund=RefundOf(units_tenths=7)))


def test_the_same_refund_is_not_proposed_twice_under_another_name(engine: Engine) -> None:
    propose(engine, new())
    same = [*reversed([ListedMeter(external_id=one, refund=FIVE) for one in PLAIN])]
    for repeated in (new(name="again"), new(name="again", selection=listed(*reversed(PLAIN)))):
        with pytest.raises(CampaignKnown, match=f"campaign {NAME} gives back the very same"):
            propose(engine, repeated)
    assert len(same) == len(PLAIN)
    assert propose(engine, new(name="other list", selection=listed(*PLAIN[1:]))) == len(PLAIN) - 1
    assert propose(engine, new(name="meant", may_repeat=True)) == len(PLAIN)


def test_the_same_refund_may_be_proposed_again_once_it_is_withdrawn(engine: Engine) -> None:
    propose(engine, new())
    do(engine, campaigns.withdraw, NAME, by="Ann", at=clock())
    assert propose(engine, new(name="again")) == len(PLAIN)


def test_a_campaign_that_is_not_there_is_unknown(engine: Engine) -> None:
    with pytest.raises(CampaignUnknown):
        report(engine, "elsewhere")


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(supply_group_code=GROUP), len(ALL)),
        (Selection(tariff_name="demo-fee"), 1),
        (Selection(supply_group_code=GROUP, tariff_name="demo"), 8),
        (listed("TST003", "TST001"), 2),
        (replace(listed("TST007"), tariff_name="demo-fee"), 1),
    ],
)
def test_meters_are_selected(engine: Engine, selection: Selection, count: int) -> None:
    assert propose(engine, new(selection=selection)) == count
    found = report(engine)
    assert (found.campaign.meters, found.rows[RowState.PENDING]) == (count, count)
    assert found.units_tenths == 50 * count


_SENSELESS: Final = {
    "no selection": new(selection=Selection()),
    "nothing fits": new(selection=Selection(supply_group_code=SupplyGroupCode("999999"))),
    "an empty list": new(selection=listed()),
    "no reason": new(reason=" "),
    "nobody": new(proposed_by=" "),
    "no name": new(name=" "),
    "a long name": new(name="x" * 41),
    "a refund of nothing": new(refund=None, selection=Selection(supply_group_code=GROUP)),
    "free units with the next purchase": new(
        CampaignKind.FREE_UNITS, delivery=Delivery.NEXT_PURCHASE
    ),
    "an order for what is ordered": new(CampaignKind.KEY_CHANGE, delivery=Delivery.NEXT_PURCHASE),
    "a group that is not registered": new(
        CampaignKind.KEY_CHANGE,
        target=replace(TO_SECOND, supply_group_code=SupplyGroupCode("999999")),
    ),
}


@pytest.mark.parametrize("campaign", _SENSELESS.values(), ids=_SENSELESS)
def test_what_makes_no_sense_is_not_proposed(engine: Engine, campaign: Any) -> None:
    with pytest.raises(EntryInvalid):
        propose(engine, campaign)
    with pytest.raises(CampaignUnknown):
        report(engine)


def test_every_meter_of_a_list_that_is_wrong_is_named(engine: Engine) -> None:
    wrong = [
        ListedMeter(external_id="TST001", refund=FIVE),
        ListedMeter(external_id="NOBODY", refund=FIVE),
        ListedMeter(external_id="TST001", refund=FIVE),
        ListedMeter(external_id="TST007", refund=FIVE),
        ListedMeter(external_id="TST004", refund=RefundOf(units_tenths=0)),
    ]
    selection = Selection(tariff_name="demo", listed=wrong)
    with pytest.raises(campaigns.ListUnfit) as unfit:
        propose(engine, new(selection=selection))
    words = {1: "not registered", 2: "twice", 3: "another supply group", 4: "no units"}
    found = dict(unfit.value.problems)
    assert found.keys() == words.keys() | {4}
    assert all(part in found[place] for place, part in words.items() if place != 4)
