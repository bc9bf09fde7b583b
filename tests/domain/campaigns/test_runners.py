"""Several runners, sales beside them, and a database that refuses: a meter gets its due once."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.domain.campaigns.proposing import (
    ISSUED,
    NAME,
    PLAIN,
    TO_SECOND,
    clock,
    disagreements,
    do,
    listed,
    new,
    refused,
    runner,
    started,
    states,
    tokens,
    turn,
)
from tests.support.selling import MAKER, sell
from tests.support.service import purchase, writing
from vending_api.cli.campaign import runner as runners
from vending_api.domain.campaigns import repository
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.turns import take_turn
from vending_api.domain.campaigns.types import CampaignKind, CampaignState, Turn
from vending_api.kit.turns import in_one_group

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.domain.campaigns.types import Campaign, Done

_PATIENCE_SECONDS: Final = 30
_AT_ONCE: Final = 3


def _wanted(campaign: Campaign, most: int = _AT_ONCE) -> Turn:
    return Turn(campaign_key=campaign.key, after=0, most=most, terminal_id="CAMPGN09", at=clock())


def test_runners_at_once_share_the_meters(engine: Engine) -> None:
    campaign = started(engine, new())
    all_runners = [
        replace(
            runner(engine, campaign, at_once=1, maker=replace(MAKER, log_writer=partial(str, n))),
            terminal_id=f"CAMPGN{n:02}",
        )
        for n in range(1, 4)
    ]
    with ThreadPoolExecutor(len(all_runners)) as threads:
        ended = list(threads.map(lambda one: one.run(), all_runners))
    assert {one.state for one in ended} == {CampaignState.FINISHED}
    assert sum(one.settled for one in ended) == len(PLAIN)
    assert states(engine) == dict.fromkeys(PLAIN, ISSUED)
    assert set(Counter(token.meter_key for token in tokens(engine)).values()) == {1}
    assert disagreements(engine) == []


def test_meters_that_a_runner_has_in_hand_are_left_to_it(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    campaign = started(engine, new())
    with writing(engine) as connection, connection.begin():
        held = repository.take_pending(connection, _wanted(campaign))
        done = turn(engine, campaign, most=len(PLAIN))
        assert done.settled == len(PLAIN) - len(held)
        # It is not finished, for that runner may yet be killed.
        ended = do(engine, campaigns.finish, NAME, by="Ann", at=clock())
        assert ended is CampaignState.RUNNING
    assert runner(engine, campaign).run().settled == len(held)
    assert disagreements(engine) == []


def test_who_pauses_waits_for_what_is_in_hand_and_for_no_more(engine: Engine) -> None:
    campaign = started(engine, new())
    is_taken, is_asked = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> Done:
        done = take_turn(connection, MAKER, _wanted(campaign))
        is_taken.set()
        assert is_asked.wait(_PATIENCE_SECONDS)
        return done

    def pause() -> int:
        assert is_taken.wait(_PATIENCE_SECONDS)
        threading.Timer(0.2, is_asked.set).start()
        do(engine, campaigns.pause, NAME, by="Ben", at=clock())
        return len(tokens(engine))

    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(in_one_group, engine, slowly)
        seen = threads.submit(pause)
        assert running.result().settled == _AT_ONCE
        assert seen.result() == _AT_ONCE
    assert runner(engine, campaign).run().state is CampaignState.PAUSED
    assert len(tokens(engine)) == _AT_ONCE


def test_sales_to_the_same_meters_go_on(engine: Engine) -> None:
    campaign = started(engine, new())

    def buy(count: int) -> None:
        for _ in range(count):
            sell(engine, purchase(external_meter_id="TST001", received_at=clock()))

    own = replace(MAKER, log_writer=lambda: "campaign")
    with ThreadPoolExecutor(2) as threads:
        sold = threads.submit(buy, 10)
        ran = threads.submit(runner(engine, campaign, at_once=1, maker=own).run)
        sold.result()
        assert ran.result().state is CampaignState.FINISHED
    assert len(tokens(engine)) == len(PLAIN) + 10
    assert disagreements(engine) == []


def test_a_meter_that_cannot_be_recorded_is_refused_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = take_turn

    def upset(connection: Connection, maker: Any, turn: Turn) -> Done:
        pending = repository.take_pending(connection, turn)
        if any(one.external_id == "TST004" for one in pending):
            raise IntegrityError("INSERT", None, ValueError("planted"))
        return take(connection, maker, turn)

    monkeypatch.setattr(runners, "take_turn", upset)
    ended = runner(engine, started(engine, new())).run()
    assert ended.state is CampaignState.FINISHED
    assert states(engine) == dict.fromkeys(PLAIN, ISSUED) | {"TST004": refused("not_stored")}
    assert disagreements(engine) == []


@pytest.mark.parametrize("faults", [1, 4, 5])
def test_what_the_database_ends_is_tried_again_a_few_times(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, faults: int
) -> None:
    campaign = started(engine, new())
    take, left = take_turn, faults

    def upset(connection: Connection, maker: Any, turn: Turn) -> Done:
        nonlocal left
        left -= 1
        done = take(connection, maker, turn)
        if left >= 0:
            raise OperationalError("COMMIT", None, ValueError("planted"))
        return done

    monkeypatch.setattr(runners, "take_turn", upset)
    if faults < 5:
        assert runner(engine, campaign).run().settled == len(PLAIN)
    else:
        with pytest.raises(OperationalError):
            runner(engine, campaign).run()
        assert runner(engine, campaign).run().settled == len(PLAIN)
    assert len(tokens(engine)) == len(PLAIN)
    assert disagreements(engine) == []


@pytest.mark.parametrize(
    ("kind", "meters"),
    [
        (CampaignKind.REFUND, PLAIN),
        (CampaignKind.KEY_CHANGE, PLAIN),
        (CampaignKind.FREE_UNITS, ("TST002", "TST003")),
    ],
)
def test_rows_that_are_written_by_the_column_say_the_same(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    kind: CampaignKind,
    meters: tuple[str, ...],
) -> None:
    monkeypatch.setattr("vending_api.kit.together.COPIED_FROM", 2)
    target = TO_SECOND if kind is CampaignKind.KEY_CHANGE else new().target
    campaign = started(engine, new(kind, selection=listed(*meters), target=target))
    assert runner(engine, campaign, at_once=len(meters)).run().settled == len(meters)
    assert states(engine) == dict.fromkeys(meters, ISSUED)
    assert disagreements(engine) == []


def test_an_id_that_somebody_used_refuses_its_meter(engine: Engine) -> None:
    campaign = started(engine, new())
    reference = campaign.reference_of("TST004")
    sell(engine, purchase(purchase_id=reference, message_id=reference, received_at=clock()))
    runner(engine, campaign).run()
    assert states(engine) == dict.fromkeys(PLAIN, ISSUED) | {"TST004": refused("message_id_used")}
    assert disagreements(engine) == []


def test_a_turn_of_a_campaign_that_is_paused_takes_nothing(engine: Engine) -> None:
    campaign = started(engine, new())
    do(engine, campaigns.pause, NAME, by="Ben", at=clock())
    wanted = _wanted(campaign)
    done = in_one_group(engine, partial(take_turn, maker=MAKER, turn=wanted))
    assert (done.state, done.last) == (CampaignState.PAUSED, None)
