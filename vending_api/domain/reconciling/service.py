"""Compares the records of sales, tokens, numbers, credit, queue and advices with one another."""

from __future__ import annotations

from collections import Counter
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sts.base_date import BaseDate
from sts.token_identifier import TokenIdentifier
from vending_api.domain.issuing.digits import digest_of_stored
from vending_api.domain.reconciling import repository, warrant_rows
from vending_api.domain.reconciling.repository import found, streamed
from vending_api.domain.reconciling.series import Numbered, Series, walk
from vending_api.domain.reconciling.types import Difference
from vending_api.domain.sales.service import GIVEN_UP
from vending_api.domain.token_log.service import breaks
from vending_api.kit.vault import NotOpened, vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from vending_api.kit.vault import Vault

_SALE_AND_TOKEN: Final = "sale and token"  # noqa: S105 (the name of a check)
_SALE_AND_BILL: Final = "sale and bill"
_TOKEN_AND_LOG: Final = "token and log"  # noqa: S105 (the name of a check)
_LOG: Final = "token log"
_WARRANT: Final = "token and warrant"
_IDENTIFIERS: Final = "token identifiers"
_NUMBERS: Final = "receipt numbers"
_BALANCE: Final = "credit"
_SALE_AND_CREDIT: Final = "sale and credit"
_QUEUE: Final = "token queue"
_SALE_AND_ADVICE: Final = "sale and advice"


class _Made(NamedTuple):
    """A token as one side knows it: above 0 that of the sales, below 0 that of the log."""

    sale: int
    reference: str
    digest: str
    side: int


def differences(connection: Connection) -> list[Difference]:
    """Return everything that does not agree, by check and reference.

    It takes several statements: on PostgreSQL, give it a connection that sees one state of the
    database all the time (REPEATABLE READ), or sales made meanwhile look like differences.
    """
    repository.lift_time_limit(connection)
    return sorted(difference for check in _CHECKS for difference in check(connection))


def newest_identifiers(connection: Connection) -> list[tuple[BaseDate, datetime]]:
    """Return the moment of the newest token identifier under each base date that meters have."""
    return [
        (BaseDate(year), TokenIdentifier(minutes).issued_at(BaseDate(year)))
        for year, minutes in repository.newest_identifiers(connection)
    ]


def token_differences(connection: Connection) -> Iterator[Difference]:
    """Yield what does not agree between sales, tokens and the token log, as `differences` does."""
    repository.lift_time_limit(connection)
    for check in (_sales_and_tokens, _tokens_and_log, _warrants):
        yield from check(connection)


def sales_held(connection: Connection) -> int:
    """Return how many sales the database holds, key changes among them; refusals are none."""
    repository.lift_time_limit(connection)
    return connection.execute(repository.SALES_HELD).scalar_one()


def _sales_and_tokens(connection: Connection) -> Iterator[Difference]:
    for row in found(connection, repository.SALES_WITHOUT_TOKEN):
        yield Difference(_SALE_AND_TOKEN, row.purchase_id, "the sale has no token")
    for row in found(connection, repository.TOKENS_WITHOUT_SALE):
        if row.purchase_id is None:
            yield Difference(_SALE_AND_TOKEN, f"token {row.key}", "the token has no sale")
        else:
            problem = f"there is a token, but nothing was sold: {row.state}"
            yield Difference(_SALE_AND_TOKEN, row.purchase_id, problem)


def _bills(connection: Connection) -> Iterator[Difference]:
    for row in streamed(connection, repository.BILLS):
        billed = sum(line["net_minor"] + line["tax_minor"] for line in row.bill or ())
        if billed != row.amount_minor:
            problem = f"the lines add up to {billed}, but {row.amount_minor} was paid"
            yield Difference(_SALE_AND_BILL, row.purchase_id, problem)


def _tokens_and_log(connection: Connection) -> Iterator[Difference]:
    """Compare, sale by sale, the tokens with those that the log knows."""
    vault = vault_of(connection)
    made = (
        _Made(row.sale, row.purchase_id or f"token {row.key}", _digest(vault, row), 1)
        for row in streamed(connection, repository.TOKENS)
    )
    logged = (
        _Made(row.sale, row.reference, row.token_digest, -1)
        for row in streamed(connection, repository.LOGGED_TOKENS)
    )
    by_sale = attrgetter("sale")
    for _, tokens in groupby(merge(made, logged, key=by_sale), key=by_sale):
        surplus: Counter[tuple[str, str]] = Counter()
        for token in tokens:
            surplus[token.reference, token.digest] += token.side
        for (reference, _), count in surplus.items():
            for _ in range(count):
                yield Difference(_TOKEN_AND_LOG, reference, "the log does not know the token")
            for _ in range(-count):
                yield Difference(_TOKEN_AND_LOG, reference, "the log has a token that is not there")


def _digest(vault: Vault, token: Row[Any]) -> str:
    try:
        return digest_of_stored(vault, token.digits, token.sale_key)
    except NotOpened as error:
        return str(error)  # which no row of the log has


def _warrants(connection: Connection) -> Iterator[Difference]:
    """Compare what the log says each token was made for with the sale, and with its approval."""
    for row in found(connection, warrant_rows.TOKENS_NOT_PAID_FOR):
        yield Difference(_WARRANT, row.purchase_id, f"nobody has paid for its {row.kind} token")
    for row in found(connection, warrant_rows.WARRANTS_NOT_KEPT):
        yield _not_kept(row.reference, row.warrant)
    for row in streamed(connection, warrant_rows.KEY_CHANGES_LOGGED):
        known = ((row.buyer, row.bought), (row.changer, row.changed))
        if all(row.warrant != _warrant_of_key_change(*one) for one in known):
            yield _not_kept(row.reference, row.warrant)


