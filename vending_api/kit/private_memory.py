"""Keeps what a process has in its memory out of files, and from other programs of its user."""

from __future__ import annotations

import sys

from vending_api.kit.prctl import hide_memory

if sys.platform != "win32":
    import resource


def keep_memory_private() -> None:
    """Have no core dump of this process written, whatever ends it.

    On Linux nobody but root may debug it or read its memory and environment either: a limit alone
    does not hold where the kernel hands dumps to a program. Programs that it starts begin anew.
    """
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hide_memory()
