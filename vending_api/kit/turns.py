"""Work of one's own in one transaction, whose rows are written together at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from vending_api.kit.db import WRITES
from vending_api.kit.group import GROUP, Group

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

_T = TypeVar("_T")


def in_one_group(engine: Engine, act: Callable[[Connection], _T]) -> _T:
    """Do something in a transaction of its own and return what it returned, stored by then.

    Raises what it raises, RunCarefully where something of it cannot be stored, and the errors of
    the database: then nothing is stored, unless it was the commit that went unanswered.
    """
    group = Group()
    options = {WRITES: True, GROUP: group}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        outcome = act(connection)
        group.flush(connection)
        return outcome
