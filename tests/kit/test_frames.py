"""What goes between our processes: messages arrive whole, and errors with their facts."""

from __future__ import annotations

import pickle

from vending_api.kit.errors import MessageIdUsed
from vending_api.kit.frames import Frames, frame


def test_messages_arrive_whole_however_they_are_cut() -> None:
    octets = frame({"a": [1, 2]}) + frame("b" * 300)
    for size in (1, 3, 7, len(octets)):
        frames = Frames()
        pieces = [octets[start : start + size] for start in range(0, len(octets), size)]
        assert [one for piece in pieces for one in frames.feed(piece)] == [{"a": [1, 2]}, "b" * 300]


def test_an_error_keeps_its_facts_on_the_way() -> None:
    error = pickle.loads(pickle.dumps(MessageIdUsed("17")))  # noqa: S301 (our own)
    assert isinstance(error, MessageIdUsed)
    assert (error.message_id, error.code, str(error)) == (
        "17",
        "message_id_used",
        str(MessageIdUsed("17")),
    )
