"""`vending backup` and `vending restore`: the whole database in a file, and back."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import make_url

from vending_api.cli import backup_postgresql, backup_sqlite
from vending_api.cli.backup_file import BackupKind, appearing, kind_of
from vending_api.cli.reconcile import print_differences
from vending_api.cli.station import CommandRefused, reading
from vending_api.cli.tables import JsonOption, print_facts, print_json, say
from vending_api.domain.reconciling.service import differences, sales_held
from vending_api.kit.db import open_database
from vending_api.settings import read_settings

_FAILED: Final = 1

_FileArgument = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]


def backup(
    *,
    file: _FileArgument,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    pg_dump: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="PostgreSQL's pg_dump, if not on PATH."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole database into FILE, while sales go on.

    The file holds every sale that was answered before the backup began. Only
    its owner may read it: customers and tokens stand in it; vending keys do
    not. It appears under its name when it is complete and on disk; SQLite's
    is checked first. Keep it on another machine, and try `vending restore`.

    PostgreSQL's own pg_dump makes the backup of a PostgreSQL database. Make
    one before you install a new version, which takes its own schema only.

    Example: `vending backup /mnt/safe/vending-2026-11-21.backup`
    """
    uses_sqlite = read_settings().uses_sqlite
    program = None if uses_sqlite else backup_postgresql.find_program("pg_dump", pg_dump)
    with reading() as connection, appearing(file, replace=force) as partial:
        # The first statement settles which moment the backup is of.
        sales = sales_held(connection)
        if program is None:
            with _shown_progress() as progress:
                backup_sqlite.copy_database(connection, partial, progress)
        else:
            with Console(stderr=True).status("Waiting for pg_dump"):
                backup_postgresql.dump(program, connection, partial)
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size, "sales": sales})
    else:
        print_facts((("File", file), ("Bytes", size), ("Sales", sales)))
        say("The backup is complete and on disk.")


def restore(
    *,
    file: _FileArgument,
    pg_restore: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="PostgreSQL's pg_restore, if not on PATH."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fill the empty database of VENDING_DATABASE_URL from a backup, and compare all records.

    A database that has tables is refused: nothing is ever overwritten. The
    backup must be of this version's schema and of the same kind of database.
    Either all of it is restored or nothing.

    Then sales, tokens, numbers, credit and log are compared as `vending
    reconcile` does. Exit code 1 says that they do not agree, or that nothing
    was restored. Never sell on both databases: tokens would be made twice.

    Example: `vending restore /mnt/safe/vending-2026-11-21.backup`
    """
    kind = kind_of(file)
    wanted = BackupKind.SQLITE if read_settings().uses_sqlite else BackupKind.POSTGRESQL
    if kind is not wanted:
        raise CommandRefused(
            f"{file} is a backup of {kind.label}, but VENDING_DATABASE_URL names {wanted.label}"
        )
    if kind is BackupKind.SQLITE:
        _restore_sqlite(file)
    else:
        _restore_postgresql(file, pg_restore)
    with reading() as connection, Console(stderr=True).status("Comparing all records"):
        sales, found = sales_held(connection), differences(connection)
    if as_json:
        print_json({"sales": sales, "differences": [asdict(one) for one in found]})
    else:
        print_facts((("Sales", sales),))
        print_differences(found)
    if found:
        raise typer.Exit(_FAILED)


def _restore_sqlite(file: Path) -> None:
    name = make_url(read_settings().database_url.get_secret_value()).database
    if name in {None, "", ":memory:"}:
        raise CommandRefused("VENDING_DATABASE_URL: name a file to restore to, as sqlite:///FILE")
    with Console(stderr=True).status("Copying and checking"):
        backup_sqlite.put_back(file, Path(str(name)))


def _restore_postgresql(file: Path, given: Path | None) -> None:
    program = backup_postgresql.find_program("pg_restore", given)
    engine = open_database(read_settings().database_url.get_secret_value(), connections=1)
    try:
        with Console(stderr=True).status("Waiting for pg_restore"):
            backup_postgresql.load(program, file, engine)
    finally:
        engine.dispose()


@contextmanager
def _shown_progress() -> Iterator[Callable[[int, int], None]]:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Copying", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show
