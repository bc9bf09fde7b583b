"""What may be asked about clients."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vending_api.domain.clients import repository
from vending_api.domain.clients.errors import CredentialsRejected
from vending_api.kit.credentials import hash_password, password_fits

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.clients.types import Client


def check_credentials(connection: Connection, user_name: str, password: str) -> Client:
    """Return the client that these credentials belong to; raises CredentialsRejected.

    Takes as long for an unknown user as for a wrong password, so that answers do
    not tell which user names exist.
    """
    found = repository.find_active_client(connection, user_name)
    if found is None:
        password_fits(_hash_of_nobody(), password)
        raise CredentialsRejected
    client, password_hash = found
    if not password_fits(password_hash, password):
        raise CredentialsRejected
    return client


def register_client(connection: Connection, *, user_name: str, name: str, password: str) -> None:
    """Register a client and keep a hash of its password."""
    repository.add_client(connection, user_name, name, hash_password(password))


@cache
def _hash_of_nobody() -> str:
    return hash_password("nobody")
