"""When garbage is looked for: not while modules are loaded, and never in what stays for good."""

from __future__ import annotations

import gc
from typing import Final

LOADING: Final = "import gc; gc.disable(); "
"""What the program of a process of ours begins with; `keep_what_is_loaded` ends it.

Nothing that is being loaded is garbage, and to look for some takes a fifth of the time of a start.
"""


def share_what_is_loaded() -> None:
    """Have what is loaded left alone, so that copies of this process share the memory for it."""
    gc.freeze()


def keep_what_is_loaded() -> None:
    """Spare the garbage collector what a process keeps to its end, and let it look at the rest.

    Walking through a hundred thousand objects of modules again and again would take a sixth of
    the time of every sale.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
