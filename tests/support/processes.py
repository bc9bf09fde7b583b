"""The `vending` command in processes of its own, as a console script runs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil  # type: ignore[import-untyped]  # it ships no types

from vending_api.cli.serving import LOOPBACK, listen
from vending_api.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND: Final = (sys.executable, "-c", "from vending_api.cli import main; main()")
"""On whatever interpreter runs the tests."""
WEB: Final = "vending-web"
"""What `ps` calls a worker of `vending serve`."""


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without any installation's settings, with `changes`.

    Unless these name data keys, tokens are stored as they are.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    in_clear = {"VENDING_TOKENS_IN_CLEAR": "yes"}
    return clean | {"PYTHONPATH": os.pathsep.join(sys.path)} | in_clear | changes


def take_on(settings: Mapping[str, str]) -> None:
    """Give this process an environment in place of its own.

    That of a forked one is of the moment at which its fork server began, in the midst of some test.
    """
    os.environ.clear()
    os.environ.update(settings)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with listen(LOOPBACK, 0) as chooser:
        port: int = chooser.getsockname()[1]
    return port


def shown_of(pid: int, name: str) -> bytes:
    """Return what `ps` shows of a process as "cmdline" or "environ"; nothing to who may not see it.

    Processes that keep their memory private show their environment to root alone.
    """
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (PermissionError, FileNotFoundError, ProcessLookupError):  # or it has just ended
        return b""


def is_lasting(command: bytes) -> bool:
    """Tell whether a process of a service, by its command as shown, lasts as long as the service.

    Whoever looks through the day comes and goes.
    """
    return bool(command) and b"vending_api.looking" not in command


def name_of(process: psutil.Process) -> str:
    """Return what `ps` calls a process, "" for one that has just ended."""
    try:
        name: str = process.name()
    except psutil.Error:
        return ""
    return name
