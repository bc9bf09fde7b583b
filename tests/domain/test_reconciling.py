"""Reconciling finds every record that was spoilt on purpose, and nothing where none was."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import event, text

from tests.domain.advising import (
    accept,
    changed_key,
    confirmation,
    key_change_confirmation,
    on_terms,
    other_client,
    reversal,
    set_rule,
    turned_down,
)
from tests.support.selling import MAKER, refusal, retry, sell
from tests.support.service import NOON, prepared_engine, purchase, writing
from vending_api.domain.meters.service import lock_meter
from vending_api.domain.reconciling.service import differences
from vending_api.domain.reconciling.types import Difference
from vending_api.domain.token_queue.service import queue_token, withdraw
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from tests.support.postgres import PostgresServer
    from vending_api.domain.sales.types import SellCredit

_MINUTE: Final = timedelta(minutes=1)
_NEXT_YEAR: Final = datetime(2027, 1, 5, 12, 0, tzinfo=UTC)
_WRITERS: Final = ("another", "alone")


_HERE: Final = Path(__file__).parent
_SPOILT: Final = {
    one["name"]: one
    for one in tomllib.loads((_HERE / "spoilt_records.toml").read_text(encoding="utf-8"))["spoilt"]
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def used(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Give a database in which everything has happened that may happen; nobody changes it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('used') / 'vending.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create_database("reconciling")
    engine = prepared_engine(url)
    _use(engine)
    yield engine
    engine.dispose()
    if request.param == "postgres":
        server.drop_database("reconciling")


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
        _drop_guards(connection)
        for statement in filter(None, statements.split(";")):
            connection.execute(text(statement))
        found = differences(connection)
        transaction.rollback()
    return found


def _drop_guards(connection: Connection) -> None:
    """Let the transaction do what the constraints of the tables would not."""
    statements: tuple[str, ...]
    if connection.dialect.name == "sqlite":
        statements = (
            "PRAGMA defer_foreign_keys = ON",
            "ALTER TABLE token RENAME TO guarded_token",
            "CREATE TABLE token AS SELECT * FROM guarded_token",
            "CREATE INDEX token_of_sale ON token (sale_key)",
        )
    else:
        statements = (
            "SET LOCAL session_replication_role = replica",
            "ALTER TABLE token DROP CONSTRAINT token_identifier_is_used_once",
        )
    for statement in statements:
        connection.execute(text(statement))


def _statements(engine: Engine) -> int:
    """Return how many statements the differences of a database take."""
    statements: list[str] = []

    def note(*told: Any) -> None:
        statements.append(told[2])

    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", note)
        assert differences(connection) == []
    return len(statements)


def _use(engine: Engine) -> None:
    """Do everything once: sell, refuse, retry, confirm, reverse, change a key, queue tokens."""
    sell(engine, _buy("before credit", received_at=NOON - _MINUTE))
    client = on_terms(engine, deposit_minor=200_000, is_prepaid=True)
    stranger = other_client(engine)
    another, alone = (replace(MAKER, log_writer=partial(str, name)) for name in _WRITERS)
    for purchase_id in ("sold", "confirmed", "liable"):
        sell(engine, _buy(purchase_id, client=client))
    retry(engine, _buy("sold", client=client, message_id="retry of sold"))
    sell(engine, _buy("till 2", client=client, terminal_id="TILL0002"))
    sell(engine, _buy("on account", client=stranger, external_meter_id="TST010"), alone)
    accept(engine, confirmation("confirmed"))
    accept(engine, reversal("liable"))
    set_rule(engine, reversal_credit_minutes=5)
    sell(engine, _buy("given back", client=client))
    accept(engine, reversal("given back"))
    for purchase_id in ("refused", "given up"):
        refusal(engine, _buy(purchase_id, amount_minor=1))
    accept(engine, reversal("given up"))
    turned_down(engine, reversal("overtaken"))
    turned_down(engine, confirmation("sold", approved_minor=10**6, currency="710"))
    # Free units, with and without a sale; a sale that pays off two debts.
    sell(engine, _buy("free", client=client, external_meter_id="TST002", amount_minor=0))
    sell(engine, _buy("both", client=client, external_meter_id="TST003"))
    debts = _buy("debts", client=client, external_meter_id="TST008", amount_minor=20_000)
    sell(engine, debts, another)
    changed_key(engine, "TST004", request_id="same id")
    accept(engine, key_change_confirmation("same id"))
    sell(engine, _buy("same id", client=client, external_meter_id="TST004"), another)
    changed_key(engine, "TST010", request_id="key change")
    _queue(engine)
    queued = _buy("queued", client=client, external_meter_id="TST009", amount_minor=20_000)
    sell(engine, queued)
    sell(engine, _buy("next year", client=client, received_at=_NEXT_YEAR), another)
    sell(engine, _buy("next year 2", client=client, received_at=_NEXT_YEAR + _MINUTE), another)


def _buy(purchase_id: str, **changes: object) -> SellCredit:
    return purchase(**{"purchase_id": purchase_id, "message_id": purchase_id} | changes)


def _queue(engine: Engine) -> None:
    """Order tokens: two that are delivered, one that waits, one that is withdrawn."""
    refund = NewQueuedToken(
        kind=QueuedKind.REFUND, value=738, amount_minor=5_000, reason="fault", ordered_by="Lindiwe"
    )
    limit = replace(refund, kind=QueuedKind.POWER_LIMIT, value=4_000, amount_minor=0)
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST009")
        queue_token(connection, meter, refund, NOON)
        queue_token(connection, meter, limit, NOON)
        meter = lock_meter(connection, "TST007")
        queue_token(connection, meter, limit, NOON)
        key = queue_token(connection, meter, refund, NOON)
        withdraw(connection, meter, key, NOON)
