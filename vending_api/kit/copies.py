"""A copy of this process: it begins with all that is loaded here, and shares the memory for it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_STANDARD_ERROR: Final = 2
_FAILED: Final = 1


class Copy:
    """A process that was this one a moment ago.

    Only the thread that makes it goes on in it, and what other threads have locked stays locked
    there: a process makes copies before it begins its work.
    """

    def __init__(self, run: Callable[[], None], *, keeps: int) -> None:
        """Start a process that does this and ends.

        Of the files that are open here it has standard output and error, and number `keeps`.
        """
        _write_out()  # or both would write what waits
        pid = os.fork()
        if pid == 0:
            _be(run, keeps)
        self._pid: Final = pid
        self._code: int | None = None

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return its exit code, once it has ended."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code


def _be(run: Callable[[], None], keeps: int) -> NoReturn:
    """Do what a copy is for; never return to what the original was about to do."""
    code = _FAILED
    try:
        os.setpgid(0, 0)  # Ctrl-C is for the original, which ends this one
        _leave_files(keeps)
        run()
        code = 0
    except Exception:  # noqa: BLE001 (there is nobody above)
        os.write(_STANDARD_ERROR, traceback.format_exc().encode())
    finally:
        with suppress(OSError):
            _write_out()
        os._exit(code)


def _write_out() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _leave_files(keeps: int) -> None:
    """Have nothing open of the original: what it closes is to be closed."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.closerange(_STANDARD_ERROR + 1, keeps)
    os.closerange(keeps + 1, os.sysconf("SC_OPEN_MAX"))
