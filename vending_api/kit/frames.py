"""Messages between processes of ours over a socket pair: pickled, each with its length before it.

Both ends are this program, and the pair has no name, so nobody else can say anything on it.
"""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

_LENGTH: Final = struct.Struct(">I")
OCTETS_AT_ONCE: Final = 1 << 18


def frame(message: object) -> bytes:
    """Return a message as it is sent."""
    octets = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(octets)) + octets


class Frames:
    """Puts together what arrives in pieces."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> Iterator[Any]:
        """Yield the messages that are complete with these octets."""
        self._octets += octets
        while len(self._octets) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._octets)[0]
            if len(self._octets) < end:
                return
            message = bytes(memoryview(self._octets)[_LENGTH.size : end])
            del self._octets[:end]
            yield pickle.loads(message)  # noqa: S301 (see the module's text)


def received(connection: socket.socket) -> Iterator[Any]:
    """Yield messages as they arrive, until the other end closes the connection."""
    frames = Frames()
    while octets := connection.recv(OCTETS_AT_ONCE):
        yield from frames.feed(octets)
