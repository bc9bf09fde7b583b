"""HTTP as octets on a socket, for what no client library sends."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

_SECONDS: Final = 20


def told(address: str, *sent: bytes) -> bytes:
    """Send octets, and return all that is answered until the connection ends."""
    where = urlsplit(address)
    assert where.hostname is not None
    with socket.create_connection((where.hostname, where.port or 0), _SECONDS) as connection:
        answered = b""
        try:
            for octets in sent:
                connection.sendall(octets)
            while octets := connection.recv(65_536):
                answered += octets
        except ConnectionError:  # it ended while something was on its way
            pass
        return answered


def head(method: str, path: str, *headers: str) -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def status_of(answered: bytes) -> int:
    """Return the status of an answer."""
    return int(answered.split(b" ", 2)[1])


def body_of(answered: bytes) -> bytes:
    """Return the body of an answer that nothing follows."""
    return answered.partition(b"\r\n\r\n")[2]
