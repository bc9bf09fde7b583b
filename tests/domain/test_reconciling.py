"""Reconciling finds every record that was spoilt on purpose, and nothing where none was."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import event, text

from tests.domain.advising import accept, confirmation
from tests.domain.eventful import drop_guards
from tests.support.selling import sell
from tests.support.service import purchase, writing
from vending_api.domain.reconciling.service import differences
from vending_api.domain.reconciling.types import Difference

if TYPE_CHECKING:
    from sqlalchemy import Engine

_HERE: Final = Path(__file__).parent
_SPOILT: Final = {
    one["name"]: one
    for one in tomllib.loads((_HERE / "spoilt_records.toml").read_text(encoding="utf-8"))["spoilt"]
}


def test_records_that_agree_have_no_differences(used: Engine) -> None:
    assert _found(used, "") == []


@pytest.mark.parametrize("spoilt", _SPOILT.values(), ids=_SPOILT)
def test_it_is_found_and_nothing_else(used: Engine, spoilt: dict[str, str]) -> None:
    expected = [Difference(*line.split(" | ")) for line in spoilt["found"].strip().splitlines()]
    assert _found(used, spoilt["by"]) == expected


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(
            """
            UPDATE sale SET key_data = NULL, bill = NULL, series_key = NULL, first_receipt = NULL,
                last_receipt = NULL, invoice_number = NULL WHERE purchase_id = 'on account';
            DELETE FROM token_log WHERE reference = 'on account';
            DELETE FROM number_series WHERE key = 3
            """,
            id="what was sold before key data, bills, numbers and log were kept",
        ),
        pytest.param(
            "UPDATE credit_entry SET at = '2026-01-01 00:00:00' WHERE kind = 'deposit'",
            id="a client that deposited money before its sales were taken from it",
        ),
        pytest.param(
            """
            UPDATE client SET is_prepaid = false;
            DELETE FROM credit_entry WHERE reference = 'sold';
            UPDATE credit SET balance_minor = balance_minor + 10000
            """,
            id="a client whose sales are no longer taken from its credit",
        ),
        pytest.param(
            "UPDATE advice SET is_open = false, closed_at = received_at, closing_note = 'paid'",
            id="cases that are settled",
        ),
        pytest.param(
            "UPDATE meter SET base_date = 2035, last_token_identifier = NULL"
            " WHERE external_id = 'TST002'",
            id="tokens of a base date that the meter has left",
        ),
    ],
)
def test_what_may_be_is_no_difference(used: Engine, by: str) -> None:
    assert _found(used, by) == []


def test_a_client_without_any_sale_entry_owes_what_came_after_its_first_deposit(
    used: Engine,
) -> None:
    found = _found(used, "DELETE FROM credit_entry WHERE kind <> 'deposit'")
    unpaid = [one.reference for one in found if one.check == "sale and credit"]
    assert "sold" in unpaid
    assert "before credit" not in unpaid


def test_no_difference_shows_the_digits_of_a_token(used: Engine) -> None:
    with used.connect() as connection:
        digits = connection.execute(text("SELECT digits FROM token")).scalars().all()
    found = _found(used, "UPDATE token SET sale_key = 1; DELETE FROM token_log")
    assert found
    assert not any(one in str(found) for one in digits)


def test_a_database_without_sales_has_no_differences(engine: Engine) -> None:
    with engine.connect() as connection:
        assert differences(connection) == []


def test_the_number_of_statements_does_not_grow_with_the_sales(engine: Engine) -> None:
    few = _statements(engine)
    for _ in range(5):
        accept(engine, confirmation(sell(engine, purchase()).purchase_id))
    assert _statements(engine) == few


def _found(engine: Engine, statements: str) -> list[Difference]:
    """Return the differences after some statements, which are then undone."""
    with writing(engine) as connection:
        transaction = connection.begin()
        drop_guards(connection)
        for statement in filter(None, statements.split(";")):
            connection.execute(text(statement))
        found = differences(connection)
        transaction.rollback()
    return found


def _statements(engine: Engine) -> int:
    """Return how many statements the differences of a database take."""
    statements: list[str] = []

    def note(*told: Any) -> None:
        statements.append(told[2])

    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", note)
        assert differences(connection) == []
    return len(statements)
