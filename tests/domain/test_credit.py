"""Nobody spends more than was deposited, nor more in a day than was agreed."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import IntegrityError

from tests.support.service import DEMO_CLIENT, NOON, writing
from tests.support.statements import first_words
from vending_api.domain.clients.service import register_client
from vending_api.domain.clients.types import ClientTerms
from vending_api.domain.credit import service
from vending_api.domain.credit.errors import DepositKnown, InsufficientFunds, LimitExceeded
from vending_api.domain.credit.repository import find_spent
from vending_api.domain.credit.types import Entry, EntryKind, Scope
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

PREPAID = replace(DEMO_CLIENT, terms=ClientTerms(is_prepaid=True))
TODAY = date(2026, 11, 21)


def _deposit(
    engine: Engine, amount_minor: int = 1_000, reference: str = "EFT 1", note: str = ""
) -> int:
    with writing(engine) as connection, connection.begin():
        return service.deposit(
            connection, PREPAID.key, amount_minor, reference=reference, note=note, at=NOON
        )


def _draw(engine: Engine, amount_minor: int, reference: str = "sale") -> None:
    with writing(engine) as connection, connection.begin():
        service.draw(connection, PREPAID, amount_minor, reference=reference, at=NOON)


def _give_back(engine: Engine, reference: str = "sale", client_key: int = PREPAID.key) -> None:
    with writing(engine) as connection, connection.begin():
        service.give_back(connection, client_key, reference=reference, at=NOON)


def _balance(engine: Engine) -> int:
    with engine.connect() as connection:
        return service.balance(connection, PREPAID.key)


def _statement(engine: Engine) -> list[Entry]:
    with engine.connect() as connection:
        return service.statement(connection, PREPAID.key)


def _count(
    engine: Engine,
    amount_minor: int,
    *,
    maximum_minor: int | None = 100,
    scope: Scope = Scope.METER,
    scope_key: int = 1,
    day: date = TODAY,
) -> None:
    with writing(engine) as connection, connection.begin():
        service.count(
            *(connection, scope, scope_key, day, amount_minor),
            maximum_minor=maximum_minor,
            what="the sum of a day",
        )


def _spent(engine: Engine, scope: Scope = Scope.METER, scope_key: int = 1) -> int:
    with engine.connect() as connection:
        return find_spent(connection, scope, scope_key, TODAY)


def _in_threads(count: int, act: Callable[[int], None]) -> None:
    together = threading.Barrier(count)

    def run(number: int) -> None:
        together.wait()
        act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_client_without_deposits_has_nothing(engine: Engine) -> None:
    assert _balance(engine) == 0
    assert _statement(engine) == []
    with pytest.raises(InsufficientFunds):
        _draw(engine, 1)
    assert _balance(engine) == 0


def test_deposits_sales_and_reversals_stand_on_the_statement(engine: Engine) -> None:
    assert _deposit(engine, 1_000, "EFT 1", "Paid by hand") == 1_000
    assert _deposit(engine, 1, "EFT 2") == 1_001
    _draw(engine, 300)
    _give_back(engine)
    lines = [(one.kind, one.amount_minor, one.balance_minor) for one in _statement(engine)]
    assert lines == [
        (EntryKind.DEPOSIT, 1_000, 1_000),
        (EntryKind.DEPOSIT, 1, 1_001),
        (EntryKind.SALE, -300, 701),
        (EntryKind.REVERSAL, 300, 1_001),
    ]
    first = _statement(engine)[0]
    assert (first.reference, first.note, first.at) == ("EFT 1", "Paid by hand", NOON)
    assert _balance(engine) == 1_001


def test_a_statement_begins_where_it_is_asked_to(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        for days, reference in enumerate(("first", "second", "third")):
            at = NOON + timedelta(days=days)
            service.deposit(connection, PREPAID.key, 1, reference=reference, note="", at=at)
        since = NOON + timedelta(days=1)
        later = service.statement(connection, PREPAID.key, since=since)
        nothing = service.statement(connection, 4711)
    assert [one.reference for one in later] == ["second", "third"]
    assert nothing == []


def test_a_deposit_counts_once_even_if_its_refusal_is_swallowed(engine: Engine) -> None:
    _deposit(engine, 1_000, "EFT 1")
    with writing(engine) as connection, connection.begin():
        with pytest.raises(DepositKnown, match="'EFT 1'"):
            service.deposit(connection, PREPAID.key, 500, reference="EFT 1", note="", at=NOON)
        assert service.balance(connection, PREPAID.key) == 1_000
    assert _balance(engine) == 1_000
    assert len(_statement(engine)) == 1


def test_two_clients_may_name_their_deposits_alike(engine: Engine) -> None:
    _deposit(engine)
    with writing(engine) as connection, connection.begin():
        other = register_client(connection, user_name="o", name="O", password="secret")
        new = service.deposit(connection, other, 7, reference="EFT 1", note="", at=NOON)
    assert new == 7
    assert _balance(engine) == 1_000


@pytest.mark.parametrize(
    ("amount_minor", "reference", "note"), [(1, "R", ""), (10**15 - 1, "R" * 255, "N" * 80)]
)
def test_the_smallest_and_largest_deposit_are_taken(
    engine: Engine, amount_minor: int, reference: str, note: str
) -> None:
    assert _deposit(engine, amount_minor, reference, note) == amount_minor


@pytest.mark.parametrize(
    ("amount_minor", "reference", "note", "field"),
    [
        (0, "R", "", "credit_entry.amount_minor"),
        (-1, "R", "", "credit_entry.amount_minor"),
        (10**15, "R", "", "credit_entry.amount_minor"),
        (1, "", "", "credit_entry.reference"),
        (1, " ", "", "credit_entry.reference"),
        (1, "R" * 256, "", "credit_entry.reference"),
        (1, "R", "N" * 81, "credit_entry.note"),
    ],
)
def test_a_deposit_that_makes_no_sense_is_refused(
    engine: Engine, amount_minor: int, reference: str, note: str, field: str
) -> None:
    with pytest.raises(EntryInvalid, match=field):
        _deposit(engine, amount_minor, reference, note)
    assert _balance(engine) == 0


def test_a_sale_takes_up_to_the_last_cent_and_no_more(engine: Engine) -> None:
    _deposit(engine, 1_000)
    with pytest.raises(InsufficientFunds) as refused:
        _draw(engine, 1_001)
    assert refused.value.amount_minor == 1_001
    assert _balance(engine) == 1_000
    _draw(engine, 1_000)
    assert _balance(engine) == 0
    assert len(_statement(engine)) == 2


def test_a_sale_of_a_client_on_account_or_of_nothing_takes_nothing(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin(), first_words(engine) as sent:
        service.draw(connection, DEMO_CLIENT, 10_000, reference="a", at=NOON)
        service.draw(connection, PREPAID, 0, reference="b", at=NOON)
        service.require_funds(connection, DEMO_CLIENT, 10_000)
        service.require_funds(connection, PREPAID, 0)
    assert sent == []


def test_a_sale_takes_credit_without_reading_it_first(engine: Engine) -> None:
    _deposit(engine)
    with writing(engine) as connection, connection.begin(), first_words(engine) as sent:
        service.draw(connection, PREPAID, 1, reference="sale", at=NOON)
    assert sent == ["UPDATE", "INSERT"]


def test_a_sale_takes_its_price_once(engine: Engine) -> None:
    _deposit(engine)
    _draw(engine, 1)
    with pytest.raises(IntegrityError):
        _draw(engine, 1)
    assert _balance(engine) == 999


def test_a_trial_asks_for_the_same_funds_and_takes_none(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(InsufficientFunds):
        service.require_funds(connection, PREPAID, 1)
    _deposit(engine, 1_000)
    with engine.connect() as connection:
        service.require_funds(connection, PREPAID, 1_000)
        with pytest.raises(InsufficientFunds):
            service.require_funds(connection, PREPAID, 1_001)
    assert _balance(engine) == 1_000


def test_what_a_sale_took_is_given_back_once(engine: Engine) -> None:
    _deposit(engine, 1_000)
    _draw(engine, 400)
    _give_back(engine)
    _give_back(engine)
    assert _balance(engine) == 1_000
    assert [one.kind for one in _statement(engine)].count(EntryKind.REVERSAL) == 1


def test_what_was_not_taken_is_not_given_back(engine: Engine) -> None:
    _deposit(engine, 1_000, "EFT 1")
    _draw(engine, 400)
    _give_back(engine, "another")
    _give_back(engine, "EFT 1")
    _give_back(engine, "sale", client_key=4711)
    assert _balance(engine) == 600


def test_sixteen_threads_cannot_spend_more_than_was_deposited(engine: Engine) -> None:
    _deposit(engine, 1_000, "first")
    drawn: list[int] = []

    def sell(number: int) -> None:
        if number % 4 == 0:
            _deposit(engine, 100, f"deposit {number}")
        for attempt in range(3):
            amount_minor = 40 + number
            reference = f"sale {number}.{attempt}"
            try:
                _draw(engine, amount_minor, reference)
            except InsufficientFunds:
                continue
            drawn.append(amount_minor)
            if attempt == 1 and number % 5 == 0:
                _give_back(engine, reference)
                drawn.append(-amount_minor)

    _in_threads(16, sell)
    deposited = 1_000 + 4 * 100
    entries = _statement(engine)
    assert deposited - 100 < sum(drawn) <= deposited  # 48 sales were tried, and 30 are paid for
    assert _balance(engine) == deposited - sum(drawn)
    assert sum(one.amount_minor for one in entries) == _balance(engine)
    running = list(accumulate(one.amount_minor for one in entries))
    assert [one.balance_minor for one in entries] == running
    assert min(running) >= 0


def test_of_sixteen_deposits_of_one_reference_one_counts(engine: Engine) -> None:
    refused: list[DepositKnown] = []

    def pay(_: int) -> None:
        try:
            _deposit(engine, 10, "EFT 1")
        except DepositKnown as error:
            refused.append(error)

    _in_threads(16, pay)
    assert _balance(engine) == 10
    assert len(refused) == 15


def test_a_day_is_sold_up_to_its_limit_and_no_further(engine: Engine) -> None:
    _count(engine, 60)
    with pytest.raises(LimitExceeded) as refused:
        _count(engine, 41)
    assert (refused.value.what, refused.value.maximum) == ("the sum of a day", 100)
    assert _spent(engine) == 60
    _count(engine, 40)
    assert _spent(engine) == 100


def test_a_first_sale_above_the_limit_of_a_day_is_refused(engine: Engine) -> None:
    with pytest.raises(LimitExceeded):
        _count(engine, 101)
    assert _spent(engine) == 0
    _count(engine, 100)


def test_only_what_a_limit_asks_for_is_counted(engine: Engine) -> None:
    with first_words(engine) as sent:
        _count(engine, 10_000, maximum_minor=None)
        _count(engine, 0, maximum_minor=0)
    assert not set(sent) - {"BEGIN"}
    assert _spent(engine) == 0


def test_meters_clients_and_days_are_counted_apart(engine: Engine) -> None:
    _count(engine, 100)
    _count(engine, 100, scope=Scope.CLIENT)
    _count(engine, 100, scope_key=2)
    _count(engine, 100, day=TODAY + timedelta(days=1))
    for again in (Scope.METER, Scope.CLIENT):
        with pytest.raises(LimitExceeded):
            _count(engine, 1, scope=again)


def test_a_sale_is_counted_in_one_statement(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        for _ in range(2):
            with first_words(engine) as sent:
                service.count(
                    *(connection, Scope.METER, 1, TODAY, 1), maximum_minor=100, what="a day"
                )
            assert sent == ["INSERT"]


def test_a_trial_asks_for_the_same_limit_and_counts_nothing(engine: Engine) -> None:
    def ask(amount_minor: int, maximum_minor: int | None = 100) -> None:
        with engine.connect() as connection:
            service.require_within(
                *(connection, Scope.METER, 1, TODAY, amount_minor),
                maximum_minor=maximum_minor,
                what="the sum of a day",
            )

    ask(100)
    with pytest.raises(LimitExceeded, match="the sum of a day is limited to 100"):
        ask(101)
    _count(engine, 60)
    ask(40)
    with pytest.raises(LimitExceeded):
        ask(41)
    ask(41, maximum_minor=None)
    ask(0, maximum_minor=0)
    assert _spent(engine) == 60


@pytest.mark.parametrize(("amount_minor", "left"), [(59, 1), (60, 0), (61, 0)])
def test_a_reversed_sale_makes_room_but_never_more_than_was_taken(
    engine: Engine, amount_minor: int, left: int
) -> None:
    _count(engine, 60)
    _count(engine, 60, scope_key=2)
    with writing(engine) as connection, connection.begin():
        service.uncount(connection, Scope.METER, 1, TODAY, amount_minor)
        service.uncount(connection, Scope.METER, 3, TODAY, amount_minor)
    assert [_spent(engine, scope_key=key) for key in (1, 2, 3)] == [left, 60, 0]


def test_sixteen_threads_cannot_sell_more_in_a_day_than_its_limit(engine: Engine) -> None:
    sold: list[int] = []

    def sell(number: int) -> None:
        for _ in range(3):
            try:
                _count(engine, 10 + number, maximum_minor=400)
            except LimitExceeded:
                continue
            sold.append(10 + number)

    _in_threads(16, sell)
    assert 375 < sum(sold) <= 400
    assert _spent(engine) == sum(sold)
