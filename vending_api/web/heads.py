"""Heads that are too long: uvicorn's parser would keep a request line or header without end."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_OCTETS: Final = 65_536
"""Ten times what browsers send; addresses hold two ids at most."""

_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedHeads(HttpToolsProtocol):
    """HTTP as uvicorn speaks it, with an end to request line and headers.

    The piece in which a head begins does not count: most heads have no other, and the piece may
    hold the end of what came before.
    """

    _is_in_head = False
    _begins_here = False
    _head_octets = 0

    def data_received(self, data: bytes) -> None:
        """Take a piece of what is sent."""
        self._begins_here = False
        super().data_received(data)
        if self._is_in_head and not self._begins_here:
            self._head_octets += len(data)
            if self._head_octets > MAX_HEAD_OCTETS and not self.transport.is_closing():
                self.transport.write(_TOO_LONG)
                self.transport.close()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._is_in_head = self._begins_here = True
        self._head_octets = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that a head is over."""
        self._is_in_head = False
        super().on_headers_complete()
