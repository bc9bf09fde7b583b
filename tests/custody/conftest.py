"""A security module behind a real socket, in a thread of the test."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from vending_api.custody.client import SecurityModuleElsewhere
from vending_api.custody.counters import Counters, Limits
from vending_api.custody.server import Server
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sts.security_module import SecurityModule

HERE = InProcessSecurityModule(example_keys(), TokenCodec())
"""What the module elsewhere must equal."""


def server_at(
    path: Path,
    *,
    limits: Limits | None = None,
    file: Path | None = None,
    module: SecurityModule = HERE,
) -> Server:
    """Return a server of a module, bound to a path and not serving yet."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    counters = Counters(limits or Limits(), file)
    return Server(module, counters, lambda: date(2024, 7, 10), listener)


@contextmanager
def serving(path: Path, **options: Any) -> Iterator[None]:
    """Serve for the block, as `server_at` is told to."""
    server = server_at(path, **options)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join()
        path.unlink()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "module"


@pytest.fixture
def elsewhere(path: Path) -> Iterator[SecurityModuleElsewhere]:
    with serving(path), closing(SecurityModuleElsewhere(path)) as module:
        yield module
