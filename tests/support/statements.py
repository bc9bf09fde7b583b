"""Which statements a piece of work sends to its database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sqlalchemy import event

from vending_api.kit import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


@contextmanager
def recorded(engine: Engine) -> Iterator[list[str]]:
    """Give the list of all statements of this process until the end of the block.

    Without savepoints; in whichever way they are sent.
    """
    sent: list[str] = []
    on_driver = statements._on_driver

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    def noted(run: Callable[..., Any], errors: Any, sql: str, given: Any = ()) -> Any:
        if "SAVEPOINT" not in sql:
            sent.append(sql)
        return on_driver(run, errors, sql, given)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(statements, "_on_driver", noted):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def first_words(engine: Engine) -> Iterator[list[str]]:
    """Give the first word of each statement, in a list that is filled at the end of the block."""
    words: list[str] = []
    with recorded(engine) as sent:
        yield words
    words += [statement.split(" ", maxsplit=1)[0] for statement in sent]
