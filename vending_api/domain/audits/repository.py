"""The SQL of audits: whole tables as text in CSV, and the few rows that findings are about.

Rows by the million are put into text by the database itself: by COPY on PostgreSQL, page by page on
SQLite. That is twice as fast as to make a Python object of each value, and on SQLite it happens
without Python's lock. Tokens are not joined with their meters, whose register is read once: a join
takes longer than to read the token. Nothing here writes.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import (
    Integer,
    String,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import DBAPIError

from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleState
from vending_api.domain.token_log.tables import TOKEN_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

_AS_SQL: Final = "QUOTE '''', NULL 'NULL'"
"""COPY then quotes as SQLite's quote() does."""
_ROWS_A_BLOCK: Final = 65_536
_ROWS_AT_ONCE: Final = 500
_METERS_AT_ONCE: Final = 5_000
_MAPPED_OCTETS: Final = 1 << 40
_NOTHING_SOLD: Final = [SaleState.REFUSED.value, SaleState.GIVEN_UP.value]
_IS_SOLD: Final = case(
    (or_(SALE.c.key.is_(None), SALE.c.state.in_(_NOTHING_SOLD)), literal(0)), else_=literal(1)
)
# Key data and log came together; what was sold before them has neither.
_IS_LOGGED: Final = case((SALE.c.key_data.is_not(null()), literal(1)), else_=literal(0))

_KEPT: Final = select(
    TOKEN.c.key.label("token_key"),
    TOKEN.c.meter_key,
    TOKEN.c.sale_key,
    TOKEN.c.kind,
    TOKEN.c.digits,
    TOKEN.c.units_tenths,
    TOKEN.c.setting,
    TOKEN.c.base_date,
    TOKEN.c.token_identifier,
    TOKEN.c.supply_group_code,
    TOKEN.c.key_revision_number,
    TOKEN.c.tariff_index,
    TOKEN.c.encryption_algorithm,
)
_SOLD: Final = _KEPT.add_columns(
    SALE.c.purchase_id.label("reference"),
    _IS_SOLD.label("is_sold"),
    _IS_LOGGED.label("is_logged"),
).join(SALE, SALE.c.key == TOKEN.c.sale_key, isouter=True)
# The first 8 octets of a digest tell tokens apart.
_DIGEST: Final = func.substr(TOKEN_LOG.c.token_digest, 1, 16, type_=String).label("token_digest")
_DIGESTS: Final = select(_DIGEST)
_LOGGED: Final = select(
    TOKEN_LOG.c.writer,
    TOKEN_LOG.c.sequence,
    TOKEN_LOG.c.reference,
    TOKEN_LOG.c.meter_key,
    TOKEN_LOG.c.kind,
    TOKEN_LOG.c.base_date,
    TOKEN_LOG.c.token_identifier,
    _DIGEST,
)
_TWINS: Final = (
    select(TOKEN.c.meter_key, TOKEN.c.base_date, TOKEN.c.token_identifier)
    .where(TOKEN.c.token_identifier.is_not(None))
    .group_by(TOKEN.c.meter_key, TOKEN.c.base_date, TOKEN.c.token_identifier)
    .having(func.count() > 1)
)
_DETAILS: Final = (
    select(TOKEN, METER.c.external_id, SALE.c.purchase_id.label("reference"))
    .select_from(TOKEN)
    .join(METER, METER.c.key == TOKEN.c.meter_key, isouter=True)
    .join(SALE, SALE.c.key == TOKEN.c.sale_key, isouter=True)
)
_LOG_PLACE: Final = literal_column("token_log.rowid", Integer)
_LOG_DETAILS: Final = select(TOKEN_LOG, METER.c.external_id).join(
    METER, METER.c.key == TOKEN_LOG.c.meter_key, isouter=True
)
_METERS: Final[Select[Any]] = select(
    METER.c.key.label("meter_key"),
    METER.c.external_id,
    METER.c.pan,
    METER.c.service_type,
    METER.c.supply_group_code,
    METER.c.key_revision_number,
    METER.c.tariff_index,
    METER.c.encryption_algorithm,
    METER.c.base_date,
)


class Block(NamedTuple):
    """Lines of CSV without a heading, and the names of their columns.

    Texts stand in single quotes where they must; null is NULL without any, or nothing at all.
    """

    names: tuple[str, ...]
    lines: bytes