def _not_kept(reference: str, warrant: str) -> Difference:
    problem = f"a token was made for {warrant!r}, and nothing says so any more"
    return Difference(_WARRANT, reference, problem)


def _warrant_of_key_change(client_key: int | None, key_data: dict[str, Any] | None) -> str | None:
    new = (key_data or {}).get("new")
    if new is None:
        return None
    return f"client {client_key}: key change to {' '.join(map(str, new))}"


def _log_chains(connection: Connection) -> Iterator[Difference]:
    for one in breaks(connection):
        yield Difference(_LOG, one.writer, f"row {one.sequence}: {one.problem}")


def _identifiers(connection: Connection) -> Iterator[Difference]:
    for row in found(connection, repository.TWIN_TOKENS):
        problem = (
            f"{row.tokens} tokens have identifier {row.token_identifier} "
            f"under base date {row.base_date}"
        )
        yield Difference(_IDENTIFIERS, f"meter {row.external_id}", problem)
    for row in found(connection, repository.TOKENS_BEYOND_THE_NEWEST):
        last = row.last_token_identifier
        newest = "had none" if last is None else f"has only come to {last}"
        problem = f"a token has identifier {row.token_identifier}, but the meter {newest}"
        yield Difference(_IDENTIFIERS, f"meter {row.external_id}", problem)


def _numbers(connection: Connection) -> Iterator[Difference]:
    rows = streamed(connection, repository.NUMBERS)
    for series, of_series in groupby(rows, key=lambda row: Series._make(row[:4])):
        sales = (Numbered._make(row[4:]) for row in of_series if row.purchase_id is not None)
        yield from walk(series, sales)
    for row in found(connection, repository.SALES_WITHOUT_NUMBERS):
        yield Difference(_NUMBERS, row.purchase_id, "the sale has none, or those of no series")


def _credit(connection: Connection) -> Iterator[Difference]:
    for row in found(connection, repository.BALANCES_NOT_EXPLAINED):
        problem = f"the balance is {row.balance_minor}, but its entries add up to {row.total_minor}"
        yield Difference(_BALANCE, f"client {row.user_name}", problem)
    for row in found(connection, repository.SALES_NOT_PAID_FROM_CREDIT):
        problem = f"{row.amount_minor} was sold, but not taken from the client's credit"
        yield Difference(_SALE_AND_CREDIT, row.purchase_id, problem)
    for row in found(connection, repository.REVERSALS_NOT_GIVEN_BACK):
        problem = "the sale is reversed, but the client did not get its credit back"
        yield Difference(_SALE_AND_CREDIT, row.purchase_id, problem)
    for row in found(connection, repository.ENTRIES_WITHOUT_SALE):
        asked = f"{row.sold_minor} was asked for and is {row.state}"
        sold = "nothing was sold" if row.state is None else asked
        problem = f"the client's credit has a {row.kind} of {row.amount_minor}, but {sold}"
        yield Difference(_SALE_AND_CREDIT, row.reference, problem)


def _queue(connection: Connection) -> Iterator[Difference]:
    for row in found(connection, repository.ORDERS_NOT_DELIVERED):
        reference = row.purchase_id or f"meter {row.external_id}"
        token = f"{row.kind} token of {row.value}"
        is_missing = row.missing > 0
        problem = (
            f"an ordered {token} counts as delivered, but is not there"
            if is_missing
            else f"there is a {token} that nobody ordered"
        )
        yield Difference(_QUEUE, reference, problem)
    for row in found(connection, repository.ORDERS_OVERLOOKED):
        problem = f"a {row.kind} token waits, but the meter does not know"
        yield Difference(_QUEUE, f"meter {row.external_id}", problem)
    for row in found(connection, warrant_rows.ORDERS_OF_ONE):
        problem = f"order {row.key} by {row.ordered_by} was approved by nobody else"
        yield Difference(_QUEUE, f"meter {row.external_id}", problem)


def _sales_and_advices(connection: Connection) -> Iterator[Difference]:
    for row in found(connection, repository.STATES_NOT_EXPLAINED):
        problem = f"the sale is {row.state}, but no accepted advice says so"
        yield Difference(_SALE_AND_ADVICE, row.purchase_id, problem)
    for row in found(connection, repository.ADVICES_NOT_FOLLOWED):
        state = "nothing was sold" if row.state is None else f"the sale is {row.state}"
        problem = f"a {row.kind} was accepted, but {state}"
        yield Difference(_SALE_AND_ADVICE, row.request_id, problem)
    for row in found(connection, repository.SALES_ADVISED_TWICE):
        problem = f"{row.advices} advices were accepted, and only one may be"
        yield Difference(_SALE_AND_ADVICE, row.purchase_id, problem)
    for row in found(connection, repository.SALES_THOUGH_GIVEN_UP, given_up=GIVEN_UP):
        problem = "the id was reversed before anything was sold, and then sold under"
        yield Difference(_SALE_AND_ADVICE, row.purchase_id, problem)


_CHECKS: Final[tuple[Callable[[Connection], Iterator[Difference]], ...]] = (
    _sales_and_tokens,
    _bills,
    _tokens_and_log,
    _log_chains,
    _warrants,
    _identifiers,
    _numbers,
    _credit,
    _queue,
    _sales_and_advices,
)
