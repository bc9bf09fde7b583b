"""What is run on the driver itself, past SQLAlchemy, and raises its errors all the same."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    from sqlalchemy import Connection


def on_driver(run: Callable[..., Any], errors: Any, what: Any, given: Any = ()) -> Any:
    """Run something of the driver; `what` is the statement, or the driver itself."""
    try:
        return run(what, given)
    except errors.Error as error:
        _raise(errors, what if isinstance(what, str) else None, error)


@contextmanager
def sent_ahead(connection: Connection) -> Iterator[None]:
    """Let PostgreSQL carry out what the block sends while the block goes on; SQLite has no need.

    What a statement of the block came to may be raised by a later one, and by the end at last.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    errors: Any = connection.dialect.loaded_dbapi
    driver: Any = connection.connection.dbapi_connection
    try:
        with driver.pipeline():
            yield
    except errors.Error as error:
        _raise(errors, None, error)


def _raise(errors: Any, sql: str | None, error: Exception) -> NoReturn:
    for kind, wrapper in (
        (errors.IntegrityError, IntegrityError),
        (errors.DataError, DataError),
        (errors.OperationalError, OperationalError),
    ):
        if isinstance(error, kind):
            raise wrapper(sql, None, error) from error
    raise InterfaceError(sql, None, error) from error
