"""Compares, after the load, what was answered with the database and with virtual meters."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

import httpx2
from sqlalchemy import func, select

from benchmarks.load import scattered
from benchmarks.opening import open_database
from benchmarks.servers import ServerFailed
from benchmarks.shop import PASSWORD, USER, purchase
from sts.virtual_meter import Accepted
from vending_api.domain.clients.service import find_client
from vending_api.domain.credit.service import balance
from vending_api.domain.credit.tables import CREDIT_ENTRY
from vending_api.domain.credit.types import EntryKind
from vending_api.domain.issuing.digits import digits_of
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sales.tables import SALE
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from benchmarks.servers import Server
    from benchmarks.shop import Shop

_SAMPLE: Final = 200
"""Meters whose tokens are entered into virtual meters."""
_PAUSE_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 60


@dataclass
class Witness:
    """One more point of sale: it buys ten times a second during the load and keeps the answers."""

    server: Server
    shop: Shop
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was answered 201, by purchase id."""
    refusals: list[str] = field(default_factory=list)
    """Every other answer, save that there is too much to do."""
    _enough: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Buy once, so that the service has loaded all that it needs; then go on by itself.

        Raises ServerFailed when nothing is to be had.
        """
        self._orders = scattered(self.shop)
        self._http = httpx2.Client(
            base_url=self.server.address,
            auth=(USER, PASSWORD),
            trust_env=False,
            timeout=_TIMEOUT_SECONDS,
        )
        self._buy()
        if not self.answers:
            self._http.close()
            raise ServerFailed(f"it sells nothing: {self.refusals}")
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        self._http.close()

    def _go_on(self) -> None:
        while not self._enough.wait(_PAUSE_SECONDS):
            self._buy()

    def _buy(self) -> None:
        purchase_id = str(uuid4())
        body = purchase(purchase_id, *next(self._orders))
        try:
            answer = self._http.post(f"/tokenPurchases/{purchase_id}", json=body)
        except httpx2.HTTPError as error:
            self.refusals.append(repr(error))
            return
        if answer.status_code == httpx2.codes.CREATED:
            self.answers[purchase_id] = answer.json()
        elif answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
            self.refusals.append(f"{answer.status_code}: {answer.text[:500]}")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the comparison came to."""

    sales: int
    """Sales of this run in the database."""
    on_the_way: int
    """Those that nobody was waiting for any more when the load ended."""
    tokens_entered: int
    problems: list[str]


def differences_of(shop: Shop) -> list[str]:
    """Return what does not agree in the records of a database."""
    engine = open_database(shop.database_url, connections=1)
    with engine.connect() as connection:
        found = _differences(connection)
    engine.dispose()
    return found


def sales_of(shop: Shop) -> int:
    """Return how many sales a database has."""
    engine = open_database(shop.database_url, connections=1)
    with engine.connect() as connection:
        sales = _sales(connection)
    engine.dispose()
    return sales


def compare(
    shop: Shop, witness: Witness, *, sales_before: int, answered: int, unanswered: int
) -> Found:
    """Return what does not agree, once the service has stopped.

    `answered` counts what the load was answered. `unanswered` is how many requests may have been
    on the way, or given up, when it ended: these may have been sold and not counted.
    """
    engine = open_database(shop.database_url, connections=1)
    with engine.connect() as connection:
        sales = _sales(connection) - sales_before
        problems = _differences(connection)
        problems += _wrong_answers(connection, witness)
        problems += _wrong_credit(connection)
        entered, refused = _entered(connection, shop)
    engine.dispose()
    on_the_way = sales - answered - len(witness.answers)
    if not 0 <= on_the_way <= unanswered:
        problems.append(
            f"{answered} + {len(witness.answers)} sales were answered, {sales} are stored, "
            f"and {unanswered} may have been on the way"
        )
    return Found(
        sales=sales,
        on_the_way=on_the_way,
        tokens_entered=entered,
        problems=[*problems, *refused, *witness.refusals],
    )


def _differences(connection: Connection) -> list[str]:
    return [f"{one.check}, {one.reference}: {one.problem}" for one in differences(connection)]


def _sales(connection: Connection) -> int:
    return connection.execute(
        select(func.count()).select_from(SALE).where(SALE.c.state == "issued")
    ).scalar_one()


def _wrong_answers(connection: Connection, witness: Witness) -> list[str]:
    """Return the purchases whose answer does not have the tokens that are stored."""
    stored = (
        select(TOKEN.c.digits, TOKEN.c.sale_key)
        .join(SALE, SALE.c.key == TOKEN.c.sale_key)
        .order_by(TOKEN.c.key)
    )
    wrong = []
    for purchase_id, answer in witness.answers.items():
        rows = connection.execute(stored.where(SALE.c.purchase_id == purchase_id))
        digits = [digits_of(vault_of(connection), *row) for row in rows]
        if not digits or digits != [token["token"] for token in answer["tokens"]]:
            wrong.append(f"{purchase_id} was answered with other tokens than are stored")
    return wrong


def _wrong_credit(connection: Connection) -> list[str]:
    client = find_client(connection, USER)
    deposited = connection.execute(
        select(func.sum(CREDIT_ENTRY.c.amount_minor)).where(
            CREDIT_ENTRY.c.client_key == client.key, CREDIT_ENTRY.c.kind == EntryKind.DEPOSIT.value
        )
    ).scalar_one()
    sold = connection.execute(
        select(func.coalesce(func.sum(SALE.c.amount_minor), 0)).where(SALE.c.state == "issued")
    ).scalar_one()
    left = balance(connection, client.key)
    if left == deposited - sold:
        return []
    return [f"{deposited} was deposited, {sold} sold, and the credit is {left}"]


def _entered(connection: Connection, shop: Shop) -> tuple[int, list[str]]:
    """Enter all tokens of the meters sold to last, twice; return their number and what is wrong."""
    last = select(TOKEN.c.meter_key).order_by(TOKEN.c.key.desc()).limit(_SAMPLE)
    meter_keys = set(connection.execute(last).scalars())
    rows = connection.execute(
        select(METER.c.external_id, TOKEN.c.digits, TOKEN.c.sale_key)
        .join(TOKEN, TOKEN.c.meter_key == METER.c.key)
        .where(METER.c.key.in_(meter_keys))
        .order_by(TOKEN.c.key)
    ).all()
    meters = {number: shop.virtual_meter(number) for number in {row.external_id for row in rows}}
    refused = []
    for number, stored, sale_key in rows:
        digits = digits_of(vault_of(connection), stored, sale_key)
        outcome = meters[number].enter(digits)
        if not isinstance(outcome, Accepted):
            refused.append(f"meter {number} refuses a token: {outcome.words}")
        elif isinstance(meters[number].enter(digits), Accepted):
            refused.append(f"meter {number} took a token twice")
    return len(rows), refused
