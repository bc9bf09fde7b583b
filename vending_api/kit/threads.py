"""A few threads for what takes long and blocks, and a bound on how much of it waits."""

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


class BoundedThreads:
    """Runs functions in threads, so many at a time, and refuses what would wait too long."""

    def __init__(self, *, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads)
        self._most = threads + max_waiting
        self._under_way = 0
        self._lock = Lock()

    async def run(self, act: Callable[[], T]) -> T:
        """Run a function in a thread, and return what it returns or raise what it raises.

        Raises Overloaded, at once, where as many wait as may. Whoever stops waiting takes a
        function with it that has not begun; one that has begun runs to its end.
        """
        with self._lock:
            if self._under_way >= self._most:
                raise Overloaded
            future = self._pool.submit(copy_context().run, act)
            self._under_way += 1
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """Wait for what runs; what waits is cancelled, and what comes later is an error."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self, _: Future[T]) -> None:
        with self._lock:
            self._under_way -= 1
