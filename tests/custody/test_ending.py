"""A module that is to end answers what it was asked, and ends, whatever happens at that moment."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sts.security_module import InProcessSecurityModule, IssuedToken, IssueRequest
from sts.tokens.codec import TokenCodec
from tests.custody.conftest import HERE, server_at
from tests.custody.test_elsewhere import METER, credit
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.counters import Counters
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sts.errors import StsError


class _Slow(InProcessSecurityModule):
    """A module that makes nothing before it may."""

    def __init__(self) -> None:
        super().__init__(example_keys(), TokenCodec())
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def issue(self, requests: Sequence[IssueRequest]) -> list[IssuedToken | StsError]:
        self.is_asked.set()
        self.may_answer.wait()
        return super().issue(requests)


def test_a_module_that_is_to_end_answers_first_what_it_was_asked(
    path: Path, tmp_path: Path
) -> None:
    slow, file = _Slow(), tmp_path / "counters.json"
    server = server_at(path, module=slow, file=file)
    serves, ends = (threading.Thread(target=act) for act in (server.serve, server.stop))
    serves.start()
    with closing(SecurityModuleElsewhere(path)) as elsewhere:
        answer = elsewhere.begin_issue([IssueRequest(METER, credit())])
        slow.is_asked.wait()
        ends.start()
        serves.join(0.3)
        assert serves.is_alive(), "its process would end here, and the answer with it"
        server.stop()  # who is told twice has heard it once
        slow.may_answer.set()
        assert answer() == HERE.issue([IssueRequest(METER, credit())])
        serves.join()
    assert json.loads(file.read_text())["123457/1"]["tokens"] == 1


def test_a_module_told_to_end_while_it_begins_to_answer_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_at(path)
    ends = threading.Thread(target=server.stop)

    class _Interrupted(threading.Thread):
        def start(self) -> None:
            ends.start()
            ends.join(0.3)  # all that it can do now
            super().start()

    serves = threading.Thread(target=server.serve, daemon=True)
    serves.start()
    monkeypatch.setattr(threading, "Thread", _Interrupted)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        serves.join(10)
    assert not serves.is_alive()
    ends.join()


def test_a_module_that_fails_to_end_in_order_ends_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close(_: Counters) -> None:
        raise RuntimeError("whatever it is")

    monkeypatch.setattr(Counters, "close", close)
    server = server_at(path)
    serves = threading.Thread(target=server.serve, daemon=True)
    serves.start()
    with pytest.raises(RuntimeError):
        server.stop()
    serves.join(10)
    assert not serves.is_alive()


def test_who_comes_when_a_module_has_ended_is_not_answered(path: Path) -> None:
    server = server_at(path)
    server.stop()
    late, other = socket.socketpair()
    with other:
        server._begin_to_answer(late)
        assert late.fileno() == -1
        assert other.recv(1) == b""
