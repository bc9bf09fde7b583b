"""The loops that do what waits in the database: steps of orders, messages, readings, checkpoints.

Now and then they tidy, and look for what is out of the ordinary. Any number of workers may run at
once, in any processes: each step is taken under a lease, and every step may be done again without
harm.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from vending_api.online.service import Online

AT_ONCE: Final = 20
"""Steps of one kind that are under way at the same time."""
_PAUSE_SECONDS: Final = 1.0
"""Between two looks at the database when nobody has said that something is due."""
_PAUSE_AFTER_ERROR_SECONDS: Final = 5.0
_BETWEEN_TIDYINGS: Final = timedelta(hours=1)
_ATTEMPTS_KEPT: Final = timedelta(days=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Line:
    """One kind of work: how to take what is due of it, and how to do one of these."""

    name: str
    take: Callable[[int], Awaitable[Sequence[Any]]]
    do: Callable[[Any], Awaitable[None]]
    under_way: set[asyncio.Task[None]] = field(default_factory=set)


class Worker:
    """Does what is due, until it is told to stop."""

    def __init__(self, online: Online) -> None:
        self._online = online
        self._stopping = asyncio.Event()
        self._tidied_at = online.now()
        self._lines = (
            _Line("orders", online.settling.take_due, online.settling.take_step),
            _Line("notifications", online.outbox.take_due, online.outbox.send),
            _Line("readings", online.readings.take_due, online.readings.read),
        )

    async def run(self) -> None:
        """Work until `stop`, then finish the steps that are under way."""
        while not self._stopping.is_set():
            # Cleared before the look, so that what becomes due during it is looked for again.
            self._online.wake.clear()
            pause = _PAUSE_SECONDS
            try:
                for line in self._lines:
                    await self._begin(line)
                await self._tidy()
                await self._online.checkpoints.make_if_due()
                self._online.watching.look_if_due()
            except Exception as error:  # noqa: BLE001 (the loop must outlive any fault)
                _log.warning("nothing_taken", error=type(error).__name__)
                pause = _PAUSE_AFTER_ERROR_SECONDS
            await self._rest(pause)
        await asyncio.gather(*(task for line in self._lines for task in line.under_way))
        await self._online.watching.stop()

    def stop(self) -> None:
        """Take no more steps; `run` returns when those under way have ended."""
        self._stopping.set()

    async def step(self) -> int:
        """Do once what is due now, and return how many steps that were.

        Raises what keeps it from taking them; what goes wrong in a step is logged.
        """
        steps = 0
        for line in self._lines:
            taken = await line.take(AT_ONCE)
            await asyncio.gather(*(self._do(line, one) for one in taken))
            steps += len(taken)
        return steps

    async def _begin(self, line: _Line) -> None:
        """Begin as many steps as are due and have a place."""
        places = AT_ONCE - len(line.under_way)
        while places > 0 and (taken := await line.take(places)):
            for one in taken:
                task = asyncio.create_task(self._do(line, one))
                line.under_way.add(task)
                task.add_done_callback(line.under_way.discard)
            places = AT_ONCE - len(line.under_way)

    async def _rest(self, seconds: float) -> None:
        """Wait until something may have become due, or a place for it is free again."""
        told = [
            asyncio.ensure_future(event.wait()) for event in (self._online.wake, self._stopping)
        ]
        full = {
            task
            for line in self._lines
            if len(line.under_way) >= AT_ONCE
            for task in line.under_way
        }
        await asyncio.wait({*told, *full}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in told:
            one.cancel()

    async def _do(self, line: _Line, one: Any) -> None:
        try:
            await line.do(one)
        except Exception as error:  # noqa: BLE001 (it is due again after its lease)
            # Its kind alone: what it is about may be personal, or a token.
            _log.warning("step_failed", work=line.name, error=type(error).__name__)

    async def _tidy(self) -> None:
        """Delete now and then what nobody needs any more."""
        now = self._online.now()
        if now - self._tidied_at < _BETWEEN_TIDYINGS:
            return
        self._tidied_at = now
        await self._online.accounts.forget_old_attempts(now - _ATTEMPTS_KEPT)
