"""The sums of a day: what was sold, against tokens, log, credit and payments."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from vending_api.domain.clients.service import all_clients
from vending_api.domain.clients.types import HOUSE_USER
from vending_api.domain.payments.types import VERIFY_FOR
from vending_api.domain.watching import credit_rows, repository
from vending_api.domain.watching.types import DaySum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    sold: Counter[tuple[int, str]] = Counter()
    for row in repository.sold(connection, values):
        _add(found, row, clients)
        sold[row.client_key, row.currency] += int(row.sold_minor)
    with_entries = credit_rows.with_entries(connection, values)
    for rows in (
        repository.billed(connection, values),
        repository.made(connection, values),
        repository.logged(connection, values),
        credit_rows.drawn(connection, with_entries),
    ):
        for row in rows:
            _add(found, row, clients)
    house_keys = set()
    for (client_key, currency), sold_minor in sold.items():
        client = clients[client_key]
        sums = found[client.user_name, currency]
        if client.terms.is_prepaid:
            sums["due_minor"] += _due(connection, with_entries, client_key, currency, sold_minor)
        if client.user_name == HOUSE_USER:
            sums["paid_minor"] += 0
            house_keys.add(client_key)
    for one in _paid(connection, values, house_keys):
        found[HOUSE_USER, one.currency]["paid_minor"] += int(one.paid_minor)


def _paid(
    connection: Connection, values: dict[str, Any], house_keys: Iterable[int]
) -> Iterator[Row[Any]]:
    """Yield what was paid online: for sales of the house, if there are any, and for nothing."""
    for client_key in house_keys:
        yield from repository.paid_for_sales(connection, values, client_key)
    yield from repository.paid_for_nothing(connection, values, ordered_before=VERIFY_FOR)


def _add(found: _Sums, row: Row[Any], clients: dict[int, Client]) -> None:
    fields = dict(row._mapping)  # noqa: SLF001 (how SQLAlchemy names it; it is public)
    client = clients.get(fields.pop("client_key"))
    currency = fields.pop("currency") or ""
    sums = found["" if client is None else client.user_name, currency]
    for name, value in fields.items():
        sums[name] += int(value)


def _due(
    connection: Connection, values: dict[str, Any], client_key: int, currency: str, sold_minor: int
) -> int:
    """Return what of a prepaid client's sales had to be taken from its credit."""
    since = credit_rows.taken_since(connection, values, client_key)
    if since is None:
        return 0
    if since <= values["begin"]:
        return sold_minor
    return credit_rows.due(connection, values, client_key, since)[currency]
