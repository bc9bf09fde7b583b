"""The least that can be sold: a number, which is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Integer, MetaData, Table, insert, select

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

NUMBERS: Final = Table("numbers", MetaData(), Column("number", Integer, primary_key=True))


def add(number: int) -> Callable[[Connection], int]:
    """Return what stores a number, and returns it."""

    def act(connection: Connection) -> int:
        connection.execute(insert(NUMBERS).values(number=number))
        return number

    return act


def stored(engine: Engine) -> list[int]:
    """Return all numbers, in order."""
    with engine.connect() as connection:
        return sorted(connection.execute(select(NUMBERS.c.number)).scalars())
