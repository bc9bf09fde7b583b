"""The PostgreSQL of the tests is real, empty, private, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy

from tests.support.postgres import (
    PostgresServer,
    ServerDidNotStart,
    _binaries_for,
    everybody_can_reach,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def durable_server() -> Iterator[PostgresServer]:
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture
def own_server(durable_server: PostgresServer) -> PostgresServer:
    """Running when the test begins, whatever the test before did to it."""
    durable_server.start()
    return durable_server


def _ask(url: str, question: str) -> object:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text(question)).scalar()
    finally:
        engine.dispose()


def test_the_url_reaches_a_postgresql_18(postgres_url: str) -> None:
    assert str(_ask(postgres_url, "SHOW server_version")).startswith("18")


def test_the_database_is_empty(postgres_url: str) -> None:
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert _ask(postgres_url, tables) == 0


@pytest.mark.parametrize("turn", ["first", "second"])
def test_two_tests_get_different_databases(postgres_url: str, turn: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        # The second of the two would fail here if it got the database of the first.
        connection.execute(sqlalchemy.text(f"CREATE TABLE taken_by_the_{turn} (id int)"))
        connection.execute(sqlalchemy.text("CREATE TABLE taken (id int)"))
    engine.dispose()


def test_a_dropped_database_is_gone_even_with_a_guest(postgres_server: PostgresServer) -> None:
    postgres_server.create_database("short_lived")
    guest = postgres_server.connect("short_lived")
    postgres_server.drop_database("short_lived")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        postgres_server.connect("short_lived")
    guest.close()


def test_a_database_copies_its_template(postgres_server: PostgresServer) -> None:
    postgres_server.create_database("pattern")
    with postgres_server.connect("pattern") as connection:
        connection.execute("CREATE TABLE meters AS SELECT 42 AS number")
    copy = postgres_server.create_database("copy", template="pattern")
    assert _ask(copy, "SELECT number FROM meters") == 42
    postgres_server.drop_database("copy")
    postgres_server.drop_database("pattern")


def test_the_same_test_runs_on_both_databases(
    database_url: str, request: pytest.FixtureRequest
) -> None:
    dialect = sqlalchemy.make_url(database_url).get_backend_name()
    assert request.node.callspec.id in {"sqlite", "postgres"}
    assert dialect.startswith(request.node.callspec.id)
    assert _ask(database_url, "SELECT 1") == 1


def test_an_sqlite_file_is_new(sqlite_url: str) -> None:
    assert _ask(sqlite_url, "SELECT count(*) FROM sqlite_master") == 0


def test_the_shared_server_does_not_wait_for_the_disk(postgres_url: str) -> None:
    assert _ask(postgres_url, "SHOW fsync") == "off"
    assert _ask(postgres_url, "SHOW synchronous_commit") == "on"


def test_an_own_server_is_durable(own_server: PostgresServer) -> None:
    assert _ask(own_server.url(), "SHOW fsync") == "on"
    assert _ask(own_server.url(), "SHOW full_page_writes") == "on"
    assert _ask(own_server.url(), "SHOW synchronous_commit") == "on"


def test_a_killed_server_comes_back_with_what_was_committed(own_server: PostgresServer) -> None:
    with own_server.connect() as connection:
        connection.execute("CREATE TABLE sales AS SELECT 7 AS number")
        before = _crashes(own_server)
        own_server.kill()
        assert not own_server.is_running
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    own_server.start()
    assert _ask(own_server.url(), "SELECT number FROM sales") == 7
    assert _crashes(own_server) == before + 1


def test_a_stopped_server_comes_back_without_recovery(own_server: PostgresServer) -> None:
    before = _crashes(own_server)
    own_server.stop()
    assert not own_server.is_running
    own_server.start()
    assert _ask(own_server.url(), "SELECT 1") == 1
    assert _crashes(own_server) == before


def _crashes(server: PostgresServer) -> int:
    return (server.folder / "log").read_text().count("was not properly shut down")


def test_starting_a_running_server_keeps_it(own_server: PostgresServer) -> None:
    before = (own_server.folder / "pid").read_text()
    own_server.start()
    assert (own_server.folder / "pid").read_text() == before


def test_a_closed_server_leaves_no_folder() -> None:
    with PostgresServer(durable=False) as server:
        folder = server.folder
        assert folder.exists()
    assert not folder.exists()
    assert not server.is_running


def test_a_server_that_cannot_start_shows_its_log(own_server: PostgresServer) -> None:
    own_server.stop()
    settings = own_server.folder / "data" / "postgresql.conf"
    right = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(ServerDidNotStart, match="no_such_setting"):
        own_server.start()
    settings.write_text(right)
    assert not own_server.is_running


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_no_server_outlives_the_process_that_started_it(how: str) -> None:
    program = (
        "import time; from tests.support.postgres import PostgresServer as P\n"
        "with P(durable=False) as s: print(s.folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        server = int((folder / "pid").read_text())
        os.kill(server, 0)  # it lives
        run.send_signal(signal.Signals[how])
    _wait_until_gone(folder, server)


def _wait_until_gone(folder: Path, process: int) -> None:
    limit = time.monotonic() + 20
    while folder.exists() or _is_alive(process):
        assert time.monotonic() < limit, f"{folder} or its server is still there"
        time.sleep(0.05)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")  # dead, but in a container whose init buries nobody
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_private_folder_is_not_open_to_everybody(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    assert not everybody_can_reach(private)
    assert everybody_can_reach(Path("/usr"))


def test_programs_in_a_private_folder_are_copied_to_where_the_server_can_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _binaries_for(None, tmp_path).is_relative_to(tmp_path)  # nothing to do for ourselves
    monkeypatch.setattr("tests.support.postgres.everybody_can_reach", lambda _: False)
    copied = _binaries_for(os.geteuid(), tmp_path)
    assert copied.is_relative_to(tmp_path)
    version = subprocess.run(
        [copied / "initdb", "--version"], check=True, capture_output=True, text=True
    )
    assert version.stdout.startswith("initdb (PostgreSQL) 18")
