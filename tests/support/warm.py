"""The `vending` command in processes that begin with its modules loaded, which saves each a second.

They are processes of their own, made by the fork server of `multiprocessing`. A test of how the
command begins, or of who its parent is, runs `tests.support.processes.COMMAND` instead.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from tests.support.processes import environment, take_on
from vending_api.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SECONDS: Final = 60

PROCESSES: Final = multiprocessing.get_context("forkserver")
"""Makes processes; the server is the same for all tests that run in one process."""
PROCESSES.set_forkserver_preload(
    [
        "tests.kit.far_process",
        "tests.online.victim",
        "tests.support.warm",
        "vending_api.cli.command",
        "vending_api.cli.endings",
        "vending_api.cli.serving",
        "vending_api.looking",
        "vending_api.main",
        "vending_api.security_module",
        "vending_api.teller",
        "vending_api.worker",
    ]
)


class _Passed:
    """An open file that goes over to the process; there it has a number of its own."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getstate__(self) -> Any:
        return DupFd(self.number)

    def __setstate__(self, passed: Any) -> None:
        self.number = passed.detach()


class WarmVending:
    """A `vending` command that has begun, with the methods of `subprocess.Popen` that tests use."""

    def __init__(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], files: Sequence[int]
    ) -> None:
        """Begin it in a folder, with an environment, and its three standard files."""
        passed = [_Passed(file) for file in files]
        given = (list(arguments), str(cwd), dict(env), passed)
        self._process = PROCESSES.Process(target=_be, args=given)
        self._process.start()
        pid = self._process.pid
        assert pid is not None
        self.pid: int = pid

    def poll(self) -> int | None:
        """Return its exit code, the negative number of the signal that killed it, or None."""
        return self._process.exitcode

    def wait(self, timeout: float = _SECONDS) -> int:
        """Return its exit code once it has ended; raises TimeoutExpired, and kills it."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise subprocess.TimeoutExpired("vending", timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def begin_vending(folder: Path, *arguments: str, errors: Path, **settings: str) -> WarmVending:
    """Begin a command in a folder; what it writes to standard error is added to a file."""
    with Path(os.devnull).open("r+b") as nothing, errors.open("ab") as log:
        files = [nothing.fileno(), nothing.fileno(), log.fileno()]
        return WarmVending(arguments, cwd=folder, env=environment(**settings), files=files)


def run_vending(
    folder: Path, *arguments: str, said: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end; what is said to it stands on its standard input."""
    with (
        tempfile.TemporaryFile("w+") as read,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as errors,
    ):
        read.write(said)
        read.seek(0)
        files = [one.fileno() for one in (read, out, errors)]
        process = WarmVending(arguments, cwd=folder, env=environment(**settings), files=files)
        code = process.wait()
        return subprocess.CompletedProcess(
            ["vending", *arguments], code, _written(out), _written(errors)
        )


def _written(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _be(arguments: list[str], folder: str, env: dict[str, str], files: Sequence[_Passed]) -> None:
    """Be the process: as a console script, in the given surroundings."""
    for number, file in enumerate(files):
        os.dup2(file.number, number)
        os.close(file.number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 (it stays open)
    take_on(env)
    os.chdir(folder)
    sys.argv = ["vending", *arguments]
    main()
