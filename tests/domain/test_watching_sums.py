"""The sums of a day agree after all that may happen, and each record that is spoilt shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import Column, select, text

from tests.domain.advising import on_terms, other_client
from tests.domain.biting import take_small_bites
from tests.domain.eventful import NEXT_YEAR, drop_guards
from tests.domain.paying import ASKED, CREDIT, SOON, an_order, in_state, payment, settle, spoil
from tests.support.selling import refusal, retry, sell
from tests.support.service import NOON, purchase, writing
from vending_api import migrations
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.payments.types import OrderState
from vending_api.domain.sales.tables import SALE
from vending_api.domain.watching import ranges
from vending_api.domain.watching.ranges import keys_between
from vending_api.domain.watching.service import day_sums
from vending_api.domain.watching.types import DaySum
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

_DAY: Final = NOON.date()
_HOUR: Final = timedelta(hours=1)


@pytest.fixture(params=[None, 1], ids=["in large bites", "row by row"])
def bitten(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a day in bites of its size, and in such of one row."""
    if request.param is not None:
        take_small_bites(monkeypatch, request.param)


@pytest.mark.usefixtures("bitten")
def test_the_sums_of_a_varied_day_agree(used: Engine) -> None:
    found = _sums(used)
    assert [one.differences for one in found.values()] == [(), ()]
    assert found["other"] == DaySum(
        client="other",
        currency="710",
        sales=1,
        sold_minor=10_000,
        billed_minor=10_000,
        for_tokens_minor=10_000,
        charged_minor=10_000,
        tokens=1,
        logged=1,
    )
    demo = found["test"]
    with used.connect() as connection:
        sales = connection.execute(
            select(SALE).where(
                SALE.c.client_key == 1,
                SALE.c.state.not_in(["refused", "given_up"]),
                SALE.c.received_at < NEXT_YEAR,
            )
        ).all()
        keys = [sale.key for sale in sales]
        tokens = connection.execute(select(TOKEN).where(TOKEN.c.sale_key.in_(keys))).all()
    assert (demo.sales, demo.tokens, demo.logged) == (len(sales), len(tokens), len(tokens))
    assert demo.sold_minor == sum(sale.amount_minor for sale in sales)
    # Debts and service charges are on the bill, and on no token.
    assert 0 < demo.charged_minor < demo.billed_minor
    # One sale came before the client paid in advance.
    assert demo.drawn_minor == demo.due_minor == demo.sold_minor - 10_000
    assert demo.paid_minor is None


def test_a_day_has_its_own_sales_and_no_others(used: Engine) -> None:
    of_next_year = _sums(used, NEXT_YEAR.date())
    assert [(one.client, one.sales) for one in of_next_year.values()] == [("test", 2)]
    assert _sums(used, _DAY - timedelta(days=1)) == {}


@pytest.mark.usefixtures("bitten")
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        pytest.param(
            "UPDATE sale SET amount_minor = 9999 WHERE purchase_id = 'on account'",
            {("other", "sale and bill", 1)},
            id="a sum that was changed",
        ),
        pytest.param(
            "UPDATE sale SET bill = NULL WHERE purchase_id = 'on account'",
            {("other", "sale and bill", -10_000), ("other", "bill and token", 10_000)},
            id="a bill that is gone",
        ),
        pytest.param(
            "UPDATE token SET tax_minor = tax_minor + 7 WHERE sale_key = "
            "(SELECT key FROM sale WHERE purchase_id = 'sold')",
            {("test", "bill and token", 7)},
            id="a token that says more than was paid",
        ),
        pytest.param(
            "DELETE FROM token WHERE sale_key = (SELECT key FROM sale WHERE purchase_id = 'sold')",
            {
                ("test", "bill and token", -10_000),
                ("test", "sale and token", -1),
                ("test", "token and log", 1),
            },
            id="a token that is gone",
        ),
        pytest.param(
            "DELETE FROM token_log WHERE reference = 'sold'",
            {("test", "token and log", -1)},
            id="a row of the log that is gone",
        ),
        pytest.param(
            "UPDATE token_log SET reference = 'nowhere' WHERE reference = 'sold'",
            {("test", "token and log", -1), ("", "token and log", 1)},
            id="a row of the log that is of no sale",
        ),
        pytest.param(
            "UPDATE token SET sale_key = 999 WHERE sale_key = "
            "(SELECT key FROM sale WHERE purchase_id = 'sold')",
            {
                ("test", "bill and token", -10_000),
                ("test", "sale and token", -1),
                ("test", "token and log", 1),
                ("", "bill and token", 10_000),
                ("", "token and log", -1),
            },
            id="a token of no sale",
        ),
        pytest.param(
            "UPDATE sale SET state = 'refused' WHERE purchase_id = 'sold'",
            {("test", "bill and token", 10_000), ("test", "sale and credit", 10_000)},
            id="a sale that was hidden",
        ),
        pytest.param(
            "DELETE FROM credit_entry WHERE kind = 'sale' AND reference = 'sold'",
            {("test", "sale and credit", -10_000)},
            id="a sale that was not taken from credit",
        ),
        pytest.param(
            "UPDATE credit_entry SET amount_minor = -1 WHERE kind = 'sale' AND reference = 'sold'",
            {("test", "sale and credit", -9_999)},
            id="a sale of which less was taken",
        ),
        pytest.param(
            "UPDATE credit_entry SET reference = 'x' WHERE kind = 'sale' AND reference = 'sold'",
            {("test", "sale and credit", -10_000), ("test", "sale and credit", 10_000)},
            id="money that was taken for no sale",
        ),
        pytest.param(
            "DELETE FROM credit_entry WHERE kind <> 'deposit'",
            {("test", "sale and credit", -110_000)},
            id="all that was taken since the deposit",
        ),
        pytest.param(
            "UPDATE client SET is_prepaid = false;"
            "UPDATE credit_entry SET amount_minor = -120001 WHERE reference = 'sold'",
            {("test", "sale and credit", 100_001)},
            id="more than was sold, from a client that is not prepaid",
        ),
    ],
)
def test_what_was_spoilt_shows(used: Engine, by: str, expected: set[tuple[str, str, int]]) -> None:
    found = [
        (one.client, difference.check, difference.by)
        for one in _spoilt(used, by)
        for difference in one.differences
    ]
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.usefixtures("bitten")
@pytest.mark.parametrize(
    "by",
    [
        pytest.param(
            "UPDATE sale SET key_data = NULL, bill = NULL WHERE purchase_id = 'on account'",
            id="what was sold before bills were kept",
        ),
        pytest.param(
            "UPDATE client SET is_prepaid = false; DELETE FROM credit_entry WHERE kind = 'sale'",
            id="a client whose sales are not taken from its credit any more",
        ),
        pytest.param("DELETE FROM credit_entry", id="a client that has never paid in"),
        pytest.param(
            "UPDATE credit_entry SET at = '2026-01-01 00:00:00' WHERE kind = 'deposit'",
            id="a client that paid in before its sales were taken from it",
        ),
    ],
)
def test_what_may_be_is_no_difference(used: Engine, by: str) -> None:
    for one in _spoilt(used, by):
        assert one.differences == ()


