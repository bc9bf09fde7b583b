"""A few threads for what takes long and blocks, and a bound on how much of it waits how long."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

from vending_api.kit.errors import Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

T = TypeVar("T")

MAX_WAITING: Final = 256
MOST_SECONDS_WAITING: Final = 10.0
"""For a thread. Those that hang with a database may take twice as long for each that waits."""


class BoundedThreads:
    """Runs functions in threads, so many at a time, and refuses what would wait too long."""

    def __init__(self, *, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._most = threads + max_waiting
        self._under_way = 0
        self._lock = Lock()

    async def run(self, act: Callable[[], T]) -> T:
        """Run a function in a thread, and return what it returns or raise what it raises.

        Raises Overloaded, at once, where as many wait as may, and where the function was not begun
        within `MOST_SECONDS_WAITING`. Whoever stops waiting takes a function with it that has not
        begun; one that has begun runs to its end.
        """
        with self._lock:
            if self._under_way >= self._most:
                raise Overloaded
            future = self._pool.submit(copy_context().run, act)
            self._under_way += 1
        future.add_done_callback(self._leave)
        outcome = asyncio.wrap_future(future)
        try:
            await asyncio.wait((outcome,), timeout=MOST_SECONDS_WAITING)
            if future.cancel():
                raise Overloaded
            return await outcome
        finally:
            future.cancel()

    def stop(self) -> None:
        """Wait for what runs; what waits is refused, and what comes later is an error."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._under_way -= 1
