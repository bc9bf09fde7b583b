"""Numbers are without gaps and never given twice, whatever else goes wrong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from tests.support.service import writing
from tests.support.statements import recorded
from vending_api.domain.clients.service import register_client
from vending_api.domain.meters.service import register_utility
from vending_api.domain.meters.types import PurchaseLimits
from vending_api.domain.numbers import service
from vending_api.domain.numbers.tables import NUMBER_SERIES
from vending_api.sandbox.demo_data import UTILITY

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.domain.numbers.types import Numbers

LIMITS = PurchaseLimits(minimum_minor=1, maximum_minor=2)


def _take_in(
    connection: Connection,
    receipts: int = 1,
    year: int | None = 2026,
    *,
    terminal_id: str = "TILL0001",
    client_key: int = 1,
    utility_key: int = 1,
) -> Numbers:
    return service.take_numbers(
        connection,
        utility_key=utility_key,
        client_key=client_key,
        terminal_id=terminal_id,
        receipts=receipts,
        invoice_year=year,
    )


def _take(
    engine: Engine, receipts: int = 1, year: int | None = 2026, *, terminal_id: str = "TILL0001"
) -> Numbers:
    with writing(engine) as connection, connection.begin():
        return _take_in(connection, receipts, year, terminal_id=terminal_id)


def test_receipts_and_invoices_are_numbered_from_one(engine: Engine) -> None:
    first = _take(engine, receipts=2)
    key = first.series_key
    assert first.first_receipt == 1
    assert first.receipts == (f"{key}-000001", f"{key}-000002")
    assert first.invoice == f"{key}-2026-000001"
    second = _take(engine)
    assert (second.first_receipt, second.receipts) == (3, (f"{key}-000003",))
    assert second.invoice == f"{key}-2026-000002"


def test_a_number_grows_past_six_digits(engine: Engine) -> None:
    key = _take(engine).series_key
    with writing(engine) as connection, connection.begin():
        connection.execute(update(NUMBER_SERIES).values(last_receipt=999_998, last_invoice=999_999))
    numbers = _take(engine, receipts=2)
    assert numbers.receipts == (f"{key}-999999", f"{key}-1000000")
    assert numbers.invoice == f"{key}-2026-1000000"
    for number, receipt in enumerate(numbers.receipts, start=999_999):
        assert service.parse_receipt(receipt) == (key, number)


def test_a_sale_that_is_not_invoiced_takes_no_invoice_number(engine: Engine) -> None:
    assert _take(engine, year=None).invoice is None
    begun = _take(engine)
    assert begun.invoice == f"{begun.series_key}-2026-000001"
    assert _take(engine, year=None).receipts == (f"{begun.series_key}-000003",)
    assert _take(engine).invoice == f"{begun.series_key}-2026-000002"


def test_a_sale_without_receipts_takes_no_receipt_number(engine: Engine) -> None:
    none = _take(engine, receipts=0)
    assert (none.first_receipt, none.receipts) == (1, ())
    assert _take(engine).first_receipt == 1


def test_invoices_begin_again_each_year_and_receipts_do_not(engine: Engine) -> None:
    _take(engine)
    _take(engine)
    new_year = _take(engine, year=2027)
    assert new_year.invoice == f"{new_year.series_key}-2027-000001"
    assert new_year.first_receipt == 3
    assert _take(engine, year=2027).invoice == f"{new_year.series_key}-2027-000002"


def test_a_clock_that_was_set_back_gives_no_number_again(engine: Engine) -> None:
    given = {_take(engine, year=year).invoice for year in (2026, 2027, 2026, 2025, 2027)}
    key = _take(engine).series_key
    assert given == {
        f"{key}-2026-000001",
        *(f"{key}-2027-{number:06}" for number in range(1, 5)),
    }


def test_each_terminal_of_a_client_at_a_utility_has_numbers_of_its_own(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        other_client = register_client(connection, user_name="o", name="O", password="secret")
        register_utility(
            connection, UTILITY._replace(name="Other"), limits=LIMITS, supply_groups=[]
        )
        taken = [
            _take_in(connection),
            _take_in(connection, terminal_id="TILL0002"),
            _take_in(connection, client_key=other_client),
            _take_in(connection, utility_key=2),
        ]
    assert {one.first_receipt for one in taken} == {1}
    assert len({one.series_key for one in taken}) == 4


def test_sales_use_up_no_keys_of_later_series(engine: Engine) -> None:
    key = _take(engine).series_key
    for _ in range(5):
        _take(engine)
    assert _take(engine, terminal_id="TILL0002").series_key == key + 1


def test_a_series_that_has_begun_costs_a_sale_one_statement(engine: Engine) -> None:
    _take(engine)
    with writing(engine) as connection, connection.begin(), recorded(engine) as sent:
        _take_in(connection, receipts=3)
    assert len(sent) == 1


def test_what_is_rolled_back_gives_its_numbers_back(engine: Engine) -> None:
    _take(engine)
    with writing(engine) as connection:
        transaction = connection.begin()
        assert _take_in(connection, receipts=5).first_receipt == 2
        transaction.rollback()
    with writing(engine) as connection, connection.begin():
        savepoint = connection.begin_nested()
        assert _take_in(connection, year=2027).first_receipt == 2
        savepoint.rollback()
        numbers = _take_in(connection)
    assert numbers.first_receipt == 2
    assert numbers.invoice == f"{numbers.series_key}-2026-000002"


def test_a_first_sale_that_is_rolled_back_leaves_no_series(engine: Engine) -> None:
    with writing(engine) as connection:
        transaction = connection.begin()
        _take_in(connection)
        transaction.rollback()
        assert connection.execute(select(NUMBER_SERIES)).all() == []
    assert _take(engine).first_receipt == 1


def test_sixteen_threads_leave_no_gap_and_take_no_number_twice(engine: Engine) -> None:
    together = threading.Barrier(16)
    taken: list[Numbers] = []

    def sell(number: int) -> None:
        together.wait()
        for attempt in range(4):
            with writing(engine) as connection:
                transaction = connection.begin()
                numbers = _take_in(connection, receipts=1 + number % 3)
                if (number + attempt) % 3 == 0:
                    transaction.rollback()
                else:
                    transaction.commit()
                    taken.append(numbers)

    threads = [threading.Thread(target=sell, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    key = taken[0].series_key
    receipts = [receipt for numbers in taken for receipt in numbers.receipts]
    assert 16 < len(taken) < 64
    assert sorted(receipts) == [f"{key}-{number:06}" for number in range(1, len(receipts) + 1)]
    invoices = sorted(str(numbers.invoice) for numbers in taken)
    assert invoices == [f"{key}-2026-{number:06}" for number in range(1, len(taken) + 1)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("17-000042", (17, 42)),
        ("1-000001", (1, 1)),
        ("17-999999", (17, 999_999)),
        ("17-1000000", (17, 1_000_000)),
        (f"{10**18 - 1}-{10**18 - 1}", (10**18 - 1, 10**18 - 1)),
    ],
)
def test_a_receipt_number_is_read(text: str, parts: tuple[int, int]) -> None:
    assert service.parse_receipt(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "17-",
        "-000042",
        "17-42",
        "17-00042",
        "17-0000042",
        "17-000000",
        "0-000042",
        "017-000042",
        "17-2026-000042",
        " 17-000042",
        "17-000042\n",
        "17-00004\u0662",
        f"{10**18}-000042",
        f"17-{10**18}",
        "c8b5b6f2-0d1e-4d0a-9b3e-1f2a3b4c5d6e",
    ],
)
def test_what_is_no_receipt_number_is_none(text: str) -> None:
    assert service.parse_receipt(text) is None
