"""The SQL of the clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, insert, select

from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.clients.types import Client

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ACTIVE_CLIENT: Final = select(CLIENT).where(
    CLIENT.c.user_name == bindparam("user_name"), CLIENT.c.is_active
)


def find_active_client(connection: Connection, user_name: str) -> tuple[Client, str] | None:
    """Return a client that is switched on, with its password hash, or None."""
    row = connection.execute(_ACTIVE_CLIENT, {"user_name": user_name}).one_or_none()
    if row is None:
        return None
    return Client(key=row.key, user_name=row.user_name, name=row.name), row.password_hash


def add_client(connection: Connection, user_name: str, name: str, password_hash: str) -> None:
    """Store a client that is switched on."""
    connection.execute(
        insert(CLIENT).values(
            user_name=user_name, name=name, password_hash=password_hash, is_active=True
        )
    )
