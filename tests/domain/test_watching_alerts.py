"""Each alert comes one past its bound and not at it, and is noticed once a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert, text, update

from sts.base_date import BaseDate
from sts.token_identifier import TokenIdentifier
from tests.domain.advising import other_client
from tests.domain.campaigns.proposing import do, listed, new, propose
from tests.support.operators import joined
from tests.support.selling import change_meter, meter_key, sell
from tests.support.service import DEMO_CLIENT, NOON, purchase, writing
from vending_api.domain.approvals.tables import PROPOSAL
from vending_api.domain.approvals.types import State
from vending_api.domain.campaigns import service as campaigns
from vending_api.domain.campaigns.types import RefundOf
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.operators.types import Role
from vending_api.domain.reprints.service import reprint
from vending_api.domain.reprints.types import Reprint, ReprintTokens
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.watching import habit_rows, service
from vending_api.domain.watching.types import Alert, AlertKind, Habits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

_A_DAY: Final = timedelta(days=1)
_LAST_NIGHT: Final = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
"""Midnight in Johannesburg, with which the 21st begins."""
_PLAIN: Final = Habits()


def test_a_usual_day_has_no_alerts(engine: Engine) -> None:
    assert _alerts(engine) == []
    sell(engine, purchase())
    assert _alerts(engine) == []


@pytest.mark.parametrize(
    ("before", "today", "is_told"),
    [
        pytest.param([2_000, 10, 10, 10, 10], 6_000, False, id="three times the largest day"),
        pytest.param([2_000, 10, 10, 10, 10], 6_001, True, id="more"),
        pytest.param([10] * 5, 5_000, False, id="the floor"),
        pytest.param([10] * 5, 5_001, True, id="above the floor"),
        pytest.param([10] * 4, 9_999, False, id="a meter with four days of purchases"),
    ],
)
def test_units_above_a_meters_habit(
    engine: Engine, before: list[int], today: int, *, is_told: bool
) -> None:
    for ago, units in enumerate(before):
        _bought(engine, units, NOON - timedelta(days=10 - ago))
    _bought(engine, today, NOON)
    found = _alerts(engine)
    if not is_told:
        assert found == []
        return
    (alert,) = found
    with engine.connect() as connection:
        assert alert.trace == f"meter {meter_key(connection)}"
    assert (alert.kind, alert.subject) == (AlertKind.UNITS, "meter TST001")
    assert alert.count == today // 10
    assert alert.until == datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def test_units_of_a_day_are_added_up_and_a_day_has_one_place_in_the_habit(engine: Engine) -> None:
    for ago in (5, 4, 3, 2, 2):
        _bought(engine, 100, NOON - timedelta(days=ago))
    for units in (2_500, 2_500):
        _bought(engine, units, NOON)
    _bought(engine, 1, NOON)
    assert _alerts(engine) == []  # four days are no habit
    assert _kinds(_alerts(engine, replace(_PLAIN, units_known_days=4))) == {AlertKind.UNITS}
    times = replace(_PLAIN, units_known_days=4, units_floor=400)
    assert _kinds(_alerts(engine, replace(times, units_times=25))) == {AlertKind.UNITS}
    assert _alerts(engine, replace(times, units_times=26)) == []


@pytest.mark.parametrize(
    ("early", "is_told"), [(timedelta(0), True), (timedelta(minutes=3), False)]
)
def test_the_habit_is_that_of_ninety_days(
    engine: Engine, early: timedelta, *, is_told: bool
) -> None:
    _bought(engine, 100, _LAST_NIGHT - timedelta(days=90) - early)
    for ago in (4, 3, 2, 1):
        _bought(engine, 100, NOON - timedelta(days=ago))
    _bought(engine, 5_001, NOON)
    assert bool(_alerts(engine)) == is_told


def test_other_meters_have_habits_of_their_own(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(habit_rows, "_AT_ONCE", 1)
    meters = ("TST001", "TST004", "TST010")
    for ago in (6, 5, 4, 3, 2):
        for meter, units in zip(meters, (9_000, 100, 100), strict=True):
            _bought(engine, units, NOON - timedelta(days=ago), meter)
    for meter in meters:
        _bought(engine, 9_000, NOON, meter)
    assert [one.subject for one in _alerts(engine)] == ["meter TST004", "meter TST010"]


def test_reprints_of_one_meter(engine: Engine) -> None:
    sell(engine, purchase())
    _reprint(engine, 5)
    assert _alerts(engine) == []
    _reprint(engine, 1)
    (alert,) = _alerts(engine)
    assert (alert.kind, alert.subject, alert.count) == (AlertKind.REPRINTS, "meter TST001", 6)
    assert "TST001" not in alert.trace
    assert _alerts(engine, day=NOON.date() - _A_DAY) == []


def test_reprints_by_one_terminal(engine: Engine) -> None:
    for meter in ("TST001", "TST004", "TST010"):
        sell(engine, purchase(external_meter_id=meter))
    habits = replace(_PLAIN, reprints_by_terminal=3)
    _reprint(engine, 2)
    _reprint(engine, 1, external_meter_id="TST004")
    _reprint(engine, 1, external_meter_id="TST010", terminal_id="TILL0002")
    _reprint(engine, 1, external_meter_id="TST010", client=other_client(engine))
    assert _alerts(engine, habits) == []
    _reprint(engine, 1, external_meter_id="TST010")
    (alert,) = _alerts(engine, habits)
    assert alert.subject == alert.trace == "terminal TILL0001 of test"
    assert (alert.kind, alert.count) == (AlertKind.REPRINTS, 4)


def test_many_sales_in_the_night(engine: Engine) -> None:
    for number in range(10):
        sell(engine, purchase(received_at=_LAST_NIGHT + timedelta(minutes=number)))
    assert _alerts(engine) == []
    for moment in (_LAST_NIGHT + timedelta(hours=4), NOON):  # when the night is over
        sell(engine, purchase(received_at=moment))
    assert _alerts(engine) == []
    sell(engine, purchase(received_at=_LAST_NIGHT + timedelta(hours=4, microseconds=-1)))
    (alert,) = _alerts(engine)
    assert alert.subject == alert.trace == "client test"
    assert (alert.kind, alert.count) == (AlertKind.ODD_HOURS, 11)


@pytest.mark.parametrize(("sales", "is_told"), [(3, False), (4, True)])
def test_sales_in_the_night_against_the_nights_before(
    engine: Engine, sales: int, *, is_told: bool
) -> None:
    habits = replace(_PLAIN, night_sales=1, night_days=2)
    for ago in (3, 2, 1):  # the oldest is too long ago
        sell(engine, purchase(received_at=_LAST_NIGHT - timedelta(days=ago)))
    for _ in range(sales):
        sell(engine, purchase(received_at=_LAST_NIGHT))
    assert bool(_alerts(engine, habits)) == is_told


def test_each_client_has_nights_of_its_own(engine: Engine) -> None:
    client, habits = other_client(engine), replace(_PLAIN, night_sales=2, night_days=1)
    for _ in range(3):
        sell(engine, purchase(received_at=_LAST_NIGHT - _A_DAY))
    for one in (client, DEMO_CLIENT):
        for _ in range(3):
            sell(engine, purchase(received_at=_LAST_NIGHT, client=one))
    assert [one.subject for one in _alerts(engine, habits)] == ["client other"]


def test_one_person_who_approves_all_of_another(engine: Engine) -> None:
    for _ in range(4):
        _campaign(engine)
    assert _alerts(engine) == []
    _campaign(engine, by="ANN  ", approver=" ben")
    (alert,) = _alerts(engine)
    assert alert.kind is AlertKind.SAME_APPROVER
    assert alert.subject.casefold() == "ann, approved by ben"
    assert "ann" not in alert.trace.casefold()
    assert alert.trace == "who proposed campaign 1"
    assert (alert.count, alert.until) == (5, datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    "sixth",
    [
        pytest.param({"approver": "Cleo"}, id="another has approved one of them"),
        pytest.param({"by": "Cleo"}, id="the approver has approved somebody else's"),
    ],
)
def test_people_who_take_turns_are_no_alert(engine: Engine, sixth: dict[str, Any]) -> None:
    for _ in range(5):
        _campaign(engine)
    assert _kinds(_alerts(engine)) == {AlertKind.SAME_APPROVER}
    _campaign(engine, **sixth)
    assert _alerts(engine) == []


@pytest.mark.parametrize(("early", "is_told"), [(timedelta(0), True), (_A_DAY / 24, False)])
def test_approvals_count_for_ninety_days(
    engine: Engine, early: timedelta, *, is_told: bool
) -> None:
    _campaign(engine, at=NOON - timedelta(days=90) - early)
    for _ in range(4):
        _campaign(engine)
    assert bool(_alerts(engine)) == is_told


@pytest.mark.parametrize(("state", "count"), [(State.APPROVED, 1), (State.REFUSED, 0)])
def test_proposals_of_operators_count_as_campaigns_do(
    engine: Engine, state: State, count: int
) -> None:
    with writing(engine) as connection, connection.begin():
        people = [joined(connection, name, Role.SUPERVISOR) for name in ("ann", "ben")]
        proposer, approver = (one.operator.key for one in people)
        for number in range(5):
            connection.execute(
                insert(PROPOSAL).values(
                    kind="deposit",
                    payload="{}",
                    digest=str(number),
                    reason="",
                    proposer_key=proposer,
                    proposed_at=NOON,
                    state=state.value,
                    decider_key=approver,
                    decided_at=NOON,
                    note="",
                )
            )
    assert [one.subject for one in _alerts(engine)] == ["ann, approved by ben"] * count


def test_proposals_that_nobody_approved_do_not_count(engine: Engine) -> None:
    for _ in range(4):
        _campaign(engine)
    _campaign(engine, approver=None)
    assert _alerts(engine) == []


@pytest.mark.parametrize(
    ("ahead", "is_told"), [(_A_DAY, False), (_A_DAY + timedelta(minutes=1), True)]
)
def test_identifiers_ahead_of_the_clock(engine: Engine, ahead: timedelta, *, is_told: bool) -> None:
    newest = TokenIdentifier.at(NOON + ahead, BaseDate.YEAR_2014)
    change_meter(engine, last_token_identifier=newest.minutes)
    found = _alerts(engine)
    assert bool(found) == is_told
    for alert in found:
        assert (alert.kind, alert.count) == (AlertKind.IDENTIFIERS, 24)
        assert alert.subject == alert.trace == "base date 2014"


def test_a_difference_of_the_day_is_an_alert(engine: Engine) -> None:
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(TOKEN_LOG))
    (alert,) = _alerts(engine)
    assert alert.kind is AlertKind.DIFFERENCE
    assert alert.subject == alert.trace == "token and log of test 710"
    assert alert.detail == "2026-11-21: there are 1 tokens, but the log has 0"
    assert alert.count == 1


def test_a_difference_of_nobody_is_an_alert(engine: Engine) -> None:
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        connection.execute(update(TOKEN_LOG).values(reference="nowhere"))
    assert {one.subject for one in _alerts(engine)} == {
        "token and log of nobody",
        "token and log of test 710",
    }


def test_a_day_that_has_ended_is_looked_at_once_more(engine: Engine) -> None:
    sell(engine, purchase())
    _reprint(engine, 6)
    midnight = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)
    assert _alerts(engine, now=midnight) == []
    (alert,) = _alerts(engine, now=midnight, since=midnight - minute)
    assert alert.until == midnight
    assert _alerts(engine, now=midnight + minute, since=midnight) == []
    assert len(_alerts(engine, now=midnight - minute, since=NOON)) == 1


def test_an_alert_is_noticed_once_a_day_and_counted_until_the_day_ends(engine: Engine) -> None:
    until = NOON + timedelta(hours=10)
    one = Alert(
        kind=AlertKind.UNITS, subject="meter X", trace="meter 1", detail="", count=7, until=until
    )
    others = [
        replace(one, trace="meter 2"),
        replace(one, kind=AlertKind.REPRINTS),
        replace(one, until=until + _A_DAY),
    ]
    assert _note(engine, one) == [one]
    assert _note(engine, replace(one, count=8)) == []
    assert _note(engine, one, *others) == others
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM alert")).all()
        today = service.count_today(connection, until - timedelta(microseconds=1))
        tomorrow = service.count_today(connection, until)
    assert "meter X" not in str(rows)
    assert today == dict.fromkeys(AlertKind, 0) | {AlertKind.UNITS: 3, AlertKind.REPRINTS: 1}
    assert tomorrow == dict.fromkeys(AlertKind, 0) | {AlertKind.UNITS: 1}


def test_any_kind_and_trace_fits_its_column() -> None:
    assert max(map(len, AlertKind)) <= 16
    longest = f"sale and credit of {'x' * 64} 710"
    assert len(longest) <= 120


def _alerts(
    engine: Engine,
    habits: Habits = _PLAIN,
    *,
    now: datetime = NOON,
    day: date | None = None,
    since: datetime | None = None,
) -> list[Alert]:
    with engine.connect() as connection:
        return service.alerts(connection, now, habits, day=day, since=since)


def _kinds(found: Iterable[Alert]) -> set[AlertKind]:
    return {one.kind for one in found}


def _note(engine: Engine, *found: Alert) -> list[Alert]:
    with writing(engine) as connection, connection.begin():
        return service.note(connection, found, NOON)


def _bought(engine: Engine, units_tenths: int, at: datetime, meter: str = "TST001") -> None:
    """Sell a meter so many units, whatever they cost."""
    sale = sell(engine, purchase(received_at=at, external_meter_id=meter))
    with writing(engine) as connection, connection.begin():
        of_sale = update(TOKEN).where(TOKEN.c.sale_key == sale.key)
        connection.execute(of_sale.values(units_tenths=units_tenths))


def _reprint(engine: Engine, times: int, **changes: Any) -> None:
    """Hand out the last tokens of a meter again, so often."""
    facts: dict[str, Any] = {
        "external_meter_id": "TST001",
        "original_reference": None,
        "terminal_id": "TILL0001",
        "client": DEMO_CLIENT,
        "received_at": NOON,
    }
    for _ in range(times):
        command = ReprintTokens(reprint_id=str(uuid4()), **facts | changes)
        with writing(engine) as connection, connection.begin():
            assert isinstance(reprint(connection, command), Reprint)


def _campaign(
    engine: Engine, *, by: str = "Ann", approver: str | None = "Ben", at: datetime = NOON
) -> None:
    """Let somebody propose a campaign, and somebody else approve it."""
    name = str(uuid4())
    refund = RefundOf(units_tenths=5)
    campaign = new(
        name=name,
        selection=listed("TST001"),
        refund=refund,
        proposed_by=by,
        proposed_at=at,
        may_repeat=True,
    )
    propose(engine, campaign)
    if approver is not None:
        do(engine, campaigns.approve, name, by=approver, at=at)
