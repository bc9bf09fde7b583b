"""`vending serve`: the service, as in production or with demo data."""

from __future__ import annotations

import gc
import os
from importlib import import_module
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import Annotated, Final

import typer

from vending_api.beside import security_module_at_hand
from vending_api.kit.private_memory import keep_memory_private
from vending_api.settings import PREFIX, load_settings

_LOOPBACK: Final = "127.0.0.1"


def serve(
    *,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo", help="Fill an empty database with demo meters; loopback only, example keys."
        ),
    ] = False,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. [default: VENDING_HOST or 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on. [default: VENDING_PORT or 8080]")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that sell; PostgreSQL only. [default: VENDING_WORKERS or 1]"),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Speak TLS with this certificate (PEM, with those above it). "
            "[default: VENDING_TLS_CERT]",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its private key (PEM). [default: VENDING_TLS_KEY]"),
    ] = None,
) -> None:
    """Serve the point-of-sale interface until Ctrl-C or SIGTERM.

    Needs VENDING_KEYS_FILE, sealed by `sts keys seal`, and a database that `vending database
    upgrade` has prepared. What opens the keys is read from VENDING_KEYS_PASSPHRASE_FILE or
    VENDING_KEYS_PASSPHRASE; without them it is asked for here, of custodians one after the
    other. With --demo it needs nothing: user `test`, password `test`.

    Speaks plain HTTP, for a proxy of this machine that ends TLS, unless it is given a certificate.
    """
    keep_memory_private()
    listening = {"host": _LOOPBACK if demo else host, "port": port, "workers": workers}
    _override(demo=demo, tls_cert=tls_cert, tls_key=tls_key, **listening)
    settings = load_settings()
    if settings.tls_cert is not None and settings.tls_key is not None:
        tls = import_module("vending_api.cli.tls")
        tls.require_sound_pair(settings.tls_cert, settings.tls_key)
    with security_module_at_hand(settings) as wait_for_security_module:
        # The module begins while this process loads what it serves with.
        gc.disable()  # until all is loaded
        serving = import_module("vending_api.cli.serving")
        serving.run(settings, wait_for_security_module)


def _override(**options: object) -> None:
    """Let what the command line says count more than the environment, in workers too."""
    for name, value in options.items():
        if value is not None and value is not False:
            os.environ[PREFIX + name.upper()] = str(value)
