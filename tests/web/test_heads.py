"""A head without end is not kept."""

from __future__ import annotations

import pytest

from tests.web.raw import head, status_of, told
from vending_api.web.heads import MAX_HEAD_OCTETS

ENDLESS = 20 * MAX_HEAD_OCTETS
"""More than the limit and all that the kernel hands over in one piece."""


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /" + b"x" * ENDLESS,
        b"GET / HTTP/1.1\r\nX-Filler: " + b"x" * ENDLESS,
        b"GET / HTTP/1.1\r\n" + b"X-Filler: x\r\n" * (ENDLESS // 10),
    ],
    ids=["address", "header", "headers"],
)
def test_a_head_without_end_ends_its_connection(address: str, begun: bytes) -> None:
    # Who is still sending when the connection ends may miss the answer; an open one times out.
    assert told(address, begun)[:13] in {b"", b"HTTP/1.1 431 "}


def test_so_does_the_head_of_a_second_request(address: str) -> None:
    second = b"GET /" + b"x" * ENDLESS
    assert told(address, head("GET", "/healthz"), second).count(b"HTTP/1.1 200 OK") < 2


def test_a_head_that_ends_in_time_is_served_and_so_is_what_follows(address: str) -> None:
    long = head("GET", "/healthz", "X-Filler: " + "x" * (MAX_HEAD_OCTETS - 100))
    assert len(long) < MAX_HEAD_OCTETS
    answered = told(address, long, long, head("GET", "/healthz", "Connection: close"))
    assert answered.count(b"HTTP/1.1 200 OK") == 3


def test_bodies_do_not_count_as_heads(address: str) -> None:
    size = MAX_HEAD_OCTETS * 2
    webhook = head("POST", "/paystack/webhook", f"Content-Length: {size}", "Connection: close")
    assert status_of(told(address, webhook, b"x" * size)) == 401
