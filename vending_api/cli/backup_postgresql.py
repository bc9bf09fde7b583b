"""Runs PostgreSQL's own pg_dump and pg_restore, with the password out of sight."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import func, inspect, select

from vending_api.cli.backup_file import require_schema
from vending_api.cli.station import CommandRefused

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_LONGEST_REASON: Final = 500


def find_program(name: str, given: Path | None) -> str:
    """Return the path of a program, as given or found on PATH; raises CommandRefused."""
    found = shutil.which(name if given is None else given)
    if found is not None:
        return found
    option = f"--{name.replace('_', '-')}"
    if given is not None:
        raise CommandRefused(f"{option}: {given} is not a program that can be run")
    raise CommandRefused(
        f"{name} is not on PATH: install PostgreSQL's client programs, of the server's version "
        f"or newer, or say where it is with {option}"
    )


def dump(program: str, connection: Connection, target: Path) -> None:
    """Write what a connection sees into a file, with all the sales of that moment.

    The connection must be in a transaction of REPEATABLE READ. Raises CommandRefused.
    """
    snapshot = connection.execute(select(func.pg_export_snapshot())).scalar_one()
    options = ("--format=custom", "--no-password", f"--snapshot={snapshot}")
    _run([program, *options, f"--file={target}"], connection.engine)


def load(program: str, backup: Path, engine: Engine) -> None:
    """Fill an empty database from a file, in one transaction; raises CommandRefused."""
    if inspect(engine).get_table_names():
        raise CommandRefused(
            "VENDING_DATABASE_URL: the database has tables; "
            "a restore goes into an empty database only"
        )
    require_schema(_revision_in(program, backup, engine))
    with engine.connect() as connection:
        name = connection.execute(select(func.current_database())).scalar_one()
    together = ("--single-transaction", "--exit-on-error", "--no-password")
    # The name alone: pg_restore takes the rest from the environment.
    database = f"--dbname={make_conninfo(dbname=name)}"
    _run([program, *together, "--no-owner", "--no-privileges", database, str(backup)], engine)


def _revision_in(program: str, backup: Path, engine: Engine) -> str | None:
    """Return the schema revision that a dump says it has."""
    options = ("--data-only", "--table=alembic_version", "--file=-")
    lines = _run([program, *options, str(backup)], engine).splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith("COPY ")]
    return lines[starts[0] + 1] if starts else None


def _run(command: list[str], engine: Engine) -> str:
    """Run a program to its end and return what it wrote; raises CommandRefused."""
    done = subprocess.run(  # noqa: S603 (what the operator named, or what PATH has)
        command,
        env=os.environ | _address(engine),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip()[-_LONGEST_REASON:] or f"it ended with {done.returncode}"
        raise CommandRefused(f"{command[0]} failed, and nothing of it is kept: {said}")
    return done.stdout


def _address(engine: Engine) -> dict[str, str]:
    """Return the variables that tell PostgreSQL's programs what the address tells us.

    Others on the machine may read the arguments of a program, but not its environment. What the
    address leaves open stays as the operator's environment has it, PGPASSFILE for one.
    """
    _, parts = engine.dialect.create_connect_args(engine.url)
    names = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar is not None
    }
    return {names[part]: str(value) for part, value in parts.items() if part in names}
