"""A look in a process of its own sees what one in this process sees, and ends when told to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from itertools import count
from socket import socketpair
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy import delete

from tests.support.selling import sell
from tests.support.service import NOON, purchase, writing
from vending_api import looking
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.watching.service import alerts
from vending_api.kit.db import give_way_in_the_server
from vending_api.kit.far_process import FarProcess, StartFailed
from vending_api.kit.frames import frame
from vending_api.looking import look_elsewhere

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


_ASKED_WHEN_LOADING = """
import os, sys
class Loading:
    def find_spec(self, name, *_):
        if name == "vending_api.looking":
            print(os.sched_getscheduler(0) == os.SCHED_IDLE)
            sys.exit()
sys.meta_path.insert(0, Loading())
"""
"""Before a program: says whether it has given way when it comes to load all that a look needs."""


def _no_rest(_: float) -> None:
    """Rest as SQLite lets a look rest."""


@pytest.fixture
def spoilt(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Give a database that has sold what its log does not know of, as the environment names it."""
    sell(engine, purchase())
    with writing(engine) as connection, connection.begin():
        connection.execute(delete(TOKEN_LOG))
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("VENDING_DATABASE_URL", url)
    monkeypatch.setenv("VENDING_DEMO", "1")
    return engine


def test_what_is_found_elsewhere_is_what_is_found_here(spoilt: Engine) -> None:
    found = asyncio.run(look_elsewhere(NOON, NOON))
    with spoilt.connect() as connection:
        assert found == alerts(connection, NOON, since=NOON)
    assert len(found) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_a_look_gives_way_before_it_loads_what_it_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ASKED_WHEN_LOADING + looking._PROGRAM],
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"True"]


def test_a_look_takes_one_processor_of_the_server_and_the_next_reader_as_many_as_it_likes(
    spoilt: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if spoilt.dialect.name != "postgresql":
        pytest.skip("SQLite works in the process that looks")
    question = "SHOW max_parallel_workers_per_gather"

    def asked(connection: Connection, *_: object, **__: object) -> Any:
        return connection.exec_driver_sql(question).scalar()

    monkeypatch.setattr(looking, "alerts", asked)
    in_a_look: Any = looking._found(NOON, NOON, _no_rest)
    assert in_a_look == "0"
    with spoilt.connect() as connection:
        with connection.begin():
            give_way_in_the_server(connection)
            assert asked(connection) == "0"
        assert asked(connection) != "0"


def test_a_look_rests_three_times_as_long_as_postgresql_works_for_it_and_not_on_sqlite(
    spoilt: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    moments = count()
    monkeypatch.setattr(looking, "perf_counter", lambda: float(next(moments)))
    found = looking._found(NOON, NOON, rests.append)
    assert len(found) == 1
    assert len(rests) == next(moments) / 2 > 20
    assert set(rests) == {3.0 if spoilt.dialect.name == "postgresql" else 0.0}


@pytest.mark.usefixtures("spoilt")
def test_a_look_that_nobody_hears_any_more_ends_after_the_statement_that_it_is_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = count()
    monkeypatch.setattr(looking, "perf_counter", lambda: float(next(moments)))
    asker, look = socketpair()
    asked: list[float] = []

    def rest(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 5:
            asker.close()
            looking._rest(look, 3_600)  # it does not wait

    with look, pytest.raises(looking._Unheard):
        looking._found(NOON, NOON, rest)
    assert len(asked) == 5


def test_a_look_that_somebody_waits_for_rests_as_long_as_it_should() -> None:
    asker, look = socketpair()
    with asker, look:
        began = time.monotonic()
        looking._rest(look, 0.02)
        assert time.monotonic() - began >= 0.02


@pytest.mark.usefixtures("spoilt")
def test_a_look_that_nobody_waits_for_any_more_ends() -> None:
    me = psutil.Process()
    others = me.children()

    async def scenario() -> None:
        look = asyncio.create_task(look_elsewhere(NOON, NOON))
        while len(begun := [one for one in me.children() if one not in others]) == 0:  # noqa: ASYNC110 (nothing else says that it has begun)
            await asyncio.sleep(0.01)
        look.cancel()
        await asyncio.wait([look])
        assert look.cancelled()
        assert not any(one.is_running() for one in begun)

    asyncio.run(scenario())


def test_what_keeps_it_from_looking_is_an_error_of_this_process(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDING_DEMO", "1")
    monkeypatch.setenv("VENDING_DATABASE_URL", sqlite_url)  # it has no tables
    with pytest.raises(StartFailed, match="OperationalError"):
        asyncio.run(look_elsewhere(NOON, NOON))


@pytest.mark.usefixtures("spoilt")
def test_a_look_that_nobody_hears_any_more_ends_in_good_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for url in (None, "sqlite:////nowhere/at/all.db"):
        if url is not None:
            monkeypatch.setenv("VENDING_DATABASE_URL", url)
        process = FarProcess.of_program(looking._PROGRAM)
        process.connection.sendall(frame((NOON, NOON)))
        process.connection.close()
        program: Any = process._process
        assert program.wait(60) == 0
