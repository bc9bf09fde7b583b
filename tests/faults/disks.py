"""Disks that are full when a test wants it: a small one of its own, or a limit on files."""

from __future__ import annotations

import contextlib
import errno
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import psutil  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_BLOCK: Final = bytes(2**20)


class Disk(Protocol):
    """What a test may do to a disk."""

    def fill(self, free_bytes: int) -> None:
        """Leave room for no more than this."""

    def clear(self) -> None:
        """Make room again."""


class SmallDisk:
    """A file system in memory, filled by a file of nothing."""

    def __init__(self, folder: Path) -> None:
        self._ballast: Final = folder / "ballast"

    def fill(self, free_bytes: int) -> None:
        """Leave room for no more than this."""
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(_BLOCK)
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 (any other is no full disk)
            ballast.truncate(max(0, ballast.tell() - free_bytes))

    def clear(self) -> None:
        """Make room again."""
        self._ballast.unlink()


class LimitedFiles:
    """A limit on the size of files that processes write; what they have is let stand."""

    def __init__(self, processes: Callable[[], Sequence[int]]) -> None:
        self._processes: Final = processes

    def fill(self, free_bytes: int) -> None:
        """Let no file grow beyond this size."""
        self._limit(free_bytes)

    def clear(self) -> None:
        """Let files grow again."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def small_file_system(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small file system on a folder, and tell whether this process may."""
    options = f"size={megabytes}m,mode=0755"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],  # noqa: S607 (of any system)
        check=False,
        capture_output=True,
    )
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 (likewise)


def family(process: int) -> list[int]:
    """Return a process and all below it, as they are now."""
    try:
        parent = psutil.Process(process)
        return [process, *(child.pid for child in parent.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []
