"""`vending serve --demo`, but with a clock that a file sets and with limits that tests need.

The service gets its clock where it is put together; the command gives it the machine's. So this is
the command once more, with another clock. The environment says the rest:

    FAULTS_CLOCK                  the file of a `Clock`
    FAULTS_STATEMENT_TIMEOUT_MS   after how long PostgreSQL gives a statement up; 10,000 as shipped
    FAULTS_BUSY_TIMEOUT_MS        after how long SQLite no longer waits for its lock; likewise
    FAULTS_SILENCE_MS             after how long who says nothing is given up; 10,000 to 60,000
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import uvicorn

from tests.faults.clock import Clock
from tests.support.processes import WEB
from vending_api import main
from vending_api.beside import security_module_at_hand
from vending_api.cli.serving import listen, prepare_demo_database, run_workers, server_config
from vending_api.kit import db, far_lanes, impatience, threads
from vending_api.kit.far_process import FarProcess
from vending_api.kit.prctl import name_this_process
from vending_api.settings import Settings, load_settings
from vending_api.teller import main as run_teller

if TYPE_CHECKING:
    from vending_api.web.doors import Doors


def create_app() -> Doors:
    """Return the service of the environment; each worker process calls it."""
    name_this_process(WEB)
    _take_on_limits()
    main.start_teller = _start_teller  # type: ignore[attr-defined]  # for those that replace it
    clock = os.environ.get("FAULTS_CLOCK")
    return main.create_app(
        load_settings(),
        now=main.utc_now if clock is None else Clock(clock).now,
        teller=FarProcess.of_copy(teller),
    )


def teller() -> None:
    """Be the process of a teller, with the patience that the environment says."""
    _take_on_limits()
    run_teller()


def _take_on_limits() -> None:
    if (statement := os.environ.get("FAULTS_STATEMENT_TIMEOUT_MS")) is not None:
        db._STATEMENT_TIMEOUT_MS = int(statement)  # type: ignore[misc]  # tests need it shorter
    if (busy := os.environ.get("FAULTS_BUSY_TIMEOUT_MS")) is not None:
        db._BUSY_TIMEOUT_MS = int(busy)  # type: ignore[misc]  # likewise
    if (silence := os.environ.get("FAULTS_SILENCE_MS")) is not None:
        impatience._LINK.update({"connect_timeout": 2, "tcp_user_timeout": int(silence)})
        impatience._TRANSACTION_TIMEOUT_MS = int(silence)  # type: ignore[misc]  # likewise
        seconds = int(silence) / 1_000
        impatience.PATIENCE_SECONDS = seconds  # type: ignore[misc]  # likewise
        threads.MOST_SECONDS_WAITING = seconds  # type: ignore[misc]  # likewise
        looks = round(seconds / far_lanes._LOOK_SECONDS)
        far_lanes._PATIENT_LOOKS = 2 * looks  # type: ignore[misc]  # likewise
        far_lanes._SILENT_LOOKS = 4 * looks  # type: ignore[misc]  # likewise


def _start_teller() -> FarProcess:
    return FarProcess.of_program("from tests.faults.launch import teller; teller()")


def serve() -> None:
    """Serve as `vending serve --demo` does."""
    settings = load_settings()
    prepare_demo_database(settings)
    with security_module_at_hand(settings) as wait:
        wait()
        _serve(settings)


def _serve(settings: Settings) -> None:
    listener = listen(settings.host, settings.port)
    if settings.workers == 1:
        uvicorn.Server(server_config(create_app())).run(sockets=[listener])
        return
    config = server_config("tests.faults.launch:create_app", settings.workers)
    run_workers(config, listener)


if __name__ == "__main__":
    serve()
