"""What a process has in its memory stays there."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.processes import environment

if TYPE_CHECKING:
    from pathlib import Path

_PRIVATE: Final = """
from vending_api.kit.private_memory import keep_memory_private
keep_memory_private()
"""
_HARD: Final = -1 if os.geteuid() == 0 else resource.getrlimit(resource.RLIMIT_CORE)[1]
"""What this user may have at most; 0 where dumps are off altogether."""
_ALLOWED: Final = f"resource.setrlimit(resource.RLIMIT_CORE, ({_HARD}, {_HARD}))"
_TOLD: Final = "print(any(resource.getrlimit(resource.RLIMIT_CORE)))"
_BECOME_NOBODY: Final = """
import ctypes, os, pwd
from vending_api.kit import private_memory  # while its folder may be entered
nobody = pwd.getpwnam("nobody")
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
"""
_OPEN: Final = "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)"
"""Which a program is that has just been started, and not one that has changed its user."""
_WAITING: Final = "print('up', flush=True); input()"
_READING: Final = """
for name in ("environ", "mem"):
    try:
        with open(f"/proc/{pid}/{name}", "rb"):
            print("open")
    except OSError:
        print("shut")
"""


def test_a_process_that_crashes_leaves_no_file(tmp_path: Path) -> None:
    done = _run("import resource", _ALLOWED, _PRIVATE, "import os; os.abort()", cwd=tmp_path)
    assert done.returncode == -signal.SIGABRT
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("program", "is_allowed"), [("", True), (_PRIVATE, False)])
def test_no_core_dump_is_allowed(program: str, *, is_allowed: bool) -> None:
    done = _run("import resource", _ALLOWED, program, _TOLD)
    assert done.stdout == f"{is_allowed}\n" or not _HARD


@pytest.mark.skipif(sys.platform != "linux", reason="processes as Linux shows them")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize(("program", "found"), [(_OPEN, "open"), (_PRIVATE, "shut")])
def test_another_program_of_the_user_reads_neither_memory_nor_environment(
    program: str, found: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", f"{_BECOME_NOBODY}\n{program}\n{_WAITING}"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        done = _run(_BECOME_NOBODY, f"pid = {process.pid}", _READING)
        process.communicate("\n")
    assert done.stdout.split() == [found, found], done.stderr


def _run(*program: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
