"""A process of ours at the other end of a socket pair, which says when it has begun."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from vending_api.kit.copies import Copy
from vending_api.kit.frames import frame, received

if TYPE_CHECKING:
    from collections.abc import Callable

_START_LIMIT_SECONDS: Final = 60.0
_SOCKET: Final = "VENDING_LANES_SOCKET"
"""Tells the process the number of its socket."""


class StartFailed(Exception):
    """The process could not begin; the text says why."""


class _Process(Protocol):
    def kill(self) -> None: ...
    def wait(self) -> int: ...


class FarProcess:
    """A process that begins while its starter goes on with something else."""

    def __init__(self, process: _Process, connection: socket.socket) -> None:
        """Take a process that was started, and our end of the connection to it."""
        self._process = process
        self.connection = connection
        self._greeting: Any = None

    @classmethod
    def of_program(cls, python: str) -> FarProcess:
        """Start a process that runs this Python, and do not wait for it."""
        near, far = socket.socketpair()
        with far:
            process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-c", python],
                pass_fds=[far.fileno()],
                env=os.environ | {_SOCKET: str(far.fileno())},
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for the web's process, which ends this one
            )
        return cls(process, near)

    @classmethod
    def of_copy(cls, run: Callable[[], None]) -> FarProcess:
        """Start a copy of this process that does this, with all that is loaded here.

        For a process that has not begun its work: see `Copy`.
        """
        near, far = socket.socketpair()

        def begin() -> None:
            os.environ[_SOCKET] = str(far.detach())
            run()

        with far:
            process = Copy(begin, keeps=far.fileno())
        return cls(process, near)

    @property
    def greeting(self) -> Any:
        """What the process said first; raises as `wait_until_begun`."""
        self.wait_until_begun()
        return self._greeting

    def wait_until_begun(self, seconds: float = _START_LIMIT_SECONDS) -> None:
        """Wait for the greeting of the process, so long at most.

        Raises StartFailed, or the exception that the process sent as its greeting; then it ends.
        """
        if self._greeting is not None:
            return
        near = self.connection
        near.settimeout(seconds)
        try:
            said = next(received(near), None)
        except OSError:
            said = None
        if said is None:
            said = StartFailed("the process that sells ended before it had begun")
        if isinstance(said, Exception):
            self.stop()
            raise said
        near.settimeout(None)
        self._greeting = said

    def kill(self) -> None:
        """End it, whatever it is at; `stop` is still to be called."""
        self._process.kill()

    def stop(self) -> None:
        """Let it finish what it has begun, and wait for its end."""
        if self._greeting is None:
            self._process.kill()
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self._process.wait()


def own_end() -> socket.socket:
    """Return this process's end of the connection to the one that started it."""
    return socket.socket(fileno=int(os.environ[_SOCKET]))


def refuse_to_begin(reason: Exception) -> None:
    """Tell the process that started this one why it cannot begin."""
    with own_end() as connection:
        connection.sendall(frame(reason))
