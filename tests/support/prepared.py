"""Databases that are prepared once in a run of the tests, and copied after that.

To migrate one takes most of a second, which hundreds of tests need not pay.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import psycopg
from sqlalchemy import make_url

from tests.support.postgres import create_database, drop_database

if TYPE_CHECKING:
    from collections.abc import Callable

_SQLITE: Final = "sqlite:///"


def prepare_once(url: str, prepare: Callable[[str], None]) -> None:
    """Prepare a database; one that has no tables yet becomes a copy of an earlier such.

    Nobody may be connected to it.
    """
    if url.startswith(_SQLITE):
        path = Path(url.removeprefix(_SQLITE))
        if path.exists():
            prepare(url)
        else:
            _write_private(path, _octets(prepare))
        return
    address = make_url(url)
    plain = address.set(drivername="postgresql")
    if _has_tables(plain.render_as_string(hide_password=False)):
        prepare(url)
        return
    server = plain.set(database="postgres").render_as_string(hide_password=False)
    template = _template(server, prepare)
    name = str(address.database)
    with psycopg.connect(server, autocommit=True) as connection:
        drop_database(connection, name)
        create_database(connection, name, template=template)


def _has_tables(address: str) -> bool:
    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1")
        return found.fetchone() is not None


@cache
def _octets(prepare: Callable[[str], None]) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "prepared.db")
        prepare(f"{_SQLITE}{file}")
        return file.read_bytes()


@cache
def _template(server: str, prepare: Callable[[str], None]) -> str:
    name = f"template_{prepare.__name__}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        create_database(connection, name)
    address = make_url(server).set(drivername="postgresql+psycopg", database=name)
    prepare(address.render_as_string(hide_password=False))
    return name


def _write_private(path: Path, octets: bytes) -> None:
    """Write a new file as the service makes it: for its user alone."""
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123 (it has a descriptor)
        file.write(octets)