def prepare(connection: Connection) -> None:
    """Let the statements of this transaction take as long as whole tables need."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    else:
        # Pages are then read where the system keeps them, not copied one by one.
        connection.exec_driver_sql(f"PRAGMA mmap_size = {_MAPPED_OCTETS}")


def tokens_held(connection: Connection) -> int:
    """Return how many tokens the records have."""
    return connection.execute(select(func.count()).select_from(TOKEN)).scalar_one()


def token_blocks(connection: Connection) -> Iterator[Block]:
    """Yield every token with its sale."""
    return _blocks(connection, _SOLD, TOKEN.c.key)


def kept_blocks(connection: Connection) -> Iterator[Block]:
    """Yield every token without its sale."""
    return _blocks(connection, _KEPT, TOKEN.c.key)


def kept_blocks_of(connection: Connection, meter_keys: Iterable[int]) -> Iterator[Block]:
    """Yield every token of some meters without its sale."""
    for some in _at_once(meter_keys, _ROWS_AT_ONCE):
        yield from _whole(connection, _KEPT.where(TOKEN.c.meter_key.in_(some)))


def log_blocks(connection: Connection) -> Iterator[Block]:
    """Yield every row of the token log; of digests the first 16 digits."""
    return _blocks(connection, _LOGGED, _LOG_PLACE)


def digest_blocks(connection: Connection) -> Iterator[Block]:
    """Yield the first 16 digits of every digest of the token log."""
    return _blocks(connection, _DIGESTS, _LOG_PLACE)


def meter_blocks(connection: Connection) -> Iterator[Block]:
    """Yield every meter of the register with the key data that it holds."""
    return _blocks(connection, _METERS, METER.c.key)


def meters_of(
    connection: Connection, external_ids: Iterable[str], pans: Iterable[str]
) -> Iterator[Row[Any]]:
    """Yield the meters of some numbers and PANs; one that has both is there twice."""
    for column, values in ((METER.c.external_id, external_ids), (METER.c.pan, pans)):
        for some in _at_once(values, _METERS_AT_ONCE):
            yield from connection.execute(_METERS.where(column.in_(some)))


def twins(connection: Connection) -> list[Row[Any]]:
    """Return meter, base date and token identifier of tokens that share all three."""
    return list(connection.execute(_TWINS))


def details(connection: Connection, keys: Iterable[int]) -> Iterator[Row[Any]]:
    """Yield tokens by their keys, with the number of the meter and the id of the sale."""
    for some in _at_once(keys, _ROWS_AT_ONCE):
        yield from connection.execute(_DETAILS.where(TOKEN.c.key.in_(some)))


def twin_details(connection: Connection, found: Iterable[Row[Any]]) -> Iterator[Row[Any]]:
    """Yield the tokens that `twins` are, in the order of their making."""
    one = tuple_(TOKEN.c.meter_key, TOKEN.c.base_date, TOKEN.c.token_identifier)
    for some in _at_once(found, _ROWS_AT_ONCE):
        statement = _DETAILS.where(one.in_([tuple(row) for row in some])).order_by(TOKEN.c.key)
        yield from connection.execute(statement)


def log_details(connection: Connection, places: Iterable[tuple[str, int]]) -> Iterator[Row[Any]]:
    """Yield rows of the token log by writer and sequence, with the number of the meter."""
    one = tuple_(TOKEN_LOG.c.writer, TOKEN_LOG.c.sequence)
    for some in _at_once(places, _ROWS_AT_ONCE):
        yield from connection.execute(_LOG_DETAILS.where(one.in_(some)))


def _blocks(
    connection: Connection, statement: Select[Any], place: ColumnElement[int]
) -> Iterator[Block]:
    if connection.dialect.name == "postgresql":
        return _copied(connection, statement)
    return _paged(connection, statement, place)


def _whole(connection: Connection, statement: Select[Any]) -> Iterator[Block]:
    """Yield what a statement about few rows selects."""
    if connection.dialect.name == "postgresql":
        yield from _copied(connection, statement)
        return
    rows = statement.subquery()
    lines = connection.execute(select(func.group_concat(_line([*rows.c]), "\n"))).scalar_one()
    if lines is not None:
        yield Block(tuple(rows.c.keys()), lines.encode())


def _copied(connection: Connection, statement: Select[Any]) -> Iterator[Block]:
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    names = tuple(column.name for column in statement.selected_columns)
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY ({compiled}) TO STDOUT WITH (FORMAT csv, {_AS_SQL})") as rows:
            while lines := b"".join(islice(rows, _ROWS_A_BLOCK)):
                yield Block(names, lines)
    except connection.dialect.loaded_dbapi.Error as problem:
        # As for every other statement, which does not go to the driver itself.
        raise DBAPIError("COPY", None, problem) from None
    cursor.close()


def _paged(
    connection: Connection, statement: Select[Any], place: ColumnElement[int]
) -> Iterator[Block]:
    """Yield a block for each page of rows by a column that rises; a page begins after the last."""
    page = (
        statement.add_columns(place.label("place"))
        .where(place > bindparam("after"))
        .order_by(place)
        .limit(_ROWS_A_BLOCK)
        .subquery()
    )
    values = [one for one in page.c if one.name != "place"]
    names = tuple(one.name for one in values)
    lines = select(func.max(page.c.place), func.group_concat(_line(values), "\n"))
    after = -(1 << 63)
    while (found := connection.execute(lines, {"after": after}).one())[0] is not None:
        after = found[0]
        yield Block(names, found[1].encode())


def _line(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    """Return a row as a line of CSV on SQLite, by one call: joining strings takes twice as long.

    %Q writes a text as SQL would have it, in single quotes, or NULL; %s writes null as nothing.
    """
    is_number = [isinstance(one.type, Integer) for one in columns]
    form = ",".join("%s" if one else "%Q" for one in is_number)
    # A column of numbers may hold anything in SQLite.
    values = (
        cast(one, Integer) if number else one
        for one, number in zip(columns, is_number, strict=True)
    )
    return func.printf(form, *values, type_=String)


def _at_once(values: Iterable[Any], count: int) -> Iterator[list[Any]]:
    left = iter(values)
    while some := list(islice(left, count)):
        yield some
