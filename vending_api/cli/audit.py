"""`vending audit tokens`: millions of tokens against keys, sales and the token log."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import csv
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from getpass import getpass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sts.keys.sta_tables import SAMPLE_TABLES, StaTables, load_sta_tables
from vending_api.cli.backup_file import appearing
from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_facts, print_json, print_table, say
from vending_api.domain.audits.types import WORDS, Finding, Tally
from vending_api.keys import key_store
from vending_api.settings import Settings, SettingsInvalid, read_settings

_FAILED: Final = 1
_SHOWN: Final = 20
_SHOWN_DIGITS: Final = 4
_HEADING: Final = (
    *("finding", "line", "meter", "token", "base_date"),
    *("says_kind", "says_value", "says_identifier", "sold_kind", "sold_value", "sold_identifier"),
    *("reference", "made_at", "when", "where", "problem"),
)
_SAMPLE_TABLES_NOTE: Final = (
    "EA07 tokens are read with the sample STA tables; set VENDING_STA_TABLES to the licensed ones."
)

audit_app = typer.Typer(
    name="audit", help="Verify by the million what was sold.", no_args_is_help=True
)


@audit_app.callback()
def audit() -> None:
    """Verify by the million what was sold."""


@audit_app.command()
def tokens(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            exists=True,
            dir_okay=False,
            help="Tokens that somebody found, .csv or .parquet; left out, all that were sold.",
        ),
    ] = None,
    findings: Annotated[
        Path | None,
        typer.Option(metavar="OUT.csv", help="Write each finding here; a new file, yours alone."),
    ] = None,
    digits: Annotated[
        bool,
        typer.Option(
            "--digits", show_default=False, help="Show tokens whole: who reads one may use it."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify tokens against the keys, the records of sales, and the token log.

    Without FILE: every token of the database must say, under the key data that it was made with,
    the kind, amount and identifier of its sale, and stand in the token log; and each that is in
    the log must be there. `vending reconcile` also checks that the log itself was not changed.

    With FILE: tokens from meters, slips or a seizure. Each is read under all keys that its meter
    has had, and must be one that we sold, as we sold it. What is valid and was never sold was made
    by somebody who has a key: ghost vending. FILE has a column `token` (20 digits, spaces do not
    count) and `meter` (as points of sale send it) or `pan` (18 digits); `when` and `where` may say
    where it was found:

        meter,token,when,where
        07000000017,1234 5678 9012 3456 7890,2026-11-03,"Stand 14, Main Road"

    It opens the keys of VENDING_KEYS_FILE itself, asks for what opens them if need be, and never
    shows them. It only reads: a database user with SELECT is enough. Needs the extra `batch`.
    Exit code 1 says that something was found.

    Example: `vending audit tokens seized.csv --findings found.csv`
    """
    # The first to be imported, for it tells in one line what is missing.
    from vending_api.domain.audits.opening import module_of  # noqa: PLC0415, I001 (an optional extra)
    from vending_api.domain.audits import service  # noqa: PLC0415 (likewise)
    from vending_api.domain.audits.field_file import FieldFile  # noqa: PLC0415 (likewise)
    from vending_api.domain.audits.found import audit_found  # noqa: PLC0415 (likewise)

    found_file = None if file is None else FieldFile(file)
    settings = read_settings()
    module = module_of(_keys(settings), _sta_tables(settings))
    tally, started = Tally(), time.monotonic_ns()
    with reading() as connection, _progress() as told, _passing() as folder:
        found = (
            service.audit_sold(connection, module, folder, tally, told)
            if found_file is None
            else audit_found(connection, module, found_file, folder, tally=tally, told=told)
        )
        shown = _told(found, findings, show_digits=digits, keep=None if as_json else _SHOWN)
    milliseconds = max(1, (time.monotonic_ns() - started) // 1_000_000)
    if as_json:
        _print_json(tally, shown, findings, milliseconds)
    else:
        _print(tally, shown, findings, milliseconds, is_file=file is not None)
    if tally.findings:
        raise typer.Exit(_FAILED)


def _keys(settings: Settings) -> Any:
    if settings.keys_file is None and not settings.demo:
        raise SettingsInvalid(
            "VENDING_KEYS_FILE: it is not set; name the sealed key file that tokens are read with"
        )
    return key_store(settings, ask=getpass if sys.stdin.isatty() else None, say=say)


def _sta_tables(settings: Settings) -> StaTables:
    if settings.sta_tables is None:
        say(_SAMPLE_TABLES_NOTE)
        return SAMPLE_TABLES
    return load_sta_tables(settings.sta_tables)


@contextmanager
def _passing() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vending-audit-") as folder:
        yield Path(folder)


@contextmanager
def _progress() -> Iterator[Any]:
    """Give what shows how far an audit is, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        bars: dict[str, Any] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=done, total=max(done, total))

        yield told


def _told(
    found: Iterator[Finding], path: Path | None, *, show_digits: bool, keep: int | None
) -> list[dict[str, Any]]:
    """Write findings to a file as they come, and return those that are to be printed."""
    rows = (_row(one, show_digits=show_digits) for one in found)
    if path is None:
        shown = list(islice(rows, keep))
        for _ in rows:  # the rest is counted
            pass
        return shown
    with (
        appearing(path, replace=False) as partial,
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        return _written(csv.DictWriter(file, _HEADING), rows)


def _written(writer: Any, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    writer.writeheader()
    shown: list[dict[str, Any]] = []
    for row in rows:
        writer.writerow(row)
        if len(shown) < _SHOWN:
            shown.append(row)
    return shown


def _row(one: Finding, *, show_digits: bool) -> dict[str, Any]:
    """Return a finding under the names of the file; its token is masked unless it may be seen."""
    row = dict.fromkeys(_HEADING)
    for prefix, said in (("says", one.says), ("sold", one.sold)):
        if said is not None:
            row |= {f"{prefix}_{name}": value for name, value in asdict(said).items()}
    return row | {
        "finding": one.kind.value,
        "line": one.line,
        "meter": one.external_meter_id,
        "token": _shown(one.digits, show_digits=show_digits),
        "base_date": one.base_date,
        "reference": one.reference,
        "made_at": None if one.made_at is None else one.made_at.isoformat(),
        "when": one.seen_when,
        "where": one.seen_where,
        "problem": one.problem or None,
    }


def _shown(digits: str | None, *, show_digits: bool) -> str | None:
    if digits is None or show_digits:
        return digits
    # A text so short that its end is most of it is not shown at all.
    end = digits[-_SHOWN_DIGITS:] if len(digits) > 2 * _SHOWN_DIGITS else ""
    return "*" * (len(digits) - len(end)) + end


def _print_json(
    tally: Tally, shown: Sequence[dict[str, Any]], path: Path | None, milliseconds: int
) -> None:
    facts: dict[str, Any] = {
        "tokens": tally.tokens,
        "milliseconds": milliseconds,
        "findings": sum(tally.findings.values()),
        "by_finding": {kind.value: tally.findings[kind] for kind in WORDS if tally.findings[kind]},
    }
    print_json(facts | ({"list": shown} if path is None else {"written_to": str(path)}))


def _print(
    tally: Tally,
    shown: Sequence[dict[str, Any]],
    path: Path | None,
    milliseconds: int,
    *,
    is_file: bool,
) -> None:
    facts: list[tuple[str, object]] = [
        ("tokens", tally.tokens),
        ("time", f"{milliseconds / 1000:.1f} s"),
    ]
    if is_file:
        facts.append(("sold by us as they stand", tally.right))
        if tally.meter_tests:
            facts.append(("meter tests, which need no key", tally.meter_tests))
    print_facts(
        [*facts, *((WORDS[kind], tally.findings[kind]) for kind in WORDS if tally.findings[kind])]
    )
    if not tally.findings:
        say("Nothing was found.")
        return
    if path is not None:
        say(f"Each finding is in {path}.")
        return
    names = ("finding", "line", "meter", "token", "says_value", "sold_value", "reference")
    headings = ("Finding", "Line", "Meter", "Token", "Says", "Sold", "Sale")
    typer.echo()
    print_table(headings, [[row[name] for name in names] for row in shown])
    if sum(tally.findings.values()) > len(shown):
        say(f"These are the first {len(shown)}; --findings OUT.csv has all.")
