"""The `vending` command in processes of its own, as a console script runs it."""

from __future__ import annotations

import os
import sys
from typing import Final

from vending_api.cli.serve import LOOPBACK, listen
from vending_api.settings import PREFIX

COMMAND: Final = (sys.executable, "-c", "from vending_api.cli import main; main()")
"""On whatever interpreter runs the tests."""


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without any installation's settings, with `changes`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return clean | {"PYTHONPATH": os.pathsep.join(sys.path)} | changes


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with listen(LOOPBACK, 0) as chooser:
        port: int = chooser.getsockname()[1]
    return port
