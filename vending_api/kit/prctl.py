"""What Linux is told about this process, with prctl(2); other systems are told nothing."""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Final

_SET_PDEATHSIG: Final = 1  # these numbers: linux/prctl.h
_SET_DUMPABLE: Final = 4
_SET_NAME: Final = 15


def name_this_process(name: str) -> None:
    """Have `ps` and `top` call this process that, in at most 15 characters."""
    _tell(_SET_NAME, name.encode())


def end_with_the_starter() -> None:
    """Have this process told to end, in good order, when the one ends that started it."""
    _tell(_SET_PDEATHSIG, signal.SIGTERM)


def hide_memory() -> None:
    """Have nobody but root read the memory of this process, or its environment."""
    _tell(_SET_DUMPABLE, 0)


def _tell(option: int, value: int | bytes) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
