"""Starts a security module beside a service, and starts it again should it end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

_RESTART_SECONDS: Final = 0.2
_SLOWEST_RESTART_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class ModuleNotStarted(Exception):
    """The security module could not begin; the text says why."""

    def __init__(self, kind: str, text: str) -> None:
        """Take the name of the error that the module ended with, and its text."""
        super().__init__(text)
        self.kind = kind


class ModuleProcess:
    """A security module that runs as long as this process, on a socket for this user alone."""

    def __init__(self, python: str, passphrase: str = "", *, may_ask: bool = False) -> None:
        """Start a process that runs this Python, and do not wait for it.

        It is given the path of its socket as its argument, and the passphrase, if any, as the first
        line of its standard input, which ends when it is to end. `may_ask` says that it may ask
        at the terminal now; one that is started again, in the middle of something, may not.
        """
        self._python: Final = python
        self._passphrase: Final = passphrase
        self._folder = tempfile.TemporaryDirectory(prefix="vending-")  # only we may enter it
        self.path: Final = Path(self._folder.name, "module")
        self._is_ending = threading.Event()
        self._watch: threading.Thread | None = None
        self._process = self._started(*(["ask"] if may_ask else []))

    def wait_until_begun(self) -> None:
        """Wait until it can be asked; raises ModuleNotStarted, and then it has ended."""
        if self._watch is None:
            self._wait_for(self._process)
            self._watch = threading.Thread(target=self._keep_alive, daemon=True)
            self._watch.start()

    def stop(self) -> None:
        """Let it finish what it is asked, and wait for its end."""
        self._is_ending.set()
        self._end_input()
        if self._watch is not None:
            self._watch.join()
        self._process.wait()
        self._folder.cleanup()

    def _started(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-c", self._python, str(self.path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None  # noqa: S101 (it is a pipe)
        with suppress(OSError):  # it has ended; what it said is read later
            process.stdin.write(f"{self._passphrase}\n")
            process.stdin.flush()
        return process

    def _wait_for(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        with process.stdout as said:
            answer = said.readline().strip()
        if answer != "ready":
            self._end_input()
            process.wait()
            kind, _, text = answer.partition(": ")
            raise ModuleNotStarted(kind, text or "the security module ended before it had begun")

    def _keep_alive(self) -> None:
        pause = _RESTART_SECONDS
        while True:
            if self._is_ending.is_set():  # while it was started again
                self._end_input()
            self._process.wait()
            if self._is_ending.is_set():
                return
            _log.error("security_module_lost")
            self._end_input()
            while not self._is_ending.wait(pause):
                try:
                    self._process = self._started()
                    self._wait_for(self._process)
                except (ModuleNotStarted, OSError) as error:
                    _log.error("security_module_not_started", reason=str(error))
                    pause = min(pause * 2, _SLOWEST_RESTART_SECONDS)
                    continue
                _log.info("security_module_started_again")
                pause = _RESTART_SECONDS
                break
            else:
                return

    def _end_input(self) -> None:
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
