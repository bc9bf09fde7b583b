"""`vending serve`: the service, as in production or with demo data."""

from __future__ import annotations

import os
import socket
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from uvicorn.supervisors import Multiprocess

from vending_api import migrations
from vending_api.kit.db import WRITES, open_database
from vending_api.main import CRESTFLOW_PATH, ELECTRUM_PATH, create_app
from vending_api.sandbox.demo_data import DEMO_PASSWORD, DEMO_USER, ensure_demo_data
from vending_api.sandbox.estate import ensure_demo_estate
from vending_api.settings import PREFIX, Settings, load_settings
from vending_api.teller import keep_what_is_loaded, start_teller

LOOPBACK = "127.0.0.1"


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
) -> None:
    """Serve the point-of-sale interface until Ctrl-C or SIGTERM.

    Needs VENDING_KEYS_FILE and a database that `vending database upgrade` has
    prepared. With --demo it needs nothing: user `test`, password `test`.
    """
    _override(demo=demo, host=LOOPBACK if demo else host, port=port, workers=workers)
    settings = load_settings()
    if settings.demo:
        prepare_demo_database(settings)
    # For several workers, too, which start their own: what is wrong stops the start here, once.
    teller = start_teller()
    app = create_app(settings, teller=teller)
    if settings.workers > 1:
        teller.stop()
    listener = listen(settings.host, settings.port)
    announce(settings, listener)
    if settings.workers == 1:
        keep_what_is_loaded()
        uvicorn.Server(server_config(app)).run(sockets=[listener])
        return
    config = server_config("vending_api.main:create_app_from_environment", settings.workers)
    Multiprocess(config, [listener]).run()


def prepare_demo_database(settings: Settings) -> None:
    """Give a database the schema and the demo's register; raises DemoRefused."""
    engine = open_database(settings.database_url.get_secret_value(), connections=1)
    migrations.upgrade(engine)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        ensure_demo_data(connection)
        ensure_demo_estate(connection)
    engine.dispose()


def server_config(app: object, workers: int = 1) -> uvicorn.Config:
    """Return how the HTTP server runs the app; our own log lines say what happens."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an application, or the name of its factory
        factory=isinstance(app, str),
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing asks who is behind a proxy
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises OSError with a line that says what to do."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = f"{host}:{port} cannot be listened on ({error.strerror})"
        raise OSError(f"{reason}; choose another with --port") from None
    listener.set_inheritable(True)
    return listener


def announce(settings: Settings, listener: socket.socket) -> None:
    """Say where the service listens."""
    host, port = listener.getsockname()[:2]
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    base = f"http://{host}:{port}{ELECTRUM_PATH}"
    console.print(f"Points of sale: {base}   documentation: {base}/docs")
    consumers = f"http://{host}:{port}{CRESTFLOW_PATH}"
    console.print(f"Consumers: {consumers}   documentation: {consumers}/docs")
    if settings.demo:
        console.print(f"Demo: user {DEMO_USER}, password {DEMO_PASSWORD}, meters TST001 to TST011")


def _override(**options: object) -> None:
    """Let what the command line says count more than the environment, in workers too."""
    for name, value in options.items():
        if value is not None and value is not False:
            os.environ[PREFIX + name.upper()] = str(value)
