"""Selling as tests do it: each step in a transaction of its own, on the demo's register."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Table, func, select, update

from tests.support.service import demo_token_maker, writing
from vending_api.domain.meters.tables import METER
from vending_api.domain.sales import service
from vending_api.domain.sales.types import Refusal, Sale

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.sales.types import SellCredit
    from vending_api.kit.errors import DomainError

MAKER: Final = demo_token_maker()


def in_transaction(
    engine: Engine,
    act: Callable[[Connection, TokenMaker, SellCredit], Sale | Refusal],
    command: SellCredit,
    maker: TokenMaker = MAKER,
) -> Sale | Refusal:
    with writing(engine) as connection, connection.begin():
        return act(connection, maker, command)


def sell(engine: Engine, command: SellCredit, maker: TokenMaker = MAKER) -> Sale:
    outcome = in_transaction(engine, service.sell, command, maker)
    assert isinstance(outcome, Sale)
    return outcome


def retry(engine: Engine, command: SellCredit) -> Sale:
    outcome = in_transaction(engine, service.retry, command)
    assert isinstance(outcome, Sale)
    return outcome


def refusal(engine: Engine, command: SellCredit, maker: TokenMaker = MAKER) -> DomainError:
    outcome = in_transaction(engine, service.sell, command, maker)
    assert isinstance(outcome, Refusal)
    return outcome.reason


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def change_meter(engine: Engine, **values: object) -> None:
    with writing(engine) as connection, connection.begin():
        connection.execute(update(METER).where(METER.c.external_id == "TST001").values(**values))
