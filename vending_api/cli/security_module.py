"""`vending security-module`: the process with the keys, by itself."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from getpass import getpass
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from vending_api.kit.logging import configure_logging
from vending_api.kit.private_memory import keep_memory_private
from vending_api.security_module import server_of
from vending_api.settings import load_settings

if TYPE_CHECKING:
    from vending_api.custody.server import Server

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)


def security_module(
    *,
    path: Annotated[
        Path,
        typer.Option(
            "--socket", metavar="PATH", help="Where services ask it; a Unix socket is made there."
        ),
    ],
    group: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Users of this group may ask it, too; else its own user alone."
        ),
    ] = None,
) -> None:
    """Keep the keys and make tokens for services of this machine, until Ctrl-C or SIGTERM.

    Run it as a user of its own who alone may read VENDING_KEYS_FILE, and tell services its socket
    with VENDING_SECURITY_MODULE: then nobody who breaks into them finds a key, and none of them can
    pass VENDING_MODULE_TOKENS_A_DAY and VENDING_MODULE_UNITS_A_DAY. With VENDING_MODULE_COUNTERS
    what it has made is counted on after a restart.

    Example: `vending security-module --socket /run/vending/module --group vending`
    """
    keep_memory_private()
    configure_logging()
    server = server_of(load_settings(), path, ask=getpass if sys.stdin.isatty() else None)
    if group is not None:
        try:
            shutil.chown(path, group=group)
        except LookupError:
            raise typer.BadParameter("there is no such group", param_hint="--group") from None
        path.chmod(0o660)
    # Held back in all threads and waited for: a handler that is called just before a thread begins
    # to wait for connections would be heard only when the next one comes.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    threading.Thread(target=_end_when_told, args=(server,), daemon=True).start()
    Console(stderr=True).print(f"Making tokens for who asks at {path}. Ctrl-C ends it.")
    server.serve()
    path.unlink(missing_ok=True)


def _end_when_told(server: Server) -> None:
    signal.sigwait(_ENDINGS)
    server.stop()
