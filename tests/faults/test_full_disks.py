"""A full disk stops sales for as long as it is full, and neither loses nor doubles one.

Logs are on the same disk, as on many machines. Where a test may mount no file system, a limit on
the size of files takes its place.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from tests.faults.disks import Disk, LimitedFiles, SmallDisk, family, small_file_system
from tests.faults.proof import settle
from tests.faults.register import prepare
from tests.faults.rounds import (
    is_thorough,
    rounds,
    wait_a_random_moment,
    wait_for_losses,
    wait_for_sales,
)
from tests.faults.tills import selling
from tests.faults.vending import VendingService
from tests.support.postgres import PostgresServer, ServerDidNotStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.tills import Book

_SQLITE_MEGABYTES: Final = 64
_POSTGRESQL_MEGABYTES: Final = 512
_MOST_LEFT_BYTES: Final = 100_000
_FULL_FOR_MS: Final = 300
_SEGMENTS: Final = 3
_KINDS: Final = ("small disk", pytest.param("limited files", marks=pytest.mark.faults))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder to mount on, which a server that is not root can walk to."""
    with tempfile.TemporaryDirectory(prefix="disk-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.mark.parametrize("kind", _KINDS)
@rounds(1, 20)
def test_a_full_disk_under_sqlite_loses_no_sale(
    rounds: int, kind: str, book: Book, folder: Path
) -> None:
    url = f"sqlite:///{folder}/vending.db"
    with contextlib.ExitStack() as stack:
        is_small = kind == "small disk" and stack.enter_context(
            small_file_system(folder, _SQLITE_MEGABYTES)
        )
        prepare(book, url)
        service = stack.enter_context(VendingService(url, folder))
        disk: Disk = SmallDisk(folder) if is_small else LimitedFiles(lambda: service.processes)
        for number in range(rounds):
            with selling(book, service.address):
                wait_for_sales(book)
                disk.fill(book.chance.randrange(_MOST_LEFT_BYTES))
                wait_for_losses(book)
                wait_a_random_moment(book, _FULL_FOR_MS)
                if number % 2:
                    service.kill()
                    book.counts["kills of the service"] += 1
                disk.clear()
                if number % 2:
                    service.start()
                wait_for_sales(book)
            book.counts["full disks"] += 1
            settle(book, url, service.address, is_thorough=is_thorough(number, rounds))


@pytest.mark.faults
@rounds(1, 20)
def test_a_full_disk_under_postgresql_loses_no_sale(
    rounds: int, book: Book, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with (
        small_file_system(folder, _POSTGRESQL_MEGABYTES) as is_small,
        PostgresServer(durable=True) as server,
    ):
        url = server.create_database("vending")
        prepare(book, url)
        is_on_disk = is_small and server.folder.is_relative_to(folder)
        disk: Disk = SmallDisk(folder) if is_on_disk else LimitedFiles(lambda: _processes(server))
        with VendingService(url, folder if is_on_disk else tmp_path, workers=2) as service:
            for number in range(rounds):
                with selling(book, service.address):
                    wait_for_sales(book)
                    disk.fill(book.chance.randrange(_MOST_LEFT_BYTES))
                    if number % 2 == 0:
                        _need_a_new_log(server)
                    wait_for_losses(book)
                    wait_a_random_moment(book, _FULL_FOR_MS)
                    disk.clear()
                    book.counts["crashes of PostgreSQL"] += not server.is_running
                    _start(server)
                    wait_for_sales(book)
                book.counts["full disks"] += 1
                settle(book, url, service.address, is_thorough=is_thorough(number, rounds))


def _need_a_new_log(server: PostgresServer) -> None:
    """Have the server begin new files of its log, which it cannot do without: it gives up."""
    with contextlib.suppress(psycopg.OperationalError):
        for _ in range(_SEGMENTS):
            with server.connect() as connection:
                connection.execute("SELECT pg_logical_emit_message(false, 'fault', 'new')")
                connection.execute("SELECT pg_switch_wal()")


def _start(server: PostgresServer) -> None:
    """Start a server, once more if it ends at first of what it met while there was no room."""
    with contextlib.suppress(ServerDidNotStart):
        server.start()
        return
    server.start()


def _processes(server: PostgresServer) -> list[int]:
    return family(int((server.folder / "pid").read_text())) if server.is_running else []
