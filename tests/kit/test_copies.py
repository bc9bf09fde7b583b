"""Copies of this process do what they are told and nothing that this one was about to do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vending_api.kit.far_process import FarProcess, StartFailed, own_end
from vending_api.kit.frames import frame
from vending_api.kit.prctl import name_this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc"),
]

_LOADED = ["here"]


@pytest.fixture
def copy() -> Iterator[Callable[[Callable[[], None]], FarProcess]]:
    """Give what starts a copy; they all end with the test."""
    copies: list[FarProcess] = []

    def start(run: Callable[[], None]) -> FarProcess:
        copies.append(FarProcess.of_copy(run))
        return copies[-1]

    yield start
    for one in copies:
        one.stop()


def _greet_and_wait() -> None:
    open_files = {int(link.name) for link in Path("/proc/self/fd").iterdir()}
    name_this_process("vending-test")
    with own_end() as connection:
        facts = (os.getpid(), os.getpgid(0), open_files, connection.fileno(), _LOADED)
        connection.sendall(frame(facts))
        assert connection.recv(1) == b""


def test_a_copy_has_what_is_loaded_and_none_of_the_files(
    copy: Callable[[Callable[[], None]], FarProcess],
) -> None:
    process = copy(_greet_and_wait)
    pid, group, open_files, socket, loaded = process.greeting
    assert pid != os.getpid()
    assert group == pid  # Ctrl-C does not reach it
    assert loaded == _LOADED
    looking = {max(open_files - {socket})}  # /proc/self/fd itself
    assert open_files - looking == {0, 1, 2, socket}
    assert Path(f"/proc/{pid}/comm").read_text() == "vending-test\n"
    process.stop()
    assert process._process.wait() == 0
    assert not Path(f"/proc/{pid}").exists()


def test_a_copy_that_fails_says_why_and_does_not_go_on_here(
    copy: Callable[[Callable[[], None]], FarProcess], capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise LookupError("no such meter")

    process = copy(fail)
    with pytest.raises(StartFailed, match="ended before it had begun"):
        process.wait_until_begun()
    assert process._process.wait() == 1
    assert "LookupError: no such meter" in capfd.readouterr().err


def test_a_copy_that_hangs_is_ended(copy: Callable[[Callable[[], None]], FarProcess]) -> None:
    process = copy(lambda: time.sleep(60))
    process.stop()
    assert process._process.wait() == -signal.SIGKILL
