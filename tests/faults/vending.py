"""`vending serve --demo` in processes of its own, which tests kill and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final, Self

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types

from tests.faults.disks import family
from tests.support.http import get
from tests.support.processes import COMMAND, WEB, environment, free_port, name_of
from vending_api.cli.serving import LOOPBACK
from vending_api.main import ELECTRUM_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMAND_LINE: Final = (*COMMAND, "serve", "--demo")
LAUNCH: Final = (sys.executable, "-m", "tests.faults.launch")

_START_LIMIT_SECONDS: Final = 120
"""Many times what it takes, for a machine that has much else to do."""
_POLL_SECONDS: Final = 0.02
_SHOWN: Final = 2_000


class VendingService:
    """The service as it runs in production: a process, or one with workers below it."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        *,
        workers: int = 1,
        faults: Mapping[str, str] | None = None,
    ) -> None:
        """`folder` gets its log. With `faults` in its environment, `launch` starts it."""
        self.port: Final = free_port()
        self.address: Final = self.at(ELECTRUM_PATH)
        self._log_file: Final = folder / f"service-{self.port}.log"
        self._workers: Final = workers
        self._command: Final = COMMAND_LINE if faults is None else LAUNCH
        self._environment: Final = environment(
            VENDING_DATABASE_URL=database_url,
            VENDING_DEMO="1",
            VENDING_DEMO_TIMEOUT_SECONDS="0.1",
            VENDING_PORT=str(self.port),
            VENDING_WORKERS=str(workers),
            **(faults or {}),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log_file.read_text(errors="replace")

    @property
    def processes(self) -> list[int]:
        """Its processes, as they are now; none while it does not run."""
        return [] if self._process is None else family(self._process.pid)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """Return as soon as a request is answered; fail the test when none is in time."""
        limit = time.monotonic() + _START_LIMIT_SECONDS
        while not self._answers():
            assert self._process is not None
            assert self._process.poll() is None, f"the service ended:\n{self._end_of_log()}"
            assert time.monotonic() < limit, f"the service does not answer:\n{self._end_of_log()}"
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End all its processes at once with SIGKILL, as a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def kill_a_worker(self, number: int) -> None:
        """End one worker with SIGKILL; the others go on, and a new one takes its place."""
        assert self._process is not None
        workers = self._running_workers()
        assert len(workers) == self._workers, workers
        workers[number % len(workers)].kill()

    def wait_for_all_workers(self) -> None:
        """Return when the worker that was killed has its successor."""
        assert self._process is not None
        limit = time.monotonic() + _START_LIMIT_SECONDS
        while not self._has_all_workers():
            assert time.monotonic() < limit, f"a worker is missing:\n{self._end_of_log()}"
            time.sleep(_POLL_SECONDS)
        self.wait_until_it_answers()

    def at(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://{LOOPBACK}:{self.port}{path}"

    def suspend(self) -> None:
        """Have all its processes do nothing, as if its host had stopped without a word."""
        for process in self.processes:
            os.kill(process, signal.SIGSTOP)

    def resume(self) -> None:
        """Have them go on."""
        for process in self.processes:
            os.kill(process, signal.SIGCONT)

    def wait_for_line(self, part: str) -> None:
        """Return when a part of a line stands in its log."""
        limit = time.monotonic() + _START_LIMIT_SECONDS
        while part not in self.log:
            assert time.monotonic() < limit, f"no {part}:\n{self._end_of_log()}"
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it in good order, if it runs."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_START_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _has_all_workers(self) -> bool:
        return len(self._running_workers()) == self._workers

    def _running_workers(self) -> list[psutil.Process]:
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        return [child for child in children if name_of(child) == WEB]

    def _answers(self) -> bool:
        try:
            get(f"{self.address}/openapi.json", seconds=5)
        except httpx2.TransportError:
            return False
        return True

    def _end_of_log(self) -> str:
        return self.log[-_SHOWN:]
