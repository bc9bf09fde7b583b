"""What may be asked about clients."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Final

from vending_api.domain.clients import repository
from vending_api.domain.clients.errors import (
    CredentialsRejected,
    TerminalNotRegistered,
    UnknownClient,
)
from vending_api.domain.clients.types import CAMPAIGN_USER, HOUSE_USER, ClientTerms
from vending_api.kit.credentials import Checked, hash_password, password_fits
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from vending_api.domain.clients.types import Client

SLIP_COLUMNS: Final = (32, 40, 48)
"""The widths that slips are made for, in characters."""
_TERMINAL_ID_LENGTH: Final = 8
_HOUSE_NAMES: Final = {HOUSE_USER: "Online", CAMPAIGN_USER: "Campaigns"}


def check_credentials(connection: Connection, user_name: str, password: str) -> Client:
    """Return the client that these credentials belong to; raises CredentialsRejected.

    Takes as long for an unknown user as for a wrong password, so that answers do
    not tell which user names exist.
    """
    return check_again(connection, user_name, password, None).who


def check_again(
    connection: Connection, user_name: str, password: str, fitted: str | None
) -> Checked[Client]:
    """Return what `check_credentials` does, and the hash that the password fits.

    `fitted` is a hash that it was found to fit before: while that is stored, nothing is worked out.
    """
    found = repository.find_active_client(connection, user_name)
    if found is None:
        password_fits(_hash_of_nobody(), password)
        raise CredentialsRejected
    client, password_hash = found
    if password_hash != fitted and not password_fits(password_hash, password):
        raise CredentialsRejected
    return Checked(client, password_hash)


def find_client(connection: Connection, user_name: str) -> Client:
    """Return a client, switched on or off; raises UnknownClient."""
    client = repository.find_client(connection, user_name)
    if client is None:
        raise UnknownClient(user_name)
    return client


def house_client(connection: Connection) -> Client:
    """Return the client that the service itself sells as, to those who pay online.

    It is registered when it is first asked for, with a password hash that fits nothing. An
    operator may switch it off: then nobody can order online.
    """
    return _of_the_house(connection, HOUSE_USER)


def campaign_client(connection: Connection) -> Client:
    """Return the client that campaigns are recorded under, registered as `house_client` is."""
    return _of_the_house(connection, CAMPAIGN_USER)


def all_clients(connection: Connection) -> list[Client]:
    """Return every client by its user name."""
    return repository.all_clients(connection)


def terminals_of(connection: Connection, client: Client) -> list[str]:
    """Return the terminals that a client has named; without any it sells from all."""
    return repository.terminals_of(connection, client.key)


def require_terminal(connection: Connection, client: Client, terminal_id: str) -> None:
    """Raise TerminalNotRegistered for a terminal that a client who names them has not named."""
    if not client.names_terminals:
        return
    if not repository.has_terminal(connection, client.key, terminal_id):
        raise TerminalNotRegistered(terminal_id)


def read_terminals(connection: Connection, named: Iterable[tuple[Client, str]]) -> None:
    """Let the group of a connection know of the terminals that `require_terminal` will ask for."""
    wanted = {(client.key, terminal_id) for client, terminal_id in named if client.names_terminals}
    repository.read_terminals(connection, sorted(wanted))


def register_client(
    connection: Connection,
    *,
    user_name: str,
    name: str,
    password: str,
    terms: ClientTerms | None = None,
) -> int:
    """Register a client, keep a hash of its password, and return its key.

    Raises EntryInvalid for a text that is too long, or a width that no slip is made for.
    """
    terms = terms or ClientTerms()
    _require_width(terms)
    return repository.add_client(
        connection,
        user_name=user_name,
        name=name,
        password_hash=hash_password(password),
        terms=terms,
    )


def change_client(
    connection: Connection, client_key: int, *, name: str, terms: ClientTerms
) -> None:
    """Give a client another name and other terms; running services notice within 5 seconds.

    Raises EntryInvalid as `register_client`.
    """
    _require_width(terms)
    repository.update_client(connection, client_key, name=name, **asdict(terms))


def change_password(connection: Connection, client_key: int, password: str) -> None:
    """Keep the hash of another password; running services notice within 5 seconds."""
    repository.update_client(connection, client_key, password_hash=hash_password(password))


def set_active(connection: Connection, client_key: int, *, is_active: bool) -> None:
    """Switch a client on or off; running services notice within 5 seconds."""
    repository.update_client(connection, client_key, is_active=is_active)


def name_terminals(connection: Connection, client_key: int, terminal_ids: Sequence[str]) -> None:
    """Let a client sell from these terminals, those it named before, and no others.

    Raises EntryInvalid for an id that is not of 8 characters.
    """
    for terminal_id in terminal_ids:
        if len(terminal_id) != _TERMINAL_ID_LENGTH:
            raise EntryInvalid("terminal_id", f"{terminal_id!r}; write exactly 8 characters")
    if terminal_ids:
        repository.add_terminals(connection, client_key, terminal_ids)
        repository.update_client(connection, client_key, names_terminals=True)


def _of_the_house(connection: Connection, user_name: str) -> Client:
    client = repository.find_client(connection, user_name)
    if client is None:
        repository.add_house(connection, user_name=user_name, name=_HOUSE_NAMES[user_name])
        client = find_client(connection, user_name)
    return client


def _require_width(terms: ClientTerms) -> None:
    if terms.slip_columns not in SLIP_COLUMNS:
        raise EntryInvalid("slip_columns", f"{terms.slip_columns}; write 32, 40 or 48")


@cache
def _hash_of_nobody() -> str:
    return hash_password("nobody")
