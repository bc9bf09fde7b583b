"""A lane takes what has arrived over a connection, and waits where nothing has."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from vending_api.kit.frames import frame
from vending_api.kit.inbox import Inbox
from vending_api.kit.lanes import Command

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Inbox]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, Inbox(far, lambda asked: [Command(act=print, ticket=one) for one, _ in asked])


def _tickets(group: list[Command]) -> list[int]:
    return [command.ticket for command in group]


def test_a_lane_takes_all_that_has_arrived_and_no_more_than_a_group(
    ends: tuple[socket.socket, Inbox],
) -> None:
    near, inbox = ends
    for number in range(5):
        near.sendall(frame([(number, None), (number + 10, None)]))
    assert _tickets(inbox.take_group(64)) == [0, 10, 1, 11, 2, 12, 3, 13, 4, 14]
    near.sendall(frame([(number, None) for number in range(5)]))
    assert _tickets(inbox.take_group(3)) == [0, 1, 2]
    near.close()
    assert _tickets(inbox.take_group(3)) == [3, 4]
    assert inbox.take_group(3) == []
    assert inbox.take_group(3) == []


def test_a_lane_waits_for_the_whole_of_a_message_and_for_nothing_beyond(
    ends: tuple[socket.socket, Inbox],
) -> None:
    near, inbox = ends
    octets = frame([(1, None)])
    near.sendall(octets + octets[:7])
    assert _tickets(inbox.take_group(64)) == [1]
    sending = threading.Timer(0.2, near.sendall, [octets[7:]])
    sending.start()
    assert _tickets(inbox.take_group(64)) == [1]
    sending.join()


def test_what_stays_unread_on_both_ends_is_no_fault(ends: tuple[socket.socket, Inbox]) -> None:
    near, inbox = ends
    near.sendall(frame([(1, None)]))
    inbox._connection.sendall(b"an answer that nobody reads")
    near.close()  # so that the other end hears of a reset connection
    assert _tickets(inbox.take_group(64)) == [1]
    assert inbox.take_group(64) == []
