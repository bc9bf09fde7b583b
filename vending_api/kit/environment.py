"""Takes a secret out of the environment, also out of what `ps` shows of a process."""

from __future__ import annotations

import ctypes
import os
import sys


def taken_from_environment(name: str) -> str:
    """Return a value of the environment, "" if it has none, and leave no trace of it there.

    A process goes on to show what it was started with, and so do its copies, when a name is only
    removed: on Linux its value is overwritten where it stands.
    """
    if sys.platform == "linux":
        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_void_p
        place = getenv(os.fsencode(name))
        if place is not None:
            ctypes.memset(place, 0, len(ctypes.string_at(place)))
    return os.environ.pop(name, "")
