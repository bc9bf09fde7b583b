"""Connections to PostgreSQL that do not wait for ever, for who asks for nothing that takes long.

The server's own limits are kept by the server, and one that hangs keeps none.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

PATIENCE_SECONDS: Final = 15.0
"""For what one statement, or the commit, comes to. The server's own limits end sooner."""


def connect_impatiently(dialect: Any, _record: object, given: Any, named: Any) -> Any:
    """Open a connection that is lost when the server says nothing; listens to engines."""
    return _kind_of(dialect.loaded_dbapi).connect(*given, **named)


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