@pytest.mark.usefixtures("bitten")
def test_a_client_that_pays_in_advance_since_yesterday_owes_all_of_today(engine: Engine) -> None:
    client = on_terms(engine, deposit_minor=100_000, is_prepaid=True)
    for hours in (-24, 0, 1):
        sell(engine, purchase(client=client, received_at=NOON + hours * _HOUR))
    with writing(engine) as connection, connection.begin():
        second = "DELETE FROM credit_entry WHERE key = (SELECT min(key) + 1 FROM credit_entry "
        connection.execute(text(second + "WHERE kind = 'sale')"))
    (one,) = _sums(engine).values()
    assert (one.due_minor, one.drawn_minor) == (20_000, 10_000)


def test_a_day_is_the_utilitys_own(engine: Engine) -> None:
    midnight = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)  # in Johannesburg
    sell(engine, purchase(received_at=midnight - timedelta(microseconds=1)))
    for _ in range(2):
        sell(engine, purchase(received_at=midnight))
    assert [_count(engine, date(2026, 11, day)) for day in (19, 20, 21, 22)] == [0, 1, 2, 0]


def test_utilities_in_other_zones_have_other_days(engine: Engine) -> None:
    order = in_state(engine, OrderState.ORDERED)
    night = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # half past eleven in Lagos
    paid = payment(order, paid_at=night)
    assert settle(engine, order, paid, night).state is OrderState.VENDED
    sell(engine, purchase(received_at=night))
    assert {name: one.sales for name, one in _sums(engine).items()} == {":online": 1}
    assert list(_sums(engine, _DAY + timedelta(days=1))) == ["test"]


