"""Fills a database with months of sales: some that were really sold, again and again.

Whatever a sale writes is read from the database that it was sold in, and written again under other
keys, ids, moments, meters, terminals and numbers; the token log is written by the service's own
code. Only the digits of the tokens are made up. `vending reconcile` finds nothing wrong with it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update
from sqlmodel import SQLModel

from benchmarks.bulk import Rows, quickly, tidy
from benchmarks.opening import open_database
from benchmarks.shop import TERMINALS, USER
from vending_api.domain.accounts.tables import ACCOUNT, ARREARS
from vending_api.domain.clients.service import find_client
from vending_api.domain.credit import service as credit
from vending_api.domain.credit.tables import CREDIT, CREDIT_ENTRY
from vending_api.domain.issuing.digits import stored_digits
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER, UTILITY
from vending_api.domain.numbers.tables import NUMBER_SERIES
from vending_api.domain.sales.tables import SALE
from vending_api.domain.token_log import service as token_log
from vending_api.domain.token_log.types import LogEntry
from vending_api.kit.db import reserve_keys
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Table

_MESSAGE: Final = SQLModel.metadata.tables["message"]
_TEMPLATES: Final = 2_000
_AT_ONCE: Final = 20_000
_DEPOSIT_MINOR: Final = 10**14
_SEED: Final = 62_055
_MONTH: Final = timedelta(days=32)
"""Never less than a month: what was sold so long ago was sold in another."""
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_WRITER: Final = "history"
_Row = dict[str, Any]


@dataclass(frozen=True)
class _Template:
    """A sale that was made, with all rows that it wrote; each sale of a benchmark has one token."""

    made_at: datetime
    message: _Row
    sale: _Row
    token: _Row
    entry: _Row
    account: _Row


class _Place(NamedTuple):
    """To which meter something is sold, and when."""

    meter_key: int
    external_meter_id: str
    at: datetime
    is_newest: bool
    """Whether nothing is sold to it afterwards."""


class Dated(NamedTuple):
    """A token that needs digits: for which meter, like which row of a token, and when."""

    meter_key: int
    like: _Row
    identifier: int


Digits = Callable[[Sequence[Dated]], Sequence[str]]
"""Makes the digits of tokens."""


def later_meters(meters: Sequence[str]) -> tuple[str, ...]:
    """Return the meters to which the history has sold this month."""
    return tuple(meters[::2])


def first_meters(meters: Sequence[str]) -> tuple[str, ...]:
    """Return the meters to which the history has sold, but not this month."""
    return tuple(meters[1::2])


def fill(
    url: str,
    source_url: str,
    *,
    sales: int,
    told: Callable[[int], None],
    digits: Digits | None = None,
) -> None:
    """Write a history of so many sales, as many as there are meters at least.

    The database has meters and has sold nothing; the other one has sold. `told` hears how many are
    written. Without `digits` those of the tokens are made up.
    """
    templates = _templates(source_url)
    with quickly(url) as connection:
        _History(connection, templates, digits or _made_up).write(sales, told)
    tidy(url)


class _History:
    """What is known while sales are written."""

    def __init__(self, connection: Connection, templates: list[_Template], digits: Digits) -> None:
        self._connection = connection
        self._digits = digits
        self._random = random.Random(_SEED)  # noqa: S311 (no secret)
        tables = (_MESSAGE, SALE, TOKEN, CREDIT_ENTRY, ACCOUNT)
        self._tables = tuple(Rows(table, connection.dialect) for table in tables)
        self._message, self._sale, self._token, self._entry, self._account = self._tables
        self._templates = [
            _Template(
                made_at=one.made_at,
                message=self._message.convert(one.message),
                sale=self._sale.convert(one.sale),
                token=self._token.convert(one.token),
                entry=self._entry.convert(one.entry),
                account=self._account.convert(one.account),
            )
            for one in templates
        ]
        self._until = min(one.made_at for one in templates) - _MINUTE
        self._utility = connection.execute(select(UTILITY)).one()
        self._zone = ZoneInfo(self._utility.time_zone)
        self._client_key = find_client(connection, USER).key
        self._series = reserve_keys(connection, NUMBER_SERIES, len(TERMINALS))
        self._balance_minor = credit.deposit(
            *(connection, self._client_key, _DEPOSIT_MINOR),
            reference=str(uuid4()),
            note="for the history",
            at=self._until,
        )

    def write(self, sales: int, told: Callable[[int], None]) -> None:
        """Write so many sales, and what they leave of credit, numbers and meters."""
        numbered = enumerate(self._places(sales))
        while batch := list(islice(numbered, _AT_ONCE)):
            self._write_sales(batch)
            told(batch[-1][0] + 1)
        self._connection.execute(update(CREDIT).values(balance_minor=self._balance_minor))
        self._connection.execute(insert(NUMBER_SERIES), self._series_after(sales))
        newest = select(func.max(TOKEN.c.token_identifier)).where(
            TOKEN.c.meter_key == METER.c.key, TOKEN.c.base_date == METER.c.base_date
        )
        self._connection.execute(
            update(METER).values(last_token_identifier=newest.scalar_subquery())
        )

    def _places(self, sales: int) -> Iterator[_Place]:
        """Yield where to sell, oldest first: to each meter again and again, a month apart.

        Each second meter, `later_meters`, gets the last one now; the others had it a month ago.
        """
        found = select(METER.c.key, METER.c.external_id).order_by(METER.c.key)
        meters = [(row.key, row.external_id) for row in self._connection.execute(found)]
        order = []
        for half in (meters[1::2], meters[::2]):
            self._random.shuffle(half)
            order += half
        of_today = len(meters) - len(meters) // 2
        for left in range(sales - 1, -1, -1):
            months, after = divmod(left, len(meters))
            key, external_id = order[-1 - after]
            at = self._until
            if months or after >= of_today:
                at -= _MONTH * (months + 1) + _DAY * (after / len(meters))
            yield _Place(key, external_id, at, months == 0)

    def _write_sales(self, places: list[tuple[int, _Place]]) -> None:
        keys = zip(
            *(
                reserve_keys(self._connection, one, len(places))
                for one in (SALE, TOKEN, CREDIT_ENTRY)
            ),
            strict=True,
        )
        chosen = self._random.choices(self._templates, k=len(places))
        dated = [
            Dated(place.meter_key, one.token, _identifier(one, place))
            for one, (_, place) in zip(chosen, places, strict=True)
        ]
        logged = [
            self._add_sale(one, place, number, of_rows, digits)
            for one, (number, place), of_rows, digits in zip(
                chosen, places, keys, self._digits(dated), strict=True
            )
        ]
        for rows in self._tables:
            rows.write(self._connection)
        token_log.append(self._connection, _WRITER, logged)

    def _add_sale(
        self, one: _Template, place: _Place, number: int, keys: tuple[int, ...], digits: str
    ) -> LogEntry:
        """Keep the rows of a sale, under keys of sale, token and entry; return its token's log."""
        sale_key, token_key, entry_key = keys
        purchase_id = str(UUID(int=self._random.getrandbits(128), version=4))
        at = self._sale.convert({"received_at": place.at})["received_at"]
        before, terminal = divmod(number, len(TERMINALS))
        series, receipt = self._series[terminal], before + 1
        identifier = _identifier(one, place)
        self._message.add(one.message, message_id=purchase_id, subject=purchase_id, claimed_at=at)
        self._sale.add(
            one.sale,
            key=sale_key,
            purchase_id=purchase_id,
            client_key=self._client_key,
            terminal_id=TERMINALS[terminal],
            external_meter_id=place.external_meter_id,
            received_at=at,
            series_key=series,
            first_receipt=receipt,
            last_receipt=receipt,
            invoice_number=f"{series}-{self._until.year}-{receipt:06}",
        )
        self._token.add(
            one.token,
            key=token_key,
            sale_key=sale_key,
            meter_key=place.meter_key,
            digits=stored_digits(vault_of(self._connection), digits, sale_key),
            token_identifier=identifier,
            receipt_number=f"{series}-{receipt:06}",
            made_at=at,
        )
        self._add_money(one, place, entry_key, purchase_id)
        return LogEntry(
            reference=purchase_id,
            meter_key=place.meter_key,
            kind=one.token["kind"],
            base_date=one.token["base_date"],
            token_identifier=identifier,
            digits=digits,
            made_at=place.at,
            warrant=f"client {self._client_key}: paid {one.sale['amount_minor']} "
            f"{one.sale['currency']}",
        )

    def _add_money(self, one: _Template, place: _Place, key: int, purchase_id: str) -> None:
        """Keep what a sale takes from the credit, and what it leaves in its meter's account."""
        self._balance_minor += one.entry["amount_minor"]
        self._entry.add(
            one.entry,
            key=key,
            client_key=self._client_key,
            balance_minor=self._balance_minor,
            reference=purchase_id,
            **self._entry.convert({"at": place.at}),
        )
        if place.is_newest:
            bought_on = {"last_purchase_on": place.at.astimezone(self._zone).date()}
            changed = self._account.convert(bought_on)
            self._account.add(one.account, meter_key=place.meter_key, **changed)

    def _series_after(self, sales: int) -> list[_Row]:
        """Return the terminals' series once so many sales are numbered, in turn."""
        return [
            {
                "key": key,
                "utility_key": self._utility.key,
                "client_key": self._client_key,
                "terminal_id": name,
                "last_receipt": len(range(terminal, sales, len(TERMINALS))),
                "invoice_year": self._until.year,
                "last_invoice": len(range(terminal, sales, len(TERMINALS))),
            }
            for terminal, (key, name) in enumerate(zip(self._series, TERMINALS, strict=True))
        ]


