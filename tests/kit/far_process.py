"""A process of lanes that stores numbers, and does whatever else a test asks it for."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from tests.kit.numbers import add
from tests.support.processes import take_on
from vending_api.kit.db import open_database
from vending_api.kit.errors import MessageIdUsed
from vending_api.kit.far_lanes import serve_lanes
from vending_api.kit.far_process import _SOCKET, StartFailed, refuse_to_begin

if TYPE_CHECKING:
    import socket

    from sqlalchemy import Connection

URL = "FAR_DATABASE_URL"
REFUSES = "FAR_REFUSES"
BEGUN = ".begun"
"""Of a path that the process waits for, once it does."""


def be(connection: socket.socket, settings: dict[str, str]) -> None:
    """Be the process, one that was forked."""
    take_on(settings | {_SOCKET: str(connection.detach())})
    main()


def main() -> None:
    """Be the process."""
    if os.environ.get(REFUSES):
        refuse_to_begin(StartFailed("the keys are not to be read"))
        return
    engine = open_database(os.environ[URL], connections=4)
    serve_lanes(engine, _fields_of, greeting=os.getpid(), monotonic_seconds=time.monotonic)
    engine.dispose()


def _fields_of(asked: tuple[str, Any]) -> dict[str, Any]:
    name, value = asked

    def act(connection: Connection) -> Any:
        match name:
            case "add":
                return add(value)(connection)
            case "sleep":
                time.sleep(value)
                return value
            case "hold":
                value.with_suffix(BEGUN).touch()
                while not value.exists():
                    time.sleep(0.005)
                return value
            case "refuse":
                raise MessageIdUsed(value)
            case _:
                raise LookupError(value)

    return {"act": act, "tell": lambda outcome: outcome}
