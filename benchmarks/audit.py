"""How long an audit of all tokens of a database takes, and one of a file of tokens.

    python benchmarks/audit.py [--database sqlite] [--meters N] [--sales N] [--found N,N] [--json]

It fills a database with meters and months of sales (see `audited.py`), takes a few tokens and rows
of the log out, and runs `vending audit tokens`, which must find those and nothing else. Then it
does the same with files of tokens of which some were never sold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import audited, databases, shop
from benchmarks.opening import open_database
from vending_api.kit.db import WRITES

if TYPE_CHECKING:
    from benchmarks.databases import Databases
    from benchmarks.shop import Shop

_NOTE: Final = "audited.json"
_SPOILT: Final = {
    "record_gone": "DELETE FROM token WHERE key = (SELECT max(key) - 1 FROM token)",
    "not_in_log": "DELETE FROM token_log WHERE sequence = 2",
    "other_amount": "UPDATE token SET units_tenths = units_tenths + 1"
    " WHERE key = (SELECT max(key) FROM token)",
}


def main() -> None:
    """Fill, audit and print; exit code 1 when something else was found than was spoilt."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="audit-")))
        kept = folder if options.keep is None else options.keep
        kept.mkdir(parents=True, exist_ok=True)
        opened = stack.enter_context(databases.opened(options.database, kept, folder))
        prepared = _filled(options, opened, kept)
        print(
            f"{options.database}, {options.meters:,} meters, {options.sales:,} sales, Python "
            f"{platform.python_version()}; processor time with that of the database's server"
        )
        begun = _audited(opened, prepared, [_short(prepared, folder)])["cpu_s"]
        print(f"to start: {begun:.1f} s of processor time, which is not counted below")
        runs = [_audited(opened, prepared, [], begun)]
        is_right = [runs[0]["found"] == dict.fromkeys(_SPOILT, 1)]
        _show("all that were sold", runs[0])
        for count in options.found:
            file = folder / "found.csv"
            spoilt = audited.write_found(prepared, file, count)
            out = folder / f"out-{count}.csv"
            arguments = [str(file), "--findings", str(out)]
            runs.append(_audited(opened, prepared, arguments, begun))
            _show("a file", runs[-1])
            # One mistyped token in 65,536 can be read, and one more was spoilt above.
            found = sum(runs[-1]["found"].get(kind, 0) for kind in spoilt)
            others = sum(runs[-1]["found"].values()) - found
            is_right.append(found == sum(spoilt.values()) and others <= 1)
    if options.json:
        facts = {"database": options.database, "meters": options.meters, "sales": options.sales}
        print(json.dumps(facts | {"start_cpu_s": begun, "runs": runs}))
    sys.exit(0 if all(is_right) else 1)


def _show(what: str, figures: dict[str, Any]) -> None:
    each = figures["cpu_s"] / figures["tokens"] * 1_000_000
    print(
        f"{what}, {figures['tokens']:,} tokens: {figures['seconds']:.1f} s "
        f"({figures['tokens_per_s']:,}/s), processor time {figures['cpu_s']:.1f} s "
        f"({each:.1f} us a token, of which the server {figures['server_cpu_s']:.1f} s); "
        f"found {figures['found']}"
    )


def _short(prepared: Shop, folder: Path) -> str:
    file = folder / "short.csv"
    file.write_text(f"meter,token\n{prepared.meters[0]},0\n", encoding="utf-8")
    return str(file)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure an audit of all tokens.")
    parser.add_argument("--database", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--meters", type=int, default=1_000_000, help="registered (%(default)s)")
    parser.add_argument("--sales", type=int, default=5_000_000, help="stored (%(default)s)")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="of the filled file, to use it again; SQLite"
    )
    parser.add_argument(
        "--found",
        type=lambda text: [int(one) for one in text.split(",")],
        default=[500_000, 1_000_000],
        help="tokens of files, at most those that were sold (500000,1000000)",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    if options.sales < options.meters:
        parser.error("--sales: each meter has bought before, so it takes as many as --meters")
    if options.keep is not None and options.database != "sqlite":
        parser.error("--keep: only a file can be kept; the PostgreSQL server ends with this")
    return options


def _filled(options: argparse.Namespace, opened: Databases, folder: Path) -> Shop:
    note = folder / _NOTE
    wanted = [options.meters, options.sales]
    if note.exists():
        if json.loads(note.read_text(encoding="utf-8")) != wanted:
            sys.exit(f"audit: {folder} was filled otherwise; remove it")
        return shop.prepare(folder, opened.filled_url, meters=options.meters)
    columns = (TextColumn("Filling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=options.sales)
        prepared = audited.filled(
            opened,
            folder,
            meters=options.meters,
            sales=options.sales,
            told=lambda done: progress.update(bar, completed=done),
        )
    _spoil(prepared.database_url)
    note.write_text(json.dumps(wanted), encoding="utf-8")
    return prepared


def _spoil(url: str) -> None:
    engine = open_database(url, connections=1)
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        for statement in _SPOILT.values():
            connection.execute(text(statement))
    engine.dispose()


def _audited(
    opened: Databases, prepared: Shop, arguments: list[str], begun: float = 0
) -> dict[str, Any]:
    """Run the command, as an auditor would, and return what it took, less than to start it."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "VENDING_DATABASE_URL": prepared.database_url,
        "VENDING_KEYS_FILE": str(prepared.sealed_keys_file),
        "VENDING_KEYS_PASSPHRASE_FILE": str(prepared.passphrase_file),
        "VENDING_DATA_KEYS_FILE": str(prepared.data_keys_file),
    }
    command = "from vending_api.cli import main; main()"
    started, before, server = time.monotonic(), os.times(), opened.seconds()
    done = subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-c", command, "audit", "tokens", *arguments, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        check=False,
    )
    seconds, after = time.monotonic() - started, os.times()
    told = json.loads(done.stdout)
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    served = opened.seconds() - server
    return {
        "tokens": told["tokens"],
        "seconds": round(seconds, 1),
        "cpu_s": round(spent + served - begun, 1),
        "server_cpu_s": round(served, 1),
        "tokens_per_s": round(told["tokens"] / seconds),
        "found": told["by_finding"],
    }


if __name__ == "__main__":
    main()
