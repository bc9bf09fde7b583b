"""A relay between two sides of a connection that resets it at the worst moments."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import ExitStack, suppress
from enum import Enum
from typing import TYPE_CHECKING, Final, Self

from tests.faults.tills import RESET
from vending_api.cli.serving import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK: Final = 65_536
_WAIT_SECONDS: Final = 0.2
"""How soon a relay notices that it shall end."""
_FIRST_BYTES: Final = 20


class Cut(Enum):
    """When a connection is reset."""

    BEFORE = "before the request"
    """Nothing of what was asked gets through."""
    WITHIN = "within the request"
    """Half of what was asked gets through."""
    UNANSWERED = "before the answer"
    """All gets through, and the answer is there; nothing of it gets back."""
    WITHIN_ANSWER = "within the answer"
    """The first bytes of the answer get back."""


class Relay:
    """Listens on loopback and passes on, as long as `fate` says so, what it is sent.

    `fate` is asked about each piece that comes in, and returns None or how to cut.
    """

    def __init__(
        self, connect: Callable[[], socket.socket], fate: Callable[[bytes], Cut | None]
    ) -> None:
        self._connect: Final = connect
        self._fate: Final = fate
        self._listener: Final = socket.create_server((LOOPBACK, 0))
        self.port: Final[int] = self._listener.getsockname()[1]
        self._is_over: Final = threading.Event()
        self._threads: Final = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._listener.settimeout(_WAIT_SECONDS)
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            with suppress(TimeoutError):
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._carry, args=(near,))
                self._threads.append(thread)
                thread.start()

    def _carry(self, near: socket.socket) -> None:
        with ExitStack() as stack, suppress(ConnectionError, FileNotFoundError):
            stack.enter_context(near)
            _reset_at_end(near)
            far = stack.enter_context(self._connect())
            cut: Cut | None = None
            while not self._is_over.is_set():
                ready, _, _ = select.select([near, far], [], [], _WAIT_SECONDS)
                # An answer that is due comes before what is asked next.
                for side in [one for one in (far, near) if one in ready]:
                    piece = side.recv(_CHUNK)
                    if not piece:
                        return
                    if side is far:
                        _pass_back(near, piece, cut)
                    else:
                        cut = self._fate(piece)
                        _pass_on(far, piece, cut)


def _pass_on(far: socket.socket, piece: bytes, cut: Cut | None) -> None:
    if cut is Cut.BEFORE:
        raise ConnectionResetError
    if cut is Cut.WITHIN:
        far.sendall(piece[: len(piece) // 2])
        _reset_at_end(far)
        raise ConnectionResetError
    far.sendall(piece)


def _pass_back(near: socket.socket, piece: bytes, cut: Cut | None) -> None:
    if cut is Cut.UNANSWERED:
        raise ConnectionResetError
    if cut is Cut.WITHIN_ANSWER:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes(len(RESET)))
        near.sendall(piece[:_FIRST_BYTES])
        raise ConnectionResetError
    near.sendall(piece)


def _reset_at_end(side: socket.socket) -> None:
    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
