"""What a consumer may see of the past: tokens of the meter, and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.receipts import repository
from vending_api.domain.receipts.types import NESTED, PAGE_SIZE, OrderReceipt, Page

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.receipts.types import KeyedToken, PaidOrder, TokenReceipt

_BOUGHT: Final = (TokenKind.STANDARD, TokenKind.FREE)
"""What an order is known by: its credit token; its free units where it brought nothing else."""


def tokens_page(connection: Connection, consumer: Consumer, page: int) -> Page[TokenReceipt]:
    """Return the tokens of a consumer's meter on a page, from 1, the newest first.

    From whatever sale; but none of a sale that was given back, whose tokens nobody was to have.
    """
    total = repository.count_tokens(connection, consumer)
    skip = _before(page)
    if skip >= total:
        return Page((), page, total)
    tokens = repository.newest_tokens(connection, consumer, skip=skip, most=PAGE_SIZE)
    return Page(tokens, page, total)


def orders_page(connection: Connection, consumer: Consumer, page: int) -> Page[OrderReceipt]:
    """Return the orders of a consumer on a page, from 1, the newest first, each with its token."""
    total = repository.count_orders(connection, consumer)
    skip = _before(page)
    if skip >= total:
        return Page((), page, total)
    orders = repository.newest_orders(connection, consumer, skip=skip, most=PAGE_SIZE)
    receipts = _receipts_of(connection, consumer, orders)
    items = [OrderReceipt(order=order, receipt=receipts.get(order.key)) for order in orders]
    return Page(items, page, total)


def newest_tokens(
    connection: Connection, consumer: Consumer, most: int = NESTED
) -> list[TokenReceipt]:
    """Return the newest tokens of a consumer's meter, the oldest of them first."""
    return repository.newest_tokens(connection, consumer, skip=0, most=most)[::-1]


def newest_orders(
    connection: Connection, consumer: Consumer, most: int = NESTED
) -> list[PaidOrder]:
    """Return the newest orders of a consumer, the oldest of them first."""
    return repository.newest_orders(connection, consumer, skip=0, most=most)[::-1]


def keyed_tokens(connection: Connection, meter_key: int) -> list[KeyedToken]:
    """Return what customers were to key into a meter, in order, from whatever sale."""
    return repository.keyed_tokens(connection, meter_key)


def _before(page: int) -> int:
    return (page - 1) * PAGE_SIZE


def _receipts_of(
    connection: Connection, consumer: Consumer, orders: list[PaidOrder]
) -> dict[int, TokenReceipt]:
    keys = [order.key for order in orders]
    tokens = repository.tokens_of_orders(connection, consumer, keys)
    bought = [token for token in tokens if token.kind in _BOUGHT]
    # What an order is known by best comes last, and so stays.
    bought.sort(key=lambda token: _BOUGHT.index(token.kind), reverse=True)
    return {token.order.key: token for token in bought if token.order is not None}
