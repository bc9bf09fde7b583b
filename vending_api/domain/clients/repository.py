"""The SQL of the clients."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, insert, or_, select, update

from vending_api.domain.clients.tables import CLIENT, TERMINAL
from vending_api.domain.clients.types import Client, ClientTerms
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.entries import require_fit
from vending_api.kit.group import recall_lasting, remember_lasting
from vending_api.kit.statements import Statement, StatementForMany

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

_FITS_NOTHING: Final = "!"
_CLIENT: Final = select(CLIENT).where(CLIENT.c.user_name == bindparam("user_name"))
_ACTIVE_CLIENT: Final = _CLIENT.where(CLIENT.c.is_active)
_TERMINAL: Final = Statement(
    select(TERMINAL).where(
        TERMINAL.c.client_key == bindparam("of_client"),
        TERMINAL.c.terminal_id == bindparam("of_terminal"),
    ),
    is_apart=True,
)
_TERMINALS: Final = StatementForMany(
    lambda _, rows: select(TERMINAL.c.client_key, TERMINAL.c.terminal_id).where(
        or_(*(and_(*(TERMINAL.c[name] == row[name] for name in row)) for row in rows))
    )
)


def find_active_client(connection: Connection, user_name: str) -> tuple[Client, str] | None:
    """Return a client that is switched on, with its password hash, or None."""
    row = connection.execute(_ACTIVE_CLIENT, {"user_name": user_name}).one_or_none()
    return None if row is None else (_client(row), row.password_hash)


def find_client(connection: Connection, user_name: str) -> Client | None:
    """Return a client, switched on or off, or None."""
    row = connection.execute(_CLIENT, {"user_name": user_name}).one_or_none()
    return None if row is None else _client(row)


def all_clients(connection: Connection) -> list[Client]:
    """Return every client by its user name."""
    return [_client(row) for row in connection.execute(select(CLIENT).order_by(CLIENT.c.user_name))]


def add_client(
    connection: Connection, *, user_name: str, name: str, password_hash: str, terms: ClientTerms
) -> int:
    """Store a client that is switched on, and return its key."""
    values = {"user_name": user_name, "name": name, "password_hash": password_hash}
    require_fit(CLIENT, values)
    statement = insert(CLIENT).values(
        **values, **asdict(terms), is_active=True, names_terminals=False
    )
    return int(connection.execute(statement.returning(CLIENT.c.key)).scalar_one())


def add_house(connection: Connection, *, user_name: str, name: str) -> None:
    """Store the client that the service itself sells as, unless somebody else just has."""
    values = {"user_name": user_name, "name": name, "password_hash": _FITS_NOTHING}
    statement = insert_or_ignore(connection.dialect.name, CLIENT)
    connection.execute(
        statement, values | asdict(ClientTerms()) | {"is_active": True, "names_terminals": False}
    )


def update_client(connection: Connection, key: int, **values: Any) -> None:
    """Store other values of columns of a client."""
    require_fit(CLIENT, values)
    connection.execute(update(CLIENT).where(CLIENT.c.key == key).values(values))


def add_terminals(connection: Connection, client_key: int, terminal_ids: Sequence[str]) -> None:
    """Store terminals that a client has named; those it had named before stay."""
    rows = [{"client_key": client_key, "terminal_id": one} for one in terminal_ids]
    for row in rows:
        require_fit(TERMINAL, row)
    connection.execute(insert_or_ignore(connection.dialect.name, TERMINAL), rows)


def terminals_of(connection: Connection, client_key: int) -> list[str]:
    """Return the terminals that a client has named, in order."""
    statement = select(TERMINAL.c.terminal_id).where(TERMINAL.c.client_key == client_key)
    return list(connection.execute(statement.order_by(TERMINAL.c.terminal_id)).scalars())


def has_terminal(connection: Connection, client_key: int, terminal_id: str) -> bool:
    """Return whether a client has named a terminal."""
    known: bool | None = recall_lasting(connection, (_TERMINAL, client_key, terminal_id))
    if known is None:
        values = {"of_client": client_key, "of_terminal": terminal_id}
        known = _TERMINAL.row(connection, values) is not None
        remember_lasting(connection, (_TERMINAL, client_key, terminal_id), known)
    return known


def read_terminals(connection: Connection, named: Iterable[tuple[int, str]]) -> None:
    """Let the group of a connection know which of these clients have named these terminals."""
    wanted = [{"client_key": key, "terminal_id": one} for key, one in named]
    found = {tuple(row) for row in _TERMINALS.rows(connection, wanted)}
    for row in wanted:
        of_both = row["client_key"], row["terminal_id"]
        remember_lasting(connection, (_TERMINAL, *of_both), of_both in found)


def _client(row: Row[Any]) -> Client:
    return Client(
        key=row.key,
        user_name=row.user_name,
        name=row.name,
        is_active=row.is_active,
        names_terminals=row.names_terminals,
        terms=ClientTerms(
            is_prepaid=row.is_prepaid,
            sale_maximum_minor=row.sale_maximum_minor,
            day_maximum_minor=row.day_maximum_minor,
            slip_columns=row.slip_columns,
        ),
    )
