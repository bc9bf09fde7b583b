"""The service in this process: its database, its socket, its HTTP server."""

from __future__ import annotations

import multiprocessing
import socket
from importlib import import_module
from typing import TYPE_CHECKING, Any

import uvicorn
from rich.console import Console
from uvicorn import _subprocess
from uvicorn.supervisors import Multiprocess

from vending_api import migrations
from vending_api.cli.approved_keys import require_approved_keys
from vending_api.kit.db import WRITES, open_database
from vending_api.kit.garbage import keep_what_is_loaded, share_what_is_loaded
from vending_api.main import (
    CRESTFLOW_PATH,
    ELECTRUM_PATH,
    copied_teller,
    create_app,
    require_ready,
)
from vending_api.sandbox.demo_data import DEMO_PASSWORD, DEMO_USER, ensure_demo_data
from vending_api.sandbox.estate import ensure_demo_estate
from vending_api.web.heads import LimitedHeads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vending_api.settings import Networks, Settings

LOOPBACK = "127.0.0.1"
_FACTORY = "vending_api.main:create_app_from_environment"


def run(settings: Settings, wait_for_security_module: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM, with a security module that may still be beginning."""
    share_what_is_loaded()
    teller = copied_teller()
    try:
        if settings.demo:
            prepare_demo_database(settings)
        wait_for_security_module()
        require_approved_keys(settings)
        if settings.workers == 1:
            _serve(settings, create_app(settings, teller=teller))
            return
        # Each worker starts its own: here what is wrong stops the start, once.
        require_ready(settings, teller)
    finally:
        teller.stop()
    _serve(settings, _FACTORY)


def _serve(settings: Settings, app: object) -> None:
    """Serve an application, or what the factory of that name makes in each worker."""
    listener = listen(settings.host, settings.port)
    announce(settings, listener)
    keep_what_is_loaded()
    config = server_config(
        app,
        settings.workers,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
        trusted_proxies=settings.trusted_proxies,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run(sockets=[listener])
    else:
        run_workers(config, listener)


def run_workers(config: uvicorn.Config, listener: socket.socket) -> None:
    """Serve with several processes, and start another for one that ends."""
    # Copies of this process have loaded all that they need; uvicorn would begin anew.
    _subprocess.spawn = multiprocessing.get_context("fork")  # type: ignore[assignment]  # declared as of the other kind
    Multiprocess(config, [listener]).run()


def prepare_demo_database(settings: Settings) -> None:
    """Give a database the schema and the demo's register; raises DemoRefused."""
    engine = open_database(settings.database_url.get_secret_value(), connections=1)
    migrations.upgrade(engine)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        ensure_demo_data(connection)
        ensure_demo_estate(connection)
    engine.dispose()


def server_config(
    app: object,
    workers: int = 1,
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    trusted_proxies: Networks = (),
) -> uvicorn.Config:
    """Return how the HTTP server runs the app; our own log lines say what happens."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an application, or the name of its factory
        factory=isinstance(app, str),
        workers=workers,
        http=LimitedHeads,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        ssl_context_factory=None if tls_cert is None else _tls_context(),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),  # anybody can write them, so nobody else is believed
        forwarded_allow_ips=[str(one) for one in trusted_proxies],
    )


def _tls_context() -> Any:
    """Return what makes a TLS context; its library is loaded only where TLS is spoken."""
    return import_module("vending_api.cli.tls").tls_context


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
    scheme = "http" if settings.tls_cert is None else "https"
    base = f"{scheme}://{host}:{port}{ELECTRUM_PATH}"
    console.print(f"Points of sale: {base}   documentation: {base}/docs")
    consumers = f"{scheme}://{host}:{port}{CRESTFLOW_PATH}"
    console.print(f"Consumers: {consumers}   documentation: {consumers}/docs")
    if settings.demo:
        console.print(f"Demo: user {DEMO_USER}, password {DEMO_PASSWORD}, meters TST001 to TST011")
