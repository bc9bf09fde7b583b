"""Where a route hands its command over and awaits the outcome: the lanes of this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from vending_api.kit.errors import Overloaded
from vending_api.kit.lanes import Command, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

MAX_WAITING: Final = 1024


class Committer:
    """Runs commands in grouped transactions, a bounded number at once."""

    is_open = True

    def __init__(
        self,
        engine: Engine,
        fields_of: Callable[[Any], dict[str, Any]],
        *,
        monotonic_seconds: Callable[[], float],
        max_waiting: int = MAX_WAITING,
        on_group: Callable[[int], None] | None = None,
        foresee: Callable[[Connection, Sequence[Any]], None] | None = None,
    ) -> None:
        """`fields_of` makes of what is asked all of a `Command` but its ticket.

        `on_group` is told the size of each group; the clock and `foresee` are as in `Lanes`.
        """
        self._fields_of = fields_of
        self._on_group = on_group
        self._max_waiting = max_waiting
        self._unanswered = 0
        self._lanes = Lanes(
            engine, release=self._release, monotonic_seconds=monotonic_seconds, foresee=foresee
        )

    async def start(self) -> None:
        """Start the lanes; call it once, from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._lanes.start()

    @property
    def waiting(self) -> int:
        """How many commands are accepted and not yet answered."""
        return self._unanswered

    async def stop(self) -> None:
        """Finish every command that was accepted, then end the lanes."""
        await asyncio.to_thread(self._lanes.stop)

    async def run(self, asked: Any) -> Any:
        """Return what the command answers, once the transaction it ran in is durable.

        An error that it raises undoes its own work alone and is raised here.

        Raises Overloaded when too many commands wait, StorageUnavailable when
        nothing was done, OutcomeUnknown when the commit itself went unanswered.
        """
        if self._unanswered >= self._max_waiting:
            raise Overloaded
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._unanswered += 1
        self._lanes.put([Command(ticket=answer, **self._fields_of(asked))])
        # A caller that goes away must not free its place: its command still runs.
        answer.add_done_callback(_retrieve)
        return await asyncio.shield(answer)

    def _release(self, answers: list[asyncio.Future[Any]], outcomes: list[Any]) -> None:
        if self._on_group is not None:
            self._on_group(len(answers))
        self._loop.call_soon_threadsafe(self._answer, answers, outcomes)

    def _answer(self, answers: list[asyncio.Future[Any]], outcomes: list[Any]) -> None:
        self._unanswered -= len(answers)
        for answer, outcome in zip(answers, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)


def _retrieve(answer: asyncio.Future[Any]) -> None:
    # An outcome that nobody waits for any more is not a fault of the event loop.
    if not answer.cancelled():
        answer.exception()
