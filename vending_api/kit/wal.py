"""Keeps the write-ahead log of SQLite short without letting a sale wait for it.

What is committed stands in the log, and must some time go to its place in the file: a checkpoint.
SQLite makes one inside the commit that finds the log long, and whoever waits for that commit waits
for thousands of pages. So here a thread does it beside the commits, by a connection of its own. It
never gets to the end of a log that grows meanwhile, and only then the log begins anew; so when it
has nearly, the lane itself does the little that is left, between two groups.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import event

from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_PAUSE_SECONDS: Final = 0.25
"""Between two checkpoints; pages that many sales change go to the file once."""
_LONG_LOG: Final = 8_192
"""Pages after which the log should begin anew: 16 MiB."""

_log = structlog.get_logger(__name__)


class LogKeeper:
    """Makes checkpoints of one file, as long as something is committed."""

    def __init__(self, engine: Engine) -> None:
        """Take over from SQLite for the connections that an engine opens from now on."""
        self._url = engine.url
        self._changed = threading.Event()
        self._is_ending = False
        self._is_nearly_done = False
        """Whether the log is long, and only what was committed since is left of it."""
        self._thread = threading.Thread(target=self._keep, name="log-keeper")
        event.listen(engine, "connect", _leave_it_to_us)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; SQLite itself does what is left when the file is closed."""
        self._is_ending = True
        self._changed.set()
        self._thread.join()

    def committed(self, connection: Connection) -> None:
        """Hear that a transaction of a lane's connection was committed."""
        if self._is_nearly_done:
            self._is_nearly_done = False
            _try_checkpoint(connection.connection.dbapi_connection)
        self._changed.set()

    def _keep(self) -> None:
        engine = open_database(self._url.render_as_string(hide_password=False), connections=1)
        pause = threading.Event()
        while not self._is_ending:
            self._changed.wait()
            self._changed.clear()
            pause.wait(_PAUSE_SECONDS)
            with closing(engine.raw_connection()) as connection:
                length, left = _try_checkpoint(connection.dbapi_connection)
            # Who reads for long keeps most of a log from being copied; a lane would try in vain.
            self._is_nearly_done = length > _LONG_LOG and 2 * left < length
        engine.dispose()


def _leave_it_to_us(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA wal_autocheckpoint=0")


def _try_checkpoint(connection: Any) -> tuple[int, int]:
    """Make a checkpoint, and return how many pages the log has, and how many of them are left.

    What it fails for, such as a full disk, is nothing to a sale that is committed.
    """
    try:
        return _checkpoint(connection)
    except Exception as error:  # noqa: BLE001 (whatever it is, sales go on without)
        _log.warning("no_checkpoint_of_file", error=type(error).__name__)
        return 0, 0


def _checkpoint(connection: Any) -> tuple[int, int]:
    """Copy what can be without waiting for anybody."""
    _, length, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(length), int(length) - int(copied)
