"""`vending backup` copies a database that sells, and `vending restore` brings every sale back."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import select

from tests.support.selling import count, refusal, sell
from tests.support.service import purchase
from tests.support.vending_command import Done, VendingCommand
from vending_api.cli.backup_sqlite import copy_database
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.reconciling.service import differences
from vending_api.domain.sales.tables import SALE
from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from tests.support.postgres import PostgresServer

_SELLERS: Final = 2
_FIRST_SALES: Final = 20
_PASSWORD: Final = "hunter2-hunter2"
_RECORDER: Final = """#!/bin/sh
for argument; do echo "$argument"; done >> "$RECORD.arguments"
env >> "$RECORD.environment"
exit 3
"""


class _Operator:
    """An operator with a backup file, and the programs that the server's wheel brings."""

    def __init__(
        self, vending: VendingCommand, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        self.file = folder / "vending.backup"
        self._vending = vending
        self._monkeypatch = monkeypatch

    def backup(self, engine: Engine, *more: object) -> Done:
        self._work_on(engine.url.render_as_string(hide_password=False))
        return self._vending("backup", self.file, *more)

    def restore(self, url: str, *more: object) -> Done:
        self._work_on(url)
        return self._vending("restore", self.file, *more)

    def _work_on(self, url: str) -> None:
        self._monkeypatch.setenv("VENDING_DATABASE_URL", url)


@pytest.fixture
def operator(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    postgres_server: PostgresServer,
) -> _Operator:
    """Give the operator, with pg_dump and pg_restore of the server's version on PATH."""
    programs = postgres_server.programs
    if not (programs / "pg_dump").exists():
        pytest.skip("this wheel of PostgreSQL has no pg_dump")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return _Operator(VendingCommand(monkeypatch, capsys, tmp_path), monkeypatch, tmp_path)


@pytest.fixture
def empty_url(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Give the address of an empty database of the kind that the test sells on."""
    if engine.dialect.name == "sqlite":
        return f"sqlite:///{tmp_path / 'restored.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def test_a_backup_taken_while_selling_holds_every_sale_answered_before_it(
    operator: _Operator, engine: Engine, empty_url: str
) -> None:
    with _sellers(engine) as answered:
        before = list(answered)
        done = operator.backup(engine, "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["bytes"] == operator.file.stat().st_size
    assert len(before) <= facts["sales"] <= len(answered)
    restored = operator.restore(empty_url, "--json")
    assert restored.code == 0, restored.err
    assert json.loads(restored.out) == {"sales": facts["sales"], "differences": []}
    with _opened(empty_url) as copy, copy.connect() as connection:
        sold = set(connection.execute(select(SALE.c.purchase_id)).scalars())
        assert set(before) <= sold <= set(answered)
        assert connection.execute(select(TOKEN.c.sale_key)).all()
        assert differences(connection) == []


def test_refusals_do_not_count_as_sales(operator: _Operator, engine: Engine) -> None:
    sell(engine, purchase())
    refusal(engine, purchase(amount_minor=1))
    assert json.loads(operator.backup(engine, "--json").out)["sales"] == 1


def test_a_restored_database_goes_on_selling(
    operator: _Operator, engine: Engine, empty_url: str
) -> None:
    sell(engine, purchase())
    operator.backup(engine)
    said = operator.restore(empty_url)
    assert "All records agree." in said.err
    with _opened(empty_url) as copy:
        sell(copy, purchase())
        assert count(copy, SALE) == 2
        with copy.connect() as connection:
            assert differences(connection) == []


def test_only_its_owner_reads_a_backup_and_nothing_else_is_left(
    operator: _Operator, engine: Engine
) -> None:
    before = set(operator.file.parent.iterdir())
    done = operator.backup(engine)
    assert "complete and on disk" in done.err
    assert stat.S_IMODE(operator.file.stat().st_mode) == 0o600
    after = {one for one in operator.file.parent.iterdir() if "vending.db" not in one.name}
    assert after - before == {operator.file}


def test_a_backup_is_replaced_only_by_force(operator: _Operator, engine: Engine) -> None:
    operator.file.write_text("precious")
    refused = operator.backup(engine)
    assert refused.code == 1
    assert "is there already" in refused.err
    assert operator.file.read_text() == "precious"
    assert operator.backup(engine, "--force").code == 0
    assert operator.file.stat().st_size > 1_000


def test_a_restore_goes_into_an_empty_database_only(operator: _Operator, engine: Engine) -> None:
    sell(engine, purchase())
    operator.backup(engine)
    sell(engine, purchase())
    done = operator.restore(engine.url.render_as_string(hide_password=False))
    assert done.code == 1
    assert "empty database" in done.err
    assert count(engine, SALE) == 2


def test_a_refused_restore_leaves_the_database_as_it_was(
    operator: _Operator, prepared_sqlite: Path, sqlite_url: str
) -> None:
    shutil.copy(prepared_sqlite, operator.file)
    assert operator.restore(sqlite_url).code == 0
    before = {one.name: one.read_bytes() for one in operator.file.parent.iterdir()}
    assert operator.restore(sqlite_url).code == 1
    assert {one.name: one.read_bytes() for one in operator.file.parent.iterdir()} == before


def test_records_that_do_not_agree_fail_the_restore(
    operator: _Operator, engine: Engine, empty_url: str
) -> None:
    sell(engine, purchase())
    with engine.connect() as connection, connection.begin():
        connection.execute(SALE.update().values(state="confirmed"))
    operator.backup(engine)
    done = operator.restore(empty_url)
    assert done.code == 1
    assert "sale and advice" in done.out
    assert "All records agree." not in done.err


def test_a_backup_of_another_schema_is_refused(
    operator: _Operator, engine: Engine, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.backup(engine)
    monkeypatch.setattr("vending_api.migrations.newest", lambda: "9999")
    done = operator.restore(empty_url)
    assert done.code == 1
    assert "schema revision" in done.err
    assert "9999" in done.err
    assert not Path(empty_url.removeprefix("sqlite:///")).exists()


def test_a_backup_of_the_other_kind_and_what_is_none_are_refused(
    operator: _Operator, sqlite_url: str
) -> None:
    operator.file.write_bytes(b"PGDMP and more")
    assert "a backup of PostgreSQL" in operator.restore(sqlite_url).err
    operator.file.write_bytes(b"hello")
    assert "is not a backup" in operator.restore(sqlite_url).err
    operator.file.unlink()
    assert operator.restore(sqlite_url).code == 1
    assert not Path(sqlite_url.removeprefix("sqlite:///")).exists()


def test_a_damaged_backup_is_refused_and_leaves_nothing(
    operator: _Operator, prepared_sqlite: Path, sqlite_url: str
) -> None:
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    octets = bytearray(prepared_sqlite.read_bytes())
    octets[len(octets) // 2 :] = b"\xff" * (len(octets) - len(octets) // 2)
    operator.file.write_bytes(octets)
    done = operator.restore(sqlite_url)
    assert done.code == 1
    assert "damaged" in done.err
    operator.file.write_bytes(bytes(octets[:3_000]))
    assert operator.restore(sqlite_url).code == 1
    assert not database.exists()
    assert list(database.parent.iterdir()) == [operator.file]


def test_a_restore_fills_an_empty_file_but_not_beside_a_foreign_log(
    operator: _Operator, prepared_sqlite: Path, sqlite_url: str
) -> None:
    database = Path(sqlite_url.removeprefix("sqlite:///"))
    shutil.copy(prepared_sqlite, operator.file)
    log = Path(f"{database}-wal")
    log.touch()
    assert "is in the way" in operator.restore(sqlite_url).err
    log.unlink()
    database.touch()
    assert operator.restore(sqlite_url).code == 0


def test_a_database_in_memory_is_nothing_to_restore_to(
    operator: _Operator, prepared_sqlite: Path
) -> None:
    shutil.copy(prepared_sqlite, operator.file)
    assert "name a file" in operator.restore("sqlite:///:memory:").err


def test_a_backup_that_cannot_be_written_leaves_nothing(
    operator: _Operator, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name == "postgresql":
        monkeypatch.setenv("PATH", os.defpath)
        done = operator.backup(engine, "--pg-dump", shutil.which("false"))
    else:
        monkeypatch.setattr("vending_api.cli.backup_sqlite._require_sound", _fail)
        done = operator.backup(engine)
    assert done.code == 1
    assert "nothing of it is kept" in done.err
    assert [one for one in operator.file.parent.iterdir() if "backup" in one.name] == []


def test_a_copy_is_of_one_moment_or_not_made(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection, pytest.raises(TypeError):
        copy_database(connection, tmp_path / "copy", lambda *_: None)


def test_the_program_that_is_missing_is_named(
    operator: _Operator, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    operator.file.write_bytes(b"PGDMP")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = operator.restore(postgres_url)
    assert (done.code, "pg_restore is not on PATH" in done.err) == (1, True)
    assert "--pg-restore" in done.err
    done = operator.restore(postgres_url, "--pg-restore", "nowhere/pg_restore")
    assert (done.code, "nowhere/pg_restore is not a program" in done.err) == (1, True)
    with _opened(postgres_url) as engine:
        assert "pg_dump is not on PATH" in operator.backup(engine).err


def test_the_password_is_in_the_environment_and_never_in_an_argument(
    operator: _Operator,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create_database(
        "with_password", template=request.getfixturevalue("prepared_postgres")
    )
    url = name.replace("postgres@", f"postgres:{_PASSWORD}@")
    for program in ("pg_dump", "pg_restore"):
        (tmp_path / program).write_text(_RECORDER)
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    with _opened(url) as engine:
        done = operator.backup(engine, "--pg-dump", tmp_path / "pg_dump")
    server.drop_database("with_password")
    assert (done.code, "it ended with 3" in done.err) == (1, True)
    arguments = (tmp_path / "record.arguments").read_text().splitlines()
    assert {"--format=custom", "--no-password"} < set(arguments)
    assert any(one.startswith("--snapshot=") for one in arguments)
    assert not any(_PASSWORD in one for one in arguments)
    environment = (tmp_path / "record.environment").read_text().splitlines()
    assert f"PGPASSWORD={_PASSWORD}" in environment
    assert "PGDATABASE=with_password" in environment
    assert f"PGHOST={server.folder}" in environment
    assert _PASSWORD not in done.out + done.err


def test_a_backup_is_one_file_that_any_sqlite_reads(
    operator: _Operator, prepared_sqlite: Path
) -> None:
    with _opened(f"sqlite:///{prepared_sqlite}") as engine:
        operator.backup(engine)
    with closing(sqlite3.connect(f"{operator.file.as_uri()}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@contextmanager
def _sellers(engine: Engine) -> Iterator[list[str]]:
    """Sell on two threads until the end of the block, and give the ids that were answered."""
    answered: list[str] = []
    is_enough = threading.Event()

    def keep_selling() -> None:
        while not is_enough.is_set():
            answered.append(sell(engine, purchase()).purchase_id)

    threads = [threading.Thread(target=keep_selling) for _ in range(_SELLERS)]
    for thread in threads:
        thread.start()
    try:
        while len(answered) < _FIRST_SALES:
            assert all(thread.is_alive() for thread in threads), "a seller gave up"
            time.sleep(0.01)
        yield answered
    finally:
        is_enough.set()
        for thread in threads:
            thread.join()


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = open_database(url, connections=2)
    yield engine
    engine.dispose()


def _fail(_: object) -> None:
    raise sqlite3.OperationalError("disk full")
