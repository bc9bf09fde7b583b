"""Reads that must not keep anybody waiting: whether the database answers, what it says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_SECONDS: Final = 1.0


class ImpatientRead(Generic[T]):
    """A read that blocks, done by one thread at most, however often it is asked for."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._running: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Return what was read; raises TimeoutError after a second, and what the read raises.

        A read that takes longer goes on, and who asks meanwhile waits for that one.
        """
        running = self._running
        if running is None or running.done():
            running = self._running = asyncio.create_task(asyncio.to_thread(self._read))
            running.add_done_callback(_retrieve)
        done, _ = await asyncio.wait({running}, timeout=PATIENCE_SECONDS)
        if not done:
            raise TimeoutError(f"no answer within {PATIENCE_SECONDS:g} s")
        return running.result()


def _retrieve(task: asyncio.Task[T]) -> None:
    # An error that comes when nobody waits any more is not a fault of the event loop.
    if not task.cancelled():
        task.exception()
