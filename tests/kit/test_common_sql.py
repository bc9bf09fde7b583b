"""What points of sale ask for needs no SQL but what databases that speak PostgreSQL's share."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from sqlmodel import SQLModel

from tests.domain.advising import accept, changed_key, confirmation, on_terms, reversal, set_rule
from tests.support.selling import EVERYTHING, MAKER, retry, sell, use_tariff
from tests.support.service import NOON, attempt, lookup, purchase, writing
from tests.support.statements import recorded
from vending_api.domain.reprints.service import reprint
from vending_api.domain.reprints.types import ReprintTokens
from vending_api.domain.sales.types import Sale
from vending_api.domain.selling import service as selling
from vending_api.kit.lanes import Command, Lanes

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.domain.clients.types import Client
    from vending_api.domain.sales.types import SellCredit
    from vending_api.kit.errors import Refusal
    from vending_api.kit.group import Unfinished

_METERS: Final = ("TST001", "TST001", "TST003")

_COMMON: Final = set(
    re.findall(
        r"\w+",
        """
        SELECT FROM JOIN LEFT OUTER ON WHERE AND OR NOT IN IS NULL ORDER BY ASC DESC LIMIT OFFSET AS
        INSERT INTO VALUES UPDATE SET DELETE RETURNING CONFLICT DO NOTHING EXCLUDED
        CASE WHEN THEN ELSE END COUNT MAX SUM COALESCE FALSE TRUE
        FOR OF
        """,
    )
)
"""The last two make a lock on rows, until the transaction ends."""
_BEGINNINGS: Final = {"BEGIN", "IMMEDIATE"}
"""SQLite is told that it will be written to; elsewhere the driver begins."""
_OF_SEQUENCES: Final = {"NEXTVAL", "PG_GET_SERIAL_SEQUENCE", "GENERATE_SERIES"}
"""How a group takes the keys of its sales from a sequence; kit's README says what follows."""

_TEXTS: Final = re.compile(r"'[^']*'")
_PARAMETERS: Final = re.compile(r"%\(\w+\)s|::[A-Z]+(?: WITH TIME ZONE)?(?:\[\])?|:\w+")
_ALIASES: Final = re.compile(r"\bAS (\w+(?: \([\w, ]+\))?)")
"""Of a column, or of rows with their columns."""


def _uncommon(sql: str) -> set[str]:
    """Return the words of a statement that are neither common nor names of ours."""
    tables = SQLModel.metadata.tables
    ours = set(tables) | {column.name for table in tables.values() for column in table.columns}
    ours |= set(re.findall(r"\w+", " ".join(_ALIASES.findall(sql))))
    bare = _PARAMETERS.sub(" ", _TEXTS.sub(" ", sql))
    words = {word for word in re.findall(r"[A-Za-z_]\w*", bare) if word not in ours}
    return {word.upper() for word in words} - _COMMON


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT pg_advisory_xact_lock(%(meter)s::BIGINT)", "PG_ADVISORY_XACT_LOCK"),
        ("LISTEN sold", "LISTEN"),
        ("NOTIFY sold", "NOTIFY"),
        ("LOCK TABLE sale IN EXCLUSIVE MODE", "LOCK"),
        ("SELECT meter.key FROM meter FOR UPDATE SKIP LOCKED", "SKIP"),
        ("SELECT meter.ctid FROM meter", "CTID"),
        ("SELECT now()", "NOW"),
        ("SET LOCAL statement_timeout = 0", "LOCAL"),
    ],
)
def test_sql_of_one_database_is_seen(sql: str, word: str) -> None:
    assert word in _uncommon(sql)


def test_common_sql_is_let_through() -> None:
    sql = (
        "SELECT meter.key, max(sale.amount_minor) AS most FROM meter JOIN sale ON 'LISTEN' = "
        "%(name)s::VARCHAR WHERE meter.key = %(now)s::TIMESTAMP WITH TIME ZONE AND most = :now "
        "FOR UPDATE OF meter"
    )
    assert _uncommon(sql) == set()


def test_all_that_points_of_sale_ask_for_is_common_sql(engine: Engine) -> None:
    # Prepaid, limited and numbered: then a sale touches every table that it ever does.
    client = on_terms(engine, deposit_minor=10**7, is_prepaid=True, day_maximum_minor=10**7)
    set_rule(engine, meter_day_maximum_minor=10**7)
    use_tariff(engine, EVERYTHING)
    with recorded(engine) as sent:
        _ask_for_everything(engine, client)
    tables = {"message", "sale", "token", "token_log", "account", "arrears", "credit_entry"}
    written = {sql.split()[2] for sql in sent if sql.startswith("INSERT")}
    assert tables | {"spending", "number_series", "advice", "reprint"} <= written
    assert {word for sql in sent for word in _uncommon(sql)} <= _BEGINNINGS


def test_a_group_takes_the_keys_of_its_sales_from_a_sequence_and_needs_nothing_else(
    engine: Engine,
) -> None:
    client = on_terms(engine, deposit_minor=10**7, is_prepaid=True)
    with recorded(engine) as sent:
        _sell_together(engine, client)
    assert any(sql.startswith("INSERT INTO sale ") for sql in sent)
    wanted = _BEGINNINGS if engine.dialect.name == "sqlite" else _OF_SEQUENCES
    assert {word for sql in sent for word in _uncommon(sql)} == wanted


def _ask_for_everything(engine: Engine, client: Client) -> None:
    first, second = (_purchase(client, "TST001") for _ in range(2))
    sell(engine, first)
    retry(engine, first)
    sell(engine, second)
    with writing(engine) as connection, connection.begin():
        selling.look_up(connection, lookup(client=client))
        selling.try_out(connection, MAKER, attempt(client=client))
        again = ReprintTokens(
            reprint_id=str(uuid4()),
            external_meter_id="TST001",
            original_reference=None,
            terminal_id="TILL0001",
            client=client,
            received_at=NOON,
        )
        reprint(connection, again)
    accept(engine, confirmation(first.purchase_id, client=client))
    accept(engine, reversal(second.purchase_id, client=client))
    changed_key(engine, client=client)


def _sell_together(engine: Engine, client: Client) -> None:
    outcomes: list[Any] = []
    lanes = Lanes(
        engine,
        release=lambda _, answers: outcomes.extend(answers),
        monotonic_seconds=time.monotonic,
        foresee=selling.foresee,
    )
    commands = [_purchase(client, meter) for meter in _METERS]
    lanes.put(
        [
            Command(
                act=partial(_sell, one), order=one.external_meter_id, foreseen=one, ticket=place
            )
            for place, one in enumerate(commands)
        ]
    )
    lanes.start()
    lanes.stop()
    assert [type(outcome) for outcome in outcomes] == [Sale] * len(commands)


def _sell(command: SellCredit, connection: Connection) -> Sale | Unfinished[Sale] | Refusal:
    return selling.sell(connection, MAKER, command)


def _purchase(client: Client, meter: str) -> SellCredit:
    purchase_id = str(uuid4())
    ids = {"purchase_id": purchase_id, "message_id": purchase_id}
    return purchase(**ids, client=client, external_meter_id=meter)
