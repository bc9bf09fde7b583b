"""Each meter gets its due once, or the reason why not; records and meters agree with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from sts.errors import IssueLimitReached
from sts.virtual_meter import Accepted
from tariffs.account import Account
from tests.domain.campaigns.proposing import (
    ALL,
    FIVE,
    GROUP,
    ISSUED,
    NAME,
    ORDERED,
    PENDING,
    PLAIN,
    TO_SECOND,
    change,
    clock,
    disagreements,
    do,
    exported,
    listed,
    new,
    propose,
    refused,
    report,
    run,
    runner,
    started,
    states,
    tokens,
)
from tests.domain.keying import held
from tests.support.selling import BROKEN_MAKER, MAKER, account, sell, set_account
from tests.support.service import NOON, purchase
from vending_api.domain.campaigns import making
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.errors import CampaignStepRefused
from vending_api.domain.campaigns.types import (
    CampaignKind,
    CampaignState,
    Delivery,
    ListedMeter,
    RefundOf,
    RowState,
    Selection,
)
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.service import find_meter
from vending_api.domain.sales.service import find_sale
from vending_api.domain.sales.types import SaleState
from vending_api.domain.token_queue.service import waiting
from vending_api.sandbox.scenarios import NEXT_KEY_DATA
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

    from sts.security_module import IssueRequest, KeyChangeRequest, SecurityModule

_FREE: Final = ("TST002", "TST003")
"""Whom their tariff gives free units."""


def test_refunds_are_made_once_and_meters_take_them_once(engine: Engine) -> None:
    ended = run(engine, new())
    assert (ended.state, ended.settled) == (CampaignState.FINISHED, len(PLAIN))
    assert states(engine) == dict.fromkeys(PLAIN, ISSUED)
    found = exported(engine)
    assert [one.external_id for one in found] == sorted(PLAIN)
    for one in found:
        meter = demo_virtual_meter(int(one.external_id[3:]))
        (digits,) = one.tokens
        assert isinstance(meter.enter(digits), Accepted)
        assert not isinstance(meter.enter(digits), Accepted)
        assert one.units_tenths == FIVE.units_tenths
    assert [token.units_tenths for token in tokens(engine)] == [50] * len(PLAIN)
    assert disagreements(engine) == []


def test_the_record_says_who_ordered_and_the_sale_is_found_by_its_id(engine: Engine) -> None:
    run(engine, new())
    with engine.connect() as connection:
        sale = find_sale(connection, None, exported(engine)[0].reference)
    assert sale is not None
    assert (sale.meter.external_id, sale.state, sale.amount_minor) == (
        "TST001",
        SaleState.ISSUED,
        0,
    )
    assert [token.kind for token in sale.tokens] == [TokenKind.REFUND]
    assert sale.tokens[0].charge.net_minor == FIVE.amount_minor


def test_each_meter_of_a_list_gets_what_the_list_says(engine: Engine) -> None:
    owed = {"TST001": 11, "TST004": 22, "TST007": 33}
    each = [
        ListedMeter(external_id=one, refund=RefundOf(units_tenths=tenths))
        for one, tenths in owed.items()
    ]
    run(engine, new(refund=None, selection=Selection(listed=each)))
    assert {one.external_id: one.units_tenths for one in exported(engine)} == owed
    found = report(engine)
    assert (found.units_tenths, found.largest_tenths, found.amount_minor) == (66, 33, 0)


def test_a_blocked_meter_is_refused_and_stops_no_other(engine: Engine) -> None:
    change(engine, "TST004", is_blocked=True)
    run(engine, new())
    expected = dict.fromkeys(PLAIN, ISSUED) | {"TST004": refused("meter_blocked")}
    assert states(engine) == expected
    assert report(engine).refusals == {"meter_blocked": 1}
    with engine.connect() as connection:
        found = campaigns.find(connection, NAME)
        assert [(one.external_id, one.code) for one in campaigns.refused(connection, found)] == [
            ("TST004", "meter_blocked")
        ]
    assert disagreements(engine) == []


@pytest.mark.parametrize("delivery", [Delivery.FILE, Delivery.NEXT_PURCHASE])
@pytest.mark.parametrize(("above", "is_given"), [(0, True), (1, False)])
def test_a_refund_is_worth_no_more_than_the_meter_may_buy_for(
    engine: Engine, delivery: Delivery, above: int, *, is_given: bool
) -> None:
    refund = RefundOf(units_tenths=50, amount_minor=10_000 + above)
    run(engine, new(selection=listed("TST001"), refund=refund, delivery=delivery))
    given = ISSUED if delivery is Delivery.FILE else ORDERED
    assert states(engine)["TST001"] == (given if is_given else refused("amount_outside_limits"))


def test_a_meter_whose_key_must_change_gets_nothing_before(engine: Engine) -> None:
    run(engine, new(selection=listed("TST001", "TST006")))
    assert states(engine) == {"TST001": ISSUED, "TST006": refused("key_change_first")}


@pytest.mark.parametrize(
    ("moved", "code"),
    [
        ({"key_revision_number": 9}, "meter_key_unusable"),
        ({"base_date": 2035}, "meter_key_unusable"),
    ],
)
@pytest.mark.parametrize("kind", [CampaignKind.REFUND, CampaignKind.KEY_CHANGE])
def test_a_meter_without_a_key_of_ours_is_refused(
    engine: Engine, kind: CampaignKind, moved: dict[str, Any], code: str
) -> None:
    change(engine, "TST004", **moved)
    target = TO_SECOND if kind is CampaignKind.KEY_CHANGE else new().target
    run(engine, new(kind, selection=listed("TST001", "TST004"), target=target))
    assert states(engine) == {"TST001": ISSUED, "TST004": refused(code)}
    assert disagreements(engine) == []


def test_free_units_come_once_a_month_whoever_gives_them(engine: Engine) -> None:
    november = new(CampaignKind.FREE_UNITS, selection=Selection(supply_group_code=GROUP))
    run(engine, november)
    expected = {one: ISSUED if one in _FREE else refused("nothing_due") for one in ALL}
    assert states(engine) == expected
    before = len(tokens(engine))
    assert [token.kind for token in tokens(engine)] == [TokenKind.FREE.value] * len(_FREE)
    # Neither a second campaign nor a purchase of this month brings them again.
    run(engine, replace(november, name="november again"))
    assert len(tokens(engine)) == before
    sale = sell(engine, purchase(external_meter_id="TST003", received_at=clock()))
    assert [token.kind for token in sale.tokens] == [TokenKind.STANDARD]
    assert account(engine, "TST003").free_units_on is not None
    assert disagreements(engine) == []


def test_free_units_that_a_purchase_brought_are_not_given_again(engine: Engine) -> None:
    sell(engine, purchase(external_meter_id="TST003", received_at=NOON))
    run(engine, new(CampaignKind.FREE_UNITS, selection=listed(*_FREE)))
    assert states(engine) == {"TST002": ISSUED, "TST003": refused("nothing_due")}


def test_free_units_wait_for_a_key_change_too(engine: Engine) -> None:
    set_account(engine, Account(gets_free_units=True), "TST006")
    run(engine, new(CampaignKind.FREE_UNITS, selection=listed("TST003", "TST006")))
    assert states(engine) == {"TST003": ISSUED, "TST006": refused("key_change_first")}


def test_keys_are_changed_and_the_register_follows(engine: Engine) -> None:
    run(
        engine, new(CampaignKind.KEY_CHANGE, selection=listed("TST001", "TST006"), target=TO_SECOND)
    )
    assert states(engine) == {"TST001": ISSUED, "TST006": ISSUED}
    for one in exported(engine):
        meter = demo_virtual_meter(int(one.external_id[3:]))
        assert len(one.tokens) == 2
        assert all(isinstance(meter.enter(digits), Accepted) for digits in one.tokens)
        assert held(engine, one.external_id) == NEXT_KEY_DATA
        sale = sell(engine, purchase(external_meter_id=one.external_id, received_at=clock()))
        assert [token.kind for token in sale.tokens] == [TokenKind.STANDARD]
        assert isinstance(meter.enter(sale.tokens[0].digits), Accepted)
    assert disagreements(engine) == []


def test_without_a_target_only_keys_that_are_due_change(engine: Engine) -> None:
    run(engine, new(CampaignKind.KEY_CHANGE, selection=listed("TST001", "TST006")))
    assert states(engine) == {"TST001": refused("no_key_change_due"), "TST006": ISSUED}


def test_a_key_that_was_changed_is_not_changed_again(engine: Engine) -> None:
    to_second = new(CampaignKind.KEY_CHANGE, selection=listed("TST001"), target=TO_SECOND)
    run(engine, to_second)
    run(engine, replace(to_second, name="again"))
    assert len(tokens(engine)) == 2
    assert report(engine, "again").refusals == {"no_key_change_due": 1}


def test_ordered_key_changes_come_with_the_next_purchase(engine: Engine) -> None:
    kind, delivery = CampaignKind.KEY_CHANGE, Delivery.NEXT_PURCHASE
    run(
        engine, new(kind, delivery=delivery, selection=listed("TST001", "TST010"), target=TO_SECOND)
    )
    assert states(engine) == {"TST001": ORDERED, "TST010": ORDERED}
    assert (tokens(engine), report(engine).brought) == ([], 0)
    sale = sell(engine, purchase(external_meter_id="TST001", received_at=clock()))
    assert [token.kind for token in sale.tokens][:2] == [TokenKind.KEY_CHANGE] * 2
    assert report(engine).brought == 1
    assert disagreements(engine) == []


def test_ordered_refunds_come_with_the_next_purchase(engine: Engine) -> None:
    run(engine, new(delivery=Delivery.NEXT_PURCHASE))
    assert states(engine) == dict.fromkeys(PLAIN, ORDERED)
    with engine.connect() as connection:
        (waits,) = waiting(connection, find_meter(connection, "TST001"))
    assert (waits.value, waits.ordered_by, waits.reason) == (50, "Ann", "the outage of November")
    sale = sell(engine, purchase(external_meter_id="TST001", received_at=clock()))
    assert [token.kind for token in sale.tokens] == [TokenKind.STANDARD, TokenKind.REFUND]
    again = sell(engine, purchase(external_meter_id="TST001", received_at=clock()))
    assert [token.kind for token in again.tokens] == [TokenKind.STANDARD]
    assert report(engine).brought == 1
    assert disagreements(engine) == []


def test_an_exported_meter_is_not_in_the_next_file(engine: Engine) -> None:
    run(engine, new())
    found = exported(engine)
    some = [one.position for one in found[:2]]
    with engine.connect() as connection:
        campaign = campaigns.find(connection, NAME)
    do(engine, campaigns.note_exported, campaign, some, by="Ann", at=clock())
    assert exported(engine) == found[2:]
    assert exported(engine, again=True) == found
    assert report(engine).rows[RowState.DELIVERED] == 2


def test_nothing_is_exported_of_what_was_not_run(engine: Engine) -> None:
    propose(engine, new())
    with pytest.raises(CampaignStepRefused):
        exported(engine)


def test_digits_are_hidden_from_repr(engine: Engine) -> None:
    run(engine, new())
    (one, *_) = exported(engine)
    assert one.tokens[0] not in repr(one)


def test_a_token_that_does_not_read_back_refuses_its_meter(engine: Engine) -> None:
    ended = runner(engine, started(engine, new()), maker=BROKEN_MAKER).run()
    assert ended.state is CampaignState.FINISHED
    assert states(engine) == dict.fromkeys(PLAIN, refused("token_not_proven"))
    assert tokens(engine) == []
    assert disagreements(engine) == []


@pytest.mark.parametrize("kind", [CampaignKind.REFUND, CampaignKind.KEY_CHANGE])
def test_many_such_tokens_are_the_security_modules_fault(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, kind: CampaignKind
) -> None:
    monkeypatch.setattr(making, "_TOO_MANY", len(PLAIN))
    target = TO_SECOND if kind is CampaignKind.KEY_CHANGE else new().target
    campaign = started(engine, new(kind, target=target))
    with pytest.raises(TokenNotProven):
        runner(engine, campaign, maker=BROKEN_MAKER, at_once=len(PLAIN)).run()
    assert states(engine) == dict.fromkeys(PLAIN, PENDING)
    assert runner(engine, campaign).run().settled == len(PLAIN)


@pytest.mark.parametrize("kind", [CampaignKind.REFUND, CampaignKind.KEY_CHANGE])
def test_what_the_security_module_makes_no_more_today_is_made_another_day(
    engine: Engine, kind: CampaignKind
) -> None:
    target = TO_SECOND if kind is CampaignKind.KEY_CHANGE else new().target
    campaign = started(engine, new(kind, target=target))
    limited = replace(MAKER, security_module=Limited(MAKER.security_module, left=4))
    ended = runner(engine, campaign, maker=limited).run()
    assert (ended.state, ended.settled) == (CampaignState.RUNNING, 4)
    assert ended.is_limit_reached
    assert sorted(states(engine).values()) == [ISSUED] * 4 + [PENDING] * (len(PLAIN) - 4)
    assert runner(engine, campaign).run().settled == len(PLAIN) - 4
    assert disagreements(engine) == []


class Limited:
    """A security module that makes so many tokens and sets of them, and no more."""

    def __init__(self, module: SecurityModule, *, left: int) -> None:
        self._module = module
        self._left = left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def begin_issue(self, requests: Sequence[IssueRequest]) -> Callable[[], list[Any]]:
        return partial(self._some, self._module.issue, requests)

    def change_key(self, requests: Sequence[KeyChangeRequest]) -> list[Any]:
        return self._some(self._module.change_key, requests)

    def _some(self, make: Callable[..., list[Any]], requests: Sequence[Any]) -> list[Any]:
        made = make(requests[: self._left])
        self._left -= len(made)
        return made + [IssueLimitReached("enough for today")] * (len(requests) - len(made))