def _identifier(one: _Template, place: _Place) -> int:
    minutes: int = one.token["token_identifier"] + (place.at - one.made_at) // _MINUTE
    return minutes


def _made_up(tokens: Sequence[Dated]) -> list[str]:
    chance = random.Random(tokens[0].identifier)  # noqa: S311 (no secret)
    return [f"{chance.randrange(10**20):020}" for _ in tokens]


def _templates(url: str) -> list[_Template]:
    """Return sales of a database with their rows; those of meters that owe nothing since."""
    engine = open_database(url, connections=1)
    with engine.connect() as connection:
        owing = set(connection.execute(select(ARREARS.c.meter_key)).scalars())
        sold = _by(connection, SALE, "key", SALE.c.state == "issued")
        tokens = _by(connection, TOKEN, "sale_key")
        accounts = _by(connection, ACCOUNT, "meter_key")
        messages = _by(connection, _MESSAGE, "message_id", _MESSAGE.c.kind == "purchase")
        entries = _by(connection, CREDIT_ENTRY, "reference", CREDIT_ENTRY.c.kind == "sale")
    engine.dispose()
    return [
        _Template(
            made_at=token["made_at"],
            message=messages[sale["purchase_id"]],
            sale=sale,
            token=token,
            entry=entries[sale["purchase_id"]],
            account=accounts[token["meter_key"]],
        )
        for key, sale in islice(sold.items(), _TEMPLATES)
        if (token := tokens[key])["meter_key"] not in owing
    ]


def _by(
    connection: Connection, table: Table, column: str, *which: ColumnElement[bool]
) -> dict[Any, _Row]:
    rows = connection.execute(select(table).where(*which)).mappings()
    return {row[column]: dict(row) for row in rows}
