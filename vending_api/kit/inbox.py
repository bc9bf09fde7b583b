"""Where a lane takes what was asked for over a connection, by itself.

A thread that only receives would have the lane wait for the interpreter at every message.
"""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from vending_api.kit.frames import OCTETS_AT_ONCE, Frames
from vending_api.kit.lanes import taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from vending_api.kit.lanes import Command


class Inbox:
    """What was asked for over a connection and is not taken yet."""

    def __init__(
        self,
        connection: socket.socket,
        commands: Callable[[list[tuple[int, Any]]], list[Command]],
    ) -> None:
        """`commands` makes them of a message."""
        self._connection = connection
        self._commands = commands
        self._frames = Frames()
        self._waiting: deque[Command] = deque()
        self._is_closed = False

    def take_group(self, most: int) -> list[Command]:
        """Return what waits, so many at most; an empty list once the connection is closed."""
        while len(self._waiting) < most and self._hear():
            pass
        return taken(self._waiting, most)

    def _hear(self) -> bool:
        """Take in what has arrived, and wait for it if nothing waits; tell whether it was any."""
        if self._is_closed:
            return False
        try:
            octets = self._connection.recv(
                OCTETS_AT_ONCE, socket.MSG_DONTWAIT if self._waiting else 0
            )
        except BlockingIOError:
            return False
        except ConnectionError:
            octets = b""
        for asked in self._frames.feed(octets):
            self._waiting += self._commands(asked)
        self._is_closed = not octets
        return not self._is_closed
