"""Who looks through a day: a process of its own, which gives way to all that sells.

A look reads every sale of a day, which takes seconds on a small site and minutes on a big one. It
gets the processor when nobody else wants it, and whoever started it may end it at any moment.
PostgreSQL knows nothing of that and works for it as for any other: there it rests after each
statement, which are short, and sees one state of the database all the same.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from select import select
from time import perf_counter
from typing import TYPE_CHECKING, Final

import structlog

from vending_api.database import database_of
from vending_api.domain.watching.service import alerts
from vending_api.kit.db import give_way_in_the_server, one_view
from vending_api.kit.far_process import FarProcess, StartFailed, own_end
from vending_api.kit.frames import frame, received
from vending_api.kit.logging import configure_logging
from vending_api.kit.prctl import end_with_the_starter, name_this_process
from vending_api.kit.private_memory import keep_memory_private
from vending_api.kit.rests import rest_between_statements
from vending_api.settings import load_settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from datetime import datetime

    from vending_api.domain.watching.types import Alert

_PROGRAM: Final = (
    "from vending_api.kit.priority import give_way; give_way(); "
    "from vending_api.looking import main; main()"
)
"""To load what it needs takes a second or two of a processor, so it gives way before that."""
_LIMIT_SECONDS: Final = 3_600.0
_RESTS: Final = 3
"""So many times as long as PostgreSQL takes: a look has a quarter of a processor of it at most."""

_log = structlog.get_logger(__name__)


class _Unheard(Exception):
    """Whoever asked has gone."""


async def look_elsewhere(since: datetime, now: datetime) -> list[Alert]:
    """Return what is out of the ordinary, as another process sees it; see `watching.alerts`.

    Raises StartFailed where that one cannot look. If the caller is cancelled, it ends at once.
    """
    process = FarProcess.of_program(_PROGRAM)  # here, so that no cancelling can lose it
    try:
        process.connection.sendall(frame((since, now)))
        await asyncio.to_thread(process.wait_until_begun, _LIMIT_SECONDS)
        found: list[Alert] = process.greeting
        return found
    finally:
        await asyncio.to_thread(process.stop)


def main() -> None:
    """Be the process that looks, once, as the environment configures it."""
    name_this_process("vending-watch")
    end_with_the_starter()
    keep_memory_private()
    configure_logging()
    with own_end() as connection:
        since, now = next(received(connection))
        answer: list[Alert] | StartFailed
        try:
            answer = _found(since, now, partial(_rest, connection))
        except _Unheard:
            return
        except Exception as error:  # noqa: BLE001 (whatever it is, who asked goes on)
            _log.warning("look_failed", error=type(error).__name__)
            answer = StartFailed(type(error).__name__)
        with suppress(ConnectionError):  # whoever asked may be gone
            connection.sendall(frame(answer))


def _found(since: datetime, now: datetime, rest: Callable[[float], None]) -> list[Alert]:
    engine = database_of(load_settings(), connections=1)
    try:
        with engine.connect() as connection:
            # SQLite works in this process, which gives way by itself.
            times = _RESTS if connection.dialect.name == "postgresql" else 0
            rest_between_statements(connection, times, clock=perf_counter, rest=rest)
            give_way_in_the_server(one_view(connection))
            return alerts(connection, now, since=since)
    finally:
        engine.dispose()


def _rest(asker: socket.socket, seconds: float) -> None:
    """Wait so long; raises _Unheard as soon as the asker, who has said all, closes its end."""
    is_gone, _, _ = select([asker], [], [], seconds)
    if is_gone:
        raise _Unheard
