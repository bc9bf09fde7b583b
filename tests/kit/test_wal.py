"""What is committed comes to its place in the file beside the commits, and the log stays short."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from vending_api.kit import wal
from vending_api.kit.db import open_database
from vending_api.kit.lanes import Command, Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

_SECONDS: Final = 20


class _Told:
    """Hears of what was committed."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def release(self, tickets: list[Any], outcomes: list[Any]) -> None:
        assert not any(isinstance(one, Exception) for one in outcomes), outcomes
        with self._changed:
            self.count += len(tickets)
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, _SECONDS)


@pytest.fixture
def file(sqlite_url: str) -> Path:
    """Give a file with a table of octets."""
    engine = open_database(sqlite_url, connections=1)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE one (octets BLOB)"))
    engine.dispose()
    return Path(str(engine.url.database))


@pytest.fixture
def engine(file: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{file}", connections=1)
    yield engine
    engine.dispose()


def _hurry(
    monkeypatch: pytest.MonkeyPatch,
    *,
    long_log: int = wal._LONG_LOG,
    checkpoint: Callable[[Any], Any] = wal._checkpoint,
) -> None:
    """Have no pauses between checkpoints, and a log count as long after so many pages."""
    monkeypatch.setattr(wal, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(wal, "_LONG_LOG", long_log)
    monkeypatch.setattr(wal, "_checkpoint", checkpoint)


def _begun(engine: Engine) -> tuple[Lanes, _Told]:
    told = _Told()
    lanes = Lanes(engine, release=told.release, monotonic_seconds=time.monotonic)
    lanes.start()
    return lanes, told


def _add(connection: Connection) -> None:
    connection.execute(text("INSERT INTO one VALUES (zeroblob(8000))"))


def _commit(lanes: Lanes, told: _Told, count: int) -> None:
    """Commit so many times, one after the other."""
    for _ in range(count):
        wanted = told.count + 1
        lanes.put([Command(act=_add, ticket=None)])
        told.wait_for(wanted)


def _in_place(file: Path, folder: Path) -> int:
    """Return how many rows are in the file itself, without its log; 0 while that is written."""
    copy = shutil.copy(file, folder / "copy.db")
    with closing(sqlite3.connect(copy)) as connection:
        try:
            count: int = connection.execute("SELECT count(*) FROM one").fetchone()[0]
        except sqlite3.DatabaseError:  # copied in the midst of a checkpoint
            return 0
    return count


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)


def test_a_commit_leaves_the_file_alone_and_the_keeper_does_not(
    engine: Engine, file: Path, tmp_path: Path
) -> None:
    lanes, told = _begun(engine)
    _commit(lanes, told, 20)
    _until(lambda: _in_place(file, tmp_path) == 20)  # 80 pages: SQLite would wait for 1,000
    lanes.stop()


def test_a_log_that_is_long_begins_anew(
    engine: Engine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hurry(monkeypatch, long_log=50)
    log = file.with_name(f"{file.name}-wal")
    lanes, told = _begun(engine)
    _commit(lanes, told, 1_000)  # 4,000 pages and more
    assert log.stat().st_size < 1_000 * 2_048
    lanes.stop()


def test_a_checkpoint_that_fails_stops_no_sale(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    _hurry(monkeypatch, checkpoint=fail)
    with capture_logs() as logs:
        lanes, told = _begun(engine)
        _commit(lanes, told, 5)
        _until(lambda: "no_checkpoint_of_file" in [one["event"] for one in logs])
        _commit(lanes, told, 5)
        lanes.stop()


def test_a_lane_whose_checkpoint_fails_has_committed_all_the_same_and_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = wal._checkpoint
    failed = threading.Event()

    def fail_in_lanes(connection: Any) -> tuple[int, int]:
        if threading.current_thread().name.startswith("committer"):
            failed.set()
            raise sqlite3.OperationalError("database or disk is full")
        return checkpoint(connection)

    _hurry(monkeypatch, long_log=0, checkpoint=fail_in_lanes)
    lanes, told = _begun(engine)
    while not failed.is_set():
        assert told.count < 1_000, "no lane was left anything to do"
        _commit(lanes, told, 1)
    _commit(lanes, told, 3)
    lanes.stop()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM one")).scalar_one() == told.count


def test_while_somebody_reads_for_long_no_lane_makes_checkpoints_in_vain(
    engine: Engine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = wal._checkpoint
    by: list[str] = []

    def noted(connection: Any) -> tuple[int, int]:
        by.append(threading.current_thread().name)
        return checkpoint(connection)

    _hurry(monkeypatch, long_log=50, checkpoint=noted)
    lanes, told = _begun(engine)
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM one").fetchone()
        _commit(lanes, told, 100)  # 400 pages that cannot be copied beyond what is read
        by.clear()
        _commit(lanes, told, 100)
        assert by
        assert not any(name.startswith("committer") for name in by)
    while not any(name.startswith("committer") for name in by):
        assert told.count < 2_000, "the log never begins anew"
        _commit(lanes, told, 1)
    lanes.stop()
