"""A day is read in bites, none of which has many rows, and comes to the same."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import delete, event, insert, select, text

from tests.domain.advising import other_client
from tests.domain.biting import take_small_bites
from tests.support.selling import meter_key, sell
from tests.support.service import DEMO_CLIENT, NOON, purchase, writing
from vending_api.domain.reprints.tables import REPRINT
from vending_api.domain.sales.tables import SALE
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.watching import day_units, habit_rows, ranges, service
from vending_api.domain.watching.day_units import DayUnits
from vending_api.domain.watching.ranges import all_keys, bites
from vending_api.domain.watching.types import AlertKind, Habits

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Column, Engine

    from vending_api.domain.clients.types import Client
    from vending_api.domain.sales.types import Sale

_HABITS: Final = Habits(
    units_floor=1, units_known_days=1, night_sales=1, night_days=2, reprints_by_terminal=3
)
_NIGHT: Final = NOON - timedelta(hours=11)
_KEY: Final[Column[Any]] = SALE.c.key


@pytest.mark.parametrize("rows", [1, 3])
def test_bites_adjoin_and_have_so_many_rows_at_most(
    engine: Engine, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_small_bites(monkeypatch, rows)
    keys = [sell(engine, purchase()).key for _ in range(6)]
    with writing(engine) as connection, connection.begin():  # keys have gaps of any size
        last = connection.execute(select(SALE).where(SALE.c.key == keys[-1])).mappings().one()
        far = {**last, "key": 10_000_000, "purchase_id": "far away"}
        connection.execute(insert(SALE), far)
    keys.append(10_000_000)
    with engine.connect() as connection:
        found = list(bites(connection, _KEY, all_keys(connection, _KEY)))
        assert list(bites(connection, _KEY, range(0))) == []
        assert list(bites(connection, _KEY, range(50, 60))) == [range(50, 60)]
    assert [one.start for one in found] == [min(keys), *(one.stop for one in found[:-1])]
    assert found[-1].stop == 10_000_001
    assert max(sum(key in one for key in keys) for one in found) == rows
    assert len(found) == -(-7 // rows)


@pytest.mark.parametrize("rows", [1, 3])
def test_what_is_found_is_the_same_in_bites_of_any_size(
    engine: Engine, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _strange_day(engine)
    expected = _looked(engine)
    kinds = Counter(alert.kind for alert in expected[1])
    assert kinds == {
        AlertKind.UNITS: 2,
        AlertKind.REPRINTS: 4,
        AlertKind.ODD_HOURS: 2,
        AlertKind.DIFFERENCE: 2,
    }
    take_small_bites(monkeypatch, rows)
    monkeypatch.setattr(ranges, "_NEAR", 1)
    monkeypatch.setattr(ranges, "_GROUP", 1)
    assert _looked(engine) == expected


def test_no_statement_reads_more_of_a_day_than_a_bite(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _strange_day(engine)
    for rows, times in ((2_000, 1), (2, 11)):  # of 21 sales
        take_small_bites(monkeypatch, rows)
        asked: list[str] = []
        with engine.connect() as connection:

            def note(_: Any, __: Any, statement: str, *___: Any, asked: list[str] = asked) -> None:
                asked.append(" ".join(statement.split()))

            event.listen(connection, "before_cursor_execute", note)
            service.day_sums(connection, NOON.date())
        for mark in ("AS without_token", "AS billed_minor, sum(CASE WHEN (", "AS charged_minor"):
            assert sum(mark in one for one in asked) >= times, mark
        (of_sales,) = {one for one in asked if "AS without_token" in one}
        assert asked.count(of_sales) == times


def test_where_there_is_one_zone_postgresql_looks_for_no_meter(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite looks for them all the same")
    sell(engine, purchase())
    values = {"sale_from": 1, "sale_to": 9, "older_sales": [0], "zone": "UTC", "home": "UTC"}
    for has_one_zone in (True, False):
        given = {**values, "begin": NOON, "end": NOON, "has_one_zone": has_one_zone}
        compiled = habit_rows._SALES_OF.params(given).compile(
            engine, compile_kwargs={"literal_binds": True}
        )
        with engine.connect() as connection:
            plan = str(connection.execute(text(f"EXPLAIN {compiled}")).scalars().all())
        assert ("meter" in plan) is not has_one_zone


@pytest.mark.parametrize("shares", [1, 3])
def test_units_of_a_day_are_added_up_by_meter_and_given_a_few_at_a_time(
    shares: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_units, "_SHARES", shares)
    units = DayUnits()
    for key in range(10):
        for tenths in (key, 10):
            units.add(key, tenths)
    found = list(units.above(13, at_once=2))
    assert all(0 < len(one) <= 2 for one in found)
    assert sorted(one for some in found for one in some.items()) == [
        (key, key + 10) for key in range(4, 10)
    ]


def _strange_day(engine: Engine) -> None:
    """Let two clients sell to two meters, by day and in the night, with something of every kind."""
    sellers = ((DEMO_CLIENT, "TST001"), (other_client(engine), "TST004"))
    nights = [_NIGHT + timedelta(minutes=minute) for minute in range(4)]
    for at in (NOON - timedelta(days=3), NOON - timedelta(days=2), *nights, *[NOON] * 3):
        for client, meter in sellers:
            _sell(engine, client, meter, at)
    for client, meter in sellers:
        last = _sell(engine, client, meter, NOON)
        with writing(engine) as connection, connection.begin():
            row = {
                "sale_key": last.key,
                "meter_key": meter_key(connection, meter),
                "client_key": client.key,
                "terminal_id": "TILL0001",
                "day": NOON.date(),
                "received_at": NOON,
            }
            reprints = [{**row, "reprint_id": f"{meter} {number}"} for number in range(6)]
            connection.execute(insert(REPRINT), reprints)
            is_of_last = TOKEN_LOG.c.reference == last.purchase_id
            connection.execute(delete(TOKEN_LOG).where(is_of_last))
    _sell(engine, DEMO_CLIENT, "TST010", NOON)


def _sell(engine: Engine, client: Client, meter: str, at: datetime) -> Sale:
    return sell(engine, purchase(client=client, external_meter_id=meter, received_at=at))


def _looked(engine: Engine) -> tuple[list[Any], list[Any]]:
    with engine.connect() as connection:
        sums = service.day_sums(connection, NOON.date())
        return sums, service.alerts(connection, NOON, _HABITS)
