"""What must hold after every fault: no sale lost, none made twice, every token good once.

Most of it is read straight from the tables: `differences`, which compares all records, is a part
of the product and so could be wrong in the same way as it.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from sts.virtual_meter import Accepted, Refused
from tests.faults.tills import METERS, PRICE_MINOR, TOKENS
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.credit.tables import CREDIT
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.numbers.tables import NUMBER_SERIES
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sales.tables import SALE
from vending_api.kit.db import open_database
from vending_api.sandbox.virtual_meters import demo_virtual_meter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from tests.faults.tills import Book


def settle(book: Book, database_url: str, address: str, *, is_thorough: bool = True) -> None:
    """Retry what is open when nobody sells, then prove that nothing was lost or made twice.

    Retries must repeat what was sold without an answer. Less than thorough, only the answers
    are compared.
    """
    with _looking(database_url) as connection:
        before = _tokens(connection)
    kept = _by_purchase(before)
    assert kept.keys().isdisjoint(book.not_done), "sold, though the answer said that it was not"
    sold = {one: sorted(kept[one]) for one in book.open if one in kept}
    book.counts["sold without an answer"] += len(sold)
    book.retry_open(address)
    assert {one: sorted(book.answered[one]) for one in sold} == sold
    if is_thorough:
        require_everything(book, database_url)
    else:
        require_answers_kept(book, database_url)


def require_answers_kept(book: Book, database_url: str) -> None:
    """Make sure that the database has every answered sale, with the very tokens of the answer."""
    # Sales may go on: what is answered from now on may come after the look.
    with book.lock:
        answered = dict(book.answered)
    with _looking(database_url) as connection:
        _require_kept(book, answered, _tokens(connection))


def require_everything(book: Book, database_url: str) -> None:
    """Make sure that nothing was lost and nothing made twice, when nobody sells and none is open.

    The token log and bills are among what `differences` compares.
    """
    assert book.open == []
    with _looking(database_url) as connection:
        tokens = _tokens(connection)
        _require_credit(connection, book)
        _require_numbers(connection)
        assert differences(connection) == []
    _require_kept(book, book.answered, tokens)
    assert {row.purchase_id for row in tokens} == set(book.answered)
    for external_id in METERS:
        _require_good_once([row for row in tokens if row.external_id == external_id])
    book.counts["full proofs"] += 1


def _require_kept(
    book: Book,
    answered: Mapping[str, tuple[str, ...]],
    tokens: Sequence[Row[Any, Any, Any, Any]],
) -> None:
    kept = _by_purchase(tokens)
    for purchase_id, digits in answered.items():
        assert len(digits) == TOKENS[book.purchases[purchase_id].meter]
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


def _require_credit(connection: Connection, book: Book) -> None:
    """Make sure that each client has what it paid in, less what it sold."""
    statement = select(CLIENT.c.user_name, CREDIT.c.balance_minor).join(CREDIT)
    balances = {row.user_name: row.balance_minor for row in connection.execute(statement)}
    spent = dict.fromkeys(book.deposits, 0)
    for purchase_id in book.answered:
        spent[book.purchases[purchase_id].client] += PRICE_MINOR
    assert balances == {name: paid - spent[name] for name, paid in book.deposits.items()}
    assert min(balances.values(), default=0) >= 0


def _require_numbers(connection: Connection) -> None:
    """Make sure that a terminal's receipts run from 1 on, and no invoice number is there twice."""
    given: defaultdict[int, list[int]] = defaultdict(list)
    statement = (
        select(SALE.c.series_key, SALE.c.first_receipt, SALE.c.last_receipt)
        .where(SALE.c.series_key.is_not(None))
        .order_by(SALE.c.first_receipt)
    )
    for series, first, last in connection.execute(statement):
        given[series] += range(first, last + 1)
    newest = connection.execute(select(NUMBER_SERIES.c.key, NUMBER_SERIES.c.last_receipt))
    assert given == {row.key: [*range(1, row.last_receipt + 1)] for row in newest}
    invoice = SALE.c.invoice_number
    twice = select(invoice).where(invoice.is_not(None)).group_by(invoice).having(func.count() > 1)
    assert connection.execute(twice).all() == []


def _tokens(connection: Connection) -> Sequence[Row[Any, Any, Any, Any]]:
    """Return every token with its sale and meter, in the order of their making."""
    statement = (
        select(SALE.c.purchase_id, METER.c.external_id, TOKEN.c.digits, TOKEN.c.token_identifier)
        .join(SALE, SALE.c.key == TOKEN.c.sale_key)
        .join(METER, METER.c.key == TOKEN.c.meter_key)
        .order_by(TOKEN.c.key)
    )
    return connection.execute(statement).all()


def _by_purchase(tokens: Sequence[Row[Any, Any, Any, Any]]) -> dict[str, list[str]]:
    kept = defaultdict(list)
    for row in tokens:
        kept[row.purchase_id].append(row.digits)
    return kept


@contextmanager
def _looking(database_url: str) -> Iterator[Connection]:
    """Give a connection that sees one state of the database all the time."""
    engine = open_database(database_url, connections=1)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection
    finally:
        engine.dispose()
