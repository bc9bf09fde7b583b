"""The sums of a day: what was sold, against tokens, log, credit and payments."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from vending_api.domain.clients.service import all_clients
from vending_api.domain.clients.types import HOUSE_USER
from vending_api.domain.payments.types import VERIFY_FOR
from vending_api.domain.watching import repository
from vending_api.domain.watching.types import DaySum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

    from vending_api.domain.clients.types import Client

_Sums = defaultdict[tuple[str, str], defaultdict[str, int]]


def sums_of(connection: Connection, windows: Iterable[dict[str, Any]]) -> list[DaySum]:
    """Return the sums of some windows together, by client and currency.

    The windows are given as the values that statements are run with.
    """
    clients = {client.key: client for client in all_clients(connection)}
    found: _Sums = defaultdict(lambda: defaultdict(int))
    for values in windows:
        _add_window(connection, found, values, clients)
    return [
        DaySum(client=client, currency=currency, **fields)
        for (client, currency), fields in sorted(found.items())
    ]


def _add_window(
    connection: Connection, found: _Sums, values: dict[str, Any], clients: dict[int, Client]
) -> None:
    sold = repository.sold(connection, values)
    _add(found, sold, clients)
    _add(found, repository.made(connection, values), clients)
    for rows in repository.logged(connection, values):
        _add(found, [rows], clients)
    with_entries = repository.entries_of(connection, values)
    _add(found, repository.drawn(connection, with_entries), clients)
    for row in sold:
        client = clients[row.client_key]
        sums = found[client.user_name, row.currency]
        if client.terms.is_prepaid:
            sums["due_minor"] += _due(connection, with_entries, row)
        if client.user_name == HOUSE_USER:
            sums["paid_minor"] += 0
    for one in repository.paid(connection, values, ordered_before=VERIFY_FOR):
        found[HOUSE_USER, one.currency]["paid_minor"] += int(one.paid_minor)


def _add(found: _Sums, rows: Sequence[Row[Any]], clients: dict[int, Client]) -> None:
    for row in rows:
        fields = dict(row._mapping)  # noqa: SLF001 (how SQLAlchemy names it; it is public)
        client = clients.get(fields.pop("client_key"))
        currency = fields.pop("currency") or ""
        sums = found["" if client is None else client.user_name, currency]
        for name, value in fields.items():
            sums[name] += int(value)


def _due(connection: Connection, values: dict[str, Any], sold: Row[Any]) -> int:
    """Return what of a prepaid client's sales had to be taken from its credit."""
    since = repository.taken_since(connection, values, sold.client_key)
    if since is None:
        return 0
    if since <= values["begin"]:
        return int(sold.sold_minor)
    due = repository.due(connection, values, sold.client_key, since)
    return due.get(sold.currency, 0)
