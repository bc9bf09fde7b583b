"""Lanes in a process of their own, so that the web and the sales each have a core.

The web's process sends what is asked of it, some at a time, and gets told what each came to.
Whoever dies takes nothing with it: when the process of the lanes ends, what it had not answered
has an unknown outcome, as after any lost connection, and another is started; when the web's
process ends, the lanes finish what they have begun and end, too. And nobody waits for ever: what
is not answered in time has an unknown outcome, and a process that has long answered nothing, as
its database hangs, is ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import structlog

from vending_api.kit.committer import MAX_WAITING
from vending_api.kit.errors import DomainError, OutcomeUnknown, Overloaded, StorageUnavailable
from vending_api.kit.far_process import own_end
from vending_api.kit.frames import Frames, frame, received
from vending_api.kit.inbox import Inbox
from vending_api.kit.lanes import Command, Lanes, lanes_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from vending_api.kit.far_process import FarProcess

_RESTART_SECONDS: Final = 0.2
"""Before each try to start another process."""
_SLOWEST_RESTART_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.5
"""Between two looks at what is unanswered. Looks are counted, and no clock is read, so that a
machine that slept finds nobody late."""
_PATIENT_LOOKS: Final = 60
"""After so many, half a minute, what is unanswered has an unknown outcome; it may still be done."""
_SILENT_LOOKS: Final = 120
"""After so many without any answer, though some are due, the process is taken for lost."""

_log = structlog.get_logger(__name__)


class FarCommitter:
    """Has commands run by a process of lanes, a bounded number at once."""

    def __init__(
        self,
        process: FarProcess,
        start: Callable[[], FarProcess],
        *,
        max_waiting: int = MAX_WAITING,
        on_group: Callable[[int], None] | None = None,
    ) -> None:
        """`start` makes another process when the first has ended.

        `on_group` is told how many commands were answered together.
        """
        self._process = process
        self._start = start
        self._on_group = on_group
        self._max_waiting = max_waiting
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._to_send: list[tuple[int, Any]] = []
        self._newest = 0
        self._transport: asyncio.WriteTransport | None = None
        self._is_stopping = False
        self._drained = asyncio.Event()
        self._restart: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._asked_at_looks = deque([0] * _PATIENT_LOOKS, maxlen=_PATIENT_LOOKS)
        self._silent_looks = 0

    @property
    def waiting(self) -> int:
        """How many commands are accepted and not yet done."""
        return len(self._answers)

    @property
    def is_open(self) -> bool:
        """Whether commands are taken now."""
        return self._transport is not None

    async def start(self) -> None:
        """Begin to talk to the process; call it once, from the running event loop."""
        self._loop = asyncio.get_running_loop()
        await self._connect()
        self._watch = self._loop.create_task(self._keep_watch())

    async def stop(self) -> None:
        """Finish every command that was accepted, then end the process."""
        self._is_stopping = True
        if self._restart is not None:
            self._restart.cancel()
        while self._answers and self._transport is not None:
            self._drained.clear()
            await self._drained.wait()
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.close()
        await asyncio.to_thread(self._process.stop)

    async def run(self, asked: Any) -> Any:
        """Return what the process answers to what it is asked, once that is durable.

        Raises what the command raised; Overloaded when too many wait, StorageUnavailable when
        nothing was done, OutcomeUnknown when the process ended before it answered or has not
        answered in time.
        """
        if len(self._answers) >= self._max_waiting:
            raise Overloaded
        if self._transport is None:
            raise StorageUnavailable
        self._newest += 1
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._answers[self._newest] = answer
        if not self._to_send:
            self._loop.call_soon(self._send)
        self._to_send.append((self._newest, asked))
        return await answer

    def _send(self) -> None:
        to_send, self._to_send = self._to_send, []
        if self._transport is not None:
            self._transport.write(frame(to_send))

    def told(self, told: list[tuple[int, Any]]) -> None:
        """Hear what commands came to."""
        self._silent_looks = 0
        if self._on_group is not None:
            self._on_group(len(told))
        for number, outcome in told:
            _settle(self._answers.pop(number), outcome)
        if not self._answers:
            self._drained.set()

    def lost(self) -> None:
        """Hear that the process has ended, or closed its end."""
        self._transport = None
        unanswered, self._answers = self._answers, {}
        for answer in unanswered.values():
            _settle(answer, OutcomeUnknown())
        self._drained.set()
        if not self._is_stopping:
            _log.error("lanes_lost", unanswered=len(unanswered))
            self._restart = self._loop.create_task(self._start_another())

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        """See who has waited too long, and whether the process says anything at all."""
        self._give_up(self._asked_at_looks[0])
        self._asked_at_looks.append(self._newest)
        self._silent_looks = self._silent_looks + 1 if self._answers else 0
        if self._silent_looks > _SILENT_LOOKS:
            _log.error("lanes_silent", unanswered=len(self._answers))
            self._process.kill()

    def _give_up(self, newest: int) -> None:
        """Tell who asked up to this number that nobody knows; what they asked keeps its place."""
        asked = takewhile(lambda one: one[0] <= newest, self._answers.items())
        late = [answer for _, answer in asked if not answer.done()]
        for answer in late:
            answer.set_exception(OutcomeUnknown())
        if late:
            _log.warning("unanswered_in_time", commands=len(late))

    async def _start_another(self) -> None:
        pause = _RESTART_SECONDS
        await asyncio.to_thread(self._process.stop)
        while True:
            await asyncio.sleep(pause)
            try:
                process = await asyncio.to_thread(self._start)
                await asyncio.to_thread(process.wait_until_begun)
                self._process = process
            except Exception as error:  # noqa: BLE001 (whatever it is, the next try may go well)
                _log.error("lanes_not_started", reason=str(error))
                pause = min(pause * 2, _SLOWEST_RESTART_SECONDS)
                continue
            await self._connect()
            _log.info("lanes_started_again")
            return

    async def _connect(self) -> None:
        connection = self._process.connection
        connection.setblocking(False)  # noqa: FBT003 (its only parameter)
        transport, _ = await self._loop.create_unix_connection(lambda: _Ear(self), sock=connection)
        self._transport = transport


class _Ear(asyncio.Protocol):
    """Hears what the process says."""

    def __init__(self, committer: FarCommitter) -> None:
        self._committer = committer
        self._frames = Frames()

    def data_received(self, data: bytes) -> None:
        for told in self._frames.feed(data):
            self._committer.told(told)

    def connection_lost(self, _reason: Exception | None) -> None:
        self._committer.lost()


def serve_lanes(
    engine: Engine,
    fields_of: Callable[[Any], dict[str, Any]],
    *,
    greeting: Any,
    monotonic_seconds: Callable[[], float],
    foresee: Callable[[Connection, Sequence[Any]], None] | None = None,
) -> None:
    """Be the process of the lanes: do what is asked until the other process closes its end.

    `fields_of` makes of what was asked all of a `Command` but its ticket; the clock is as in
    `Lanes`.
    """
    with own_end() as connection:
        speaking = threading.Lock()

        def release(tickets: list[Any], outcomes: list[Any]) -> None:
            answers = [_sound(outcome) for outcome in outcomes]
            octets = frame(list(zip(tickets, answers, strict=True)))
            with speaking, suppress(OSError):  # whoever asked may be gone
                connection.sendall(octets)

        def commands(asked: list[tuple[int, Any]]) -> list[Command]:
            return [Command(ticket=number, **fields_of(one)) for number, one in asked]

        lanes = Lanes(engine, release=release, monotonic_seconds=monotonic_seconds, foresee=foresee)
        with suppress(ConnectionError):  # whoever started this may be gone
            connection.sendall(frame(greeting))
        if lanes_for(engine.dialect.name) == 1:
            lanes.serve_here(Inbox(connection, commands).take_group)
            return
        lanes.start()
        with suppress(ConnectionError):  # likewise
            for asked in received(connection):
                lanes.put(commands(asked))
        lanes.stop()


def _sound(outcome: Any) -> Any:
    """Return an outcome that can be sent: of what nobody expected, no more than its kind."""
    if not isinstance(outcome, BaseException) or isinstance(outcome, DomainError):
        return outcome
    _log.error("command_failed", exc_info=outcome)
    return RuntimeError(f"{type(outcome).__name__} in the process of the lanes; its log says more")


def _settle(answer: asyncio.Future[Any], outcome: Any) -> None:
    if answer.done():  # whoever asked has gone away, or was told; its place was kept until now
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
