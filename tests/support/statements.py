"""Which statements a piece of work sends to its database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sqlalchemy import event

from vending_api.kit import statements
from vending_api.kit.driver import on_driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


@contextmanager
def recorded(engine: Engine) -> Iterator[list[str]]:
    """Give the list of all statements of this process until the end of the block.

    Without savepoints; in whichever way they are sent.
    """
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        sent.append(statement)

    def noted(run: Callable[..., Any], errors: Any, what: Any, given: Any = ()) -> Any:
        statement = what if isinstance(what, str) else "COPY"
        if "SAVEPOINT" not in statement:
            sent.append(statement)
        return on_driver(run, errors, what, given)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(statements, "on_driver", noted):
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
