"""What must hold after every fault: no sale lost, none made twice, every token good once."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from sts.virtual_meter import Accepted, Refused
from tests.faults.tills import METERS, TOKENS
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sales.tables import SALE
from vending_api.kit.db import open_database
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from tests.faults.tills import Book


def require_answers_kept(book: Book, database_url: str) -> None:
    """Make sure that the database has every answered sale, with the very tokens of the answer."""
    # Sales may go on: what is answered from now on may come after the look.
    answered = dict(book.answered)
    engine = open_database(database_url, connections=1)
    with engine.connect() as connection:
        _require_kept(book, answered, _tokens(connection))
    engine.dispose()


def require_refusals_true(book: Book, database_url: str) -> None:
    """Make sure that nothing was sold where the answer said so, before anybody retries."""
    engine = open_database(database_url, connections=1)
    with engine.connect() as connection:
        assert {row.purchase_id for row in _tokens(connection)}.isdisjoint(book.not_done)
    engine.dispose()


def require_everything(book: Book, database_url: str) -> None:
    """Make sure that nothing was lost and nothing made twice, when nobody sells and none is open.

    Receipt numbers, the token log and credit are among what `differences` compares.
    """
    assert book.open == []
    engine = open_database(database_url, connections=1)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        tokens = _tokens(connection)
        assert differences(connection) == []
    engine.dispose()
    _require_kept(book, book.answered, tokens)
    assert {row.purchase_id for row in tokens} == set(book.answered)
    for external_id in METERS:
        _require_good_once([row for row in tokens if row.external_id == external_id])


def _require_kept(
    book: Book,
    answered: Mapping[str, tuple[str, ...]],
    tokens: Sequence[Row[Any, Any, Any, Any]],
) -> None:
    kept = defaultdict(list)
    for row in tokens:
        kept[row.purchase_id].append(row.digits)
    for purchase_id, digits in answered.items():
        assert len(digits) == TOKENS[book.meters[purchase_id]]
        assert sorted(kept[purchase_id]) == sorted(digits), purchase_id


def _require_good_once(rows: Sequence[Row[Any, Any, Any, Any]]) -> None:
    """Key a meter's tokens in, in the order of their making: each is accepted once."""
    identifiers = [row.token_identifier for row in rows]
    assert all(before < after for before, after in pairwise(identifiers))
    assert len({row.digits for row in rows}) == len(rows)
    if rows:
        meter = demo_virtual_meter(METERS[rows[0].external_id])
        for first_time in (Accepted, Refused):
            assert all(isinstance(meter.enter(row.digits), first_time) for row in rows)


def _tokens(connection: Connection) -> Sequence[Row[Any, Any, Any, Any]]:
    """Return every token with its sale and meter, in the order of their making."""
    statement = (
        select(SALE.c.purchase_id, METER.c.external_id, TOKEN.c.digits, TOKEN.c.token_identifier)
        .join(SALE, SALE.c.key == TOKEN.c.sale_key)
        .join(METER, METER.c.key == TOKEN.c.meter_key)
        .order_by(TOKEN.c.key)
    )
    return connection.execute(statement).all()
