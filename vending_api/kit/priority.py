"""Lets a process give way to all others."""

from __future__ import annotations

import os
import sys
from typing import Final

_LOWEST: Final = 19


def give_way() -> None:
    """Have the processor when nobody else of its session wants it, and let it go at once.

    Among sessions Linux may share it out evenly, whatever their processes are worth (sched(7),
    autogroup): what gives way must not begin a session of its own.
    """
    os.nice(_LOWEST)
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
