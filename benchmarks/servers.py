"""Starts what is measured in processes of their own, and stops it again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import psutil  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.shop import Shop

ROOT: Final = Path(__file__).resolve().parents[1]
_HOST: Final = "127.0.0.1"
_START_LIMIT_SECONDS: Final = 30
_STOP_LIMIT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.01
_MEBIBYTE: Final = 1 << 20
_VENDING: Final = "from vending_api.cli import main; main()"
BARE_DATABASE: Final = "BARE_DATABASE"
"""Tells `bare.py` its file."""


class ServerFailed(Exception):
    """A server did not do what it should; the text has the end of what it said."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    address: str
    port: int
    ready_seconds: float
    """From the start of its process until it took connections."""
    _process: psutil.Process
    _log: Path

    def largest_worker_mib(self) -> float:
        """Return the resident memory of its largest process; raises ServerFailed."""
        return max(float(one.memory_info().rss) for one in self._family()) / _MEBIBYTE

    def processor_seconds(self) -> float:
        """Return the processor time that all its processes have had; raises ServerFailed."""
        times = [one.cpu_times() for one in self._family()]
        return float(sum(one.user + one.system for one in times))

    def _family(self) -> list[psutil.Process]:
        if self._process.status() == psutil.STATUS_ZOMBIE:
            raise ServerFailed(f"it died: {_end_of(self._log)}")
        return [self._process, *self._process.children(recursive=True)]


@contextmanager
def vending(shop: Shop, folder: Path, *, workers: int = 1) -> Iterator[Server]:
    """Run `vending serve` as in production until the end of the block, then stop it by SIGTERM.

    Raises ServerFailed.
    """
    environment = {
        "VENDING_DATABASE_URL": shop.database_url,
        "VENDING_KEYS_FILE": str(shop.sealed_keys_file),
        "VENDING_KEYS_PASSPHRASE_FILE": str(shop.passphrase_file),
        "VENDING_DATA_KEYS_FILE": str(shop.data_keys_file),
        "VENDING_WORKERS": str(workers),
    }
    port = _free_port()
    command = ("-c", _VENDING, "serve", "--host", _HOST, "--port", str(port))
    with _running(command, environment, folder / "vending.log", port) as server:
        yield server


@contextmanager
def echo(folder: Path) -> Iterator[Server]:
    """Run the echo in one worker until the end of the block; raises ServerFailed."""
    with _application("echo", folder, {}) as server:
        yield server


@contextmanager
def bare(folder: Path) -> Iterator[Server]:
    """Run what only stores purchases, in a new file, as `echo`; raises ServerFailed."""
    with (
        TemporaryDirectory(dir=folder) as place,
        _application("bare", folder, {BARE_DATABASE: f"{place}/bare.db"}) as server,
    ):
        yield server


@contextmanager
def _application(name: str, folder: Path, environment: dict[str, str]) -> Iterator[Server]:
    port = _free_port()
    command = ("-m", "uvicorn", f"benchmarks.{name}:app", "--host", _HOST, "--port", str(port))
    quiet = ("--no-access-log", "--log-level", "warning", "--no-server-header")
    with _running((*command, *quiet), environment, folder / f"{name}.log", port) as server:
        yield server


@contextmanager
def _running(
    command: tuple[str, ...], environment: dict[str, str], log: Path, port: int
) -> Iterator[Server]:
    inherited = {name: one for name, one in os.environ.items() if not name.startswith("VENDING_")}
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own commands)
            [sys.executable, *command],
            cwd=ROOT,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > started + _START_LIMIT_SECONDS:
                raise ServerFailed(_end_of(log))
            time.sleep(_POLL_SECONDS)
        ready = time.monotonic() - started
        address = f"http://{_HOST}:{port}/prepaidutility/v3"
        yield Server(address, port, ready, psutil.Process(process.pid), log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerFailed(f"it had to be killed: {_end_of(log)}") from None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((_HOST, 0))
        port: int = one.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] or "it said nothing"