@pytest.mark.usefixtures("bitten")
@pytest.mark.parametrize("near", [1, 1_000])
def test_what_was_refused_is_counted_on_the_day_that_it_was_sold(
    engine: Engine, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tell_apart(monkeypatch, near)
    command = purchase(amount_minor=1)
    refusal(engine, command)
    for _ in range(10):
        sell(engine, purchase(received_at=NOON + 40 * _HOUR))
    with writing(engine) as connection, connection.begin():
        connection.execute(text("UPDATE sale SET amount_minor = 10000 WHERE state = 'refused'"))
    later = NOON + 70 * _HOUR
    retry(engine, replace(command, amount_minor=10_000, message_id="again", received_at=later))
    (one,) = _sums(engine, later.date()).values()
    assert (one.sales, one.tokens, one.logged, one.differences) == (1, 1, 1, ())
    assert _sums(engine) == {}


@pytest.mark.parametrize("near", [1, 5])
def test_the_sums_are_the_same_however_far_keys_are_told_apart(
    used: Engine, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = (_DAY, NEXT_YEAR.date())
    expected = [_sums(used, day) for day in days]
    _tell_apart(monkeypatch, near)
    assert [_sums(used, day) for day in days] == expected


@pytest.mark.usefixtures("bitten")
def test_what_was_paid_online_is_what_was_sold(engine: Engine) -> None:
    for _ in range(2):
        in_state(engine, OrderState.VENDED)
    in_state(engine, OrderState.PAID)
    in_state(engine, OrderState.REFUNDED)
    order = an_order(engine)
    settle(engine, order, payment(order, amount_minor=ASKED + 100))  # a fee that is passed on
    sell(engine, purchase(client=other_client(engine)))
    online = _sums(engine)[":online"]
    assert (online.sold_minor, online.paid_minor) == (3 * CREDIT, 3 * CREDIT)
    assert online.differences == ()


@pytest.mark.parametrize(
    ("values", "by"),
    [
        ({"paid_minor": ASKED - 1}, -1),
        ({"paid_minor": None}, -ASKED),
        ({"state": "paid"}, -CREDIT),
        ({"reference": "T000000000999999"}, 0),
        ({"amount_minor": ASKED + 5, "paid_minor": ASKED + 5}, 5),
    ],
)
def test_an_order_that_was_spoilt_shows(engine: Engine, values: dict[str, Any], by: int) -> None:
    order = in_state(engine, OrderState.VENDED)
    in_state(engine, OrderState.VENDED)
    spoil(engine, order, **values)
    found = _sums(engine)[":online"].differences
    # A reference that was changed moves the money to an order without a sale: the sum is the same.
    assert [(one.check, one.by) for one in found] == [("sale and order", by)] * bool(by)


@pytest.mark.usefixtures("bitten")
def test_an_order_that_was_vended_for_nothing_shows(engine: Engine) -> None:
    order = in_state(engine, OrderState.PAID)
    spoil(engine, order, state="vended")
    (difference,) = _sums(engine)[":online"].differences
    assert (difference.check, difference.by) == ("sale and order", CREDIT)
    a_day = timedelta(days=1)
    spoil(engine, order, paid_at=SOON - a_day, ordered_at=NOON - a_day)
    assert _sums(engine) == {}
    assert list(_sums(engine, _DAY - timedelta(days=1))) == [":online"]
    spoil(engine, order, paid_at=SOON, ordered_at=NOON - timedelta(days=4))
    assert _sums(engine) == {}


def test_where_nothing_is_sold_there_are_no_sums(engine: Engine, database_url: str) -> None:
    assert _sums(engine) == {}
    empty = open_database(database_url, connections=1)
    migrations.upgrade(empty)
    assert _sums(empty) == {}
    empty.dispose()


@pytest.mark.parametrize("near", [1, 3, 1_000])
def test_the_keys_of_a_day_are_found_however_far_they_are_told_apart(
    engine: Engine, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tell_apart(monkeypatch, near)
    times = [NOON + 3 * hour * _HOUR for hour in range(20)]
    keys = [sell(engine, purchase(received_at=at)).key for at in times]
    key: Column[Any] = SALE.c.key
    with engine.connect() as connection:
        for first in (0, 5, 19):
            for last in (first, first + 4, 25):
                begin, end = NOON + (3 * first - 1) * _HOUR, NOON + (3 * last + 1) * _HOUR
                found = keys_between(connection, key, SALE.c.received_at, begin, end)
                wanted = keys[first : last + 1]
                assert set(wanted) <= set(found)
                assert len(found) <= len(wanted) + 2 * near + 2
        none = keys_between(connection, key, SALE.c.received_at, NOON, NOON, key < 0)
        assert len(none) == 0


@pytest.mark.parametrize("place", [1, 2])
def test_rows_that_were_written_out_of_order_are_found_within_an_hour(
    engine: Engine, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tell_apart(monkeypatch, 1)
    monkeypatch.setattr(ranges, "_GROUP", 1)
    minutes = [0, 600, 542, 1_200, 1_800, 2_400, 3_000]
    times = [NOON + timedelta(minutes=one) for one in minutes]
    keys = [sell(engine, purchase(received_at=at)).key for at in times]
    key: Column[Any] = SALE.c.key
    around = timedelta(minutes=1)
    with engine.connect() as connection:
        begin, end = times[place] - around, times[place] + around
        assert keys[place] in keys_between(connection, key, SALE.c.received_at, begin, end)


def _sums(engine: Engine, day: date = _DAY) -> dict[str, DaySum]:
    """Return the sums of a day by their clients, which sell in one currency each."""
    with engine.connect() as connection:
        return {one.client: one for one in day_sums(connection, day)}


def _tell_apart(monkeypatch: pytest.MonkeyPatch, near: int) -> None:
    """Let keys be looked for as in a large table."""
    monkeypatch.setattr(ranges, "_NEAR", near)
    monkeypatch.setattr(ranges, "_GROUP", 2)


def _count(engine: Engine, day: date) -> int:
    return sum(one.sales for one in _sums(engine, day).values())


def _spoilt(engine: Engine, statements: str) -> list[DaySum]:
    """Return the sums after some statements, which are then undone."""
    with writing(engine) as connection:
        transaction = connection.begin()
        drop_guards(connection)
        for statement in filter(None, statements.split(";")):
            connection.execute(text(statement))
        found = day_sums(connection, _DAY)
        transaction.rollback()
    return found
