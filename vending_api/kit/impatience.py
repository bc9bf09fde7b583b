"""When who says nothing is given up: a network, PostgreSQL, and a process of our own.

The limit of a statement is kept by the server, and one that hangs keeps none.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import make_url

PATIENCE_SECONDS: Final = 15.0
"""For what one statement, or the commit, comes to. The server's own limits end sooner."""
_LINK: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 5,
    "tcp_user_timeout": 15_000,
}
"""In the words of libpq: seconds, the last in milliseconds.

Without them a host that lost its power, or a network that loses all, is waited for by the hour.
"""
_TRANSACTION_TIMEOUT_MS: Final = 30_000
_FIRST_WITH_TRANSACTION_TIMEOUT: Final = 170_000


def link_of(url: str) -> dict[str, int]:
    """Return how a server that falls silent is noticed, but for what its address says itself."""
    said = make_url(url).query
    return {name: value for name, value in _LINK.items() if name not in said}


def connect_impatiently(dialect: Any, _record: object, given: Any, named: Any) -> Any:
    """Open a connection that is lost when the server says nothing; listens to engines."""
    return _kind_of(dialect.loaded_dbapi).connect(*given, **named)


def end_long_transactions(connection: Any, _record: object) -> None:
    """Have the server end what we have begun and left, should we be gone; listens to engines."""
    # Before 17 a server only ends those that wait between statements, and in the midst of what was
    # sent ahead (`sent_ahead`) they do not count as waiting.
    has_limit = connection.info.server_version >= _FIRST_WITH_TRANSACTION_TIMEOUT
    limit = "transaction_timeout" if has_limit else "idle_in_transaction_session_timeout"
    connection.execute(f"SET {limit} = {_TRANSACTION_TIMEOUT_MS}")
    connection.commit()


@cache
def _kind_of(driver: Any) -> Any:
    class Impatient(driver.Connection):  # type: ignore[misc]  # the driver is loaded where it is used
        def wait(self, steps: Any, *how: Any, **more: Any) -> Any:
            try:
                return super().wait(steps, *how, **{"timeout": PATIENCE_SECONDS, **more})
            except driver.OperationalError as error:
                if error.sqlstate is None:  # not the server's, so who knows what it is at
                    self.close()
                raise

    return Impatient
