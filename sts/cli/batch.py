"""`sts batch`: files of tokens by the million. Annotations are read at run time.

An edge: here the clock is read. What computes over columns is an extra, so it is imported when a
command runs; its absence is one line.
"""

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from sts.cli.options import SAMPLE_TABLES_NOTE, JsonOption, KeyOptions, expanded
from sts.cli.output import print_json, print_rows
from sts.cli.program import REFUSED, WrongUsage, complain
from sts.keys.key_file import KeyStore, load_key_file
from sts.keys.sealed_file import read_key_file

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

_Input = Annotated[
    Path,
    typer.Argument(
        metavar="IN", exists=True, dir_okay=False, help="The rows: a .csv or .parquet file."
    ),
]
_Output = Annotated[
    Path,
    typer.Argument(metavar="OUT", help="Where the results go: a .csv or .parquet file."),
]
_Jobs = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Processes that work; as many as cores if left out."),
]
_LABELS: Final = {"made": "working", "written": "writing"}


@app.callback()
def batch() -> None:
    """Make or read tokens by the million, from a file to a file.

    Every command takes the same columns for the meter, in any order, all of them needed:

    * `pan`: meter number, 18 digits
    * `supply_group_code`: 6 digits
    * `key_revision_number`: 1 to 9
    * `tariff_index`: 2 digits
    * `encryption_algorithm`: 07 or 11 (09 works too, slowly)

    Digits are text: leading zeros count. Other columns are passed through. OUT holds the rows of
    IN in the same order, with the results behind them; `error` has a stable code and `message`
    says more where a row has no result, and no row stops another.

    OUT appears when it is complete. Until then its parts are in a folder `OUT.parts`: after an
    interruption the same command goes on from there. Needs `pip install 'sts-vending[batch]'`.
    Exit code 1 if any row has an error.
    """


@app.command()
@expanded
def issue(
    source: _Input,
    target: _Output,
    *,
    options: KeyOptions,
    jobs: _Jobs = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for each row: credit or a setting, read back before it is written.

    Columns besides the meter's (`sts batch --help`), all of them whole numbers:

    * `token_identifier_minutes`: minutes since the base date of the key, 0 to 16777215. A meter
      takes each once
    * `random`: 0 to 15; not for currency
    * `class`, `subclass`: the kind of token; 0 and 0, electricity, if left out
    * the value, in the column of its kind, rounded up to what a token can carry: `amount_tenths`
      (class 0, subclass 0 to 3) of a kWh, m3, m3 or minute; `currency_hundred_thousandths` (0, 4
      to 7); `power_watts` (2, 0 and 6); `register` (2, 1); `rate` (2, 2); `pad` (2, 5; may be
      left out); `factor` (2, 7); `control` and `manufacturer_code` (1, 0 and 1)

    OUT gains `token`, `key_check_value`, `error` and `message`.

    With these two lines in sales.csv, `sts batch issue sales.csv tokens.csv --keys keys.example`
    sells 25.6 kWh:

        pan,supply_group_code,key_revision_number,tariff_index,encryption_algorithm,random,token_identifier_minutes,amount_tenths
        600727000000000009,123457,2,01,11,5,6307200,256
    """
    _run("issue", source, target, options, jobs, as_json=as_json)


@app.command()
@expanded
def key_change(
    source: _Input,
    target: _Output,
    *,
    options: KeyOptions,
    jobs: _Jobs = None,
    as_json: JsonOption = False,
) -> None:
    """Make the key change tokens of each row: 2 for EA07, 4 for EA11.

    Columns besides the meter's as it is now (`sts batch --help`), of the key that it gets:
    `new_supply_group_code`, `new_key_revision_number`, `new_tariff_index`. What is left out, as a
    column or in a row, stays as it is. Both keys must be in the key file.

    OUT gains `token_1` to `token_4`, `key_check_value`, `new_key_check_value`, `error` and
    `message`. A customer enters all tokens of a row.

    With these two lines in meters.csv, `sts batch key-change meters.csv changes.parquet
    --keys keys.example` moves a meter to the next revision of its key:

        pan,supply_group_code,key_revision_number,tariff_index,encryption_algorithm,new_key_revision_number
        600727000000000009,123457,1,01,11,2
    """
    _run("change_key", source, target, options, jobs, as_json=as_json)


@app.command()
@expanded
def verify(
    source: _Input,
    target: _Output,
    *,
    options: KeyOptions,
    jobs: _Jobs = None,
    as_json: JsonOption = False,
) -> None:
    """Read each row's token as its meter would.

    Columns besides the meter's (`sts batch --help`): `token`, 20 digits.

    OUT gains what the token says, in columns `read_kind`, `read_class`, `read_subclass`,
    `read_token_identifier_minutes`, `read_random`, `read_amount_tenths` and so on, named as
    `sts batch issue` names them; and `key_check_value`, `error` and `message`. The code
    `crc_mismatch` means a token of another meter or key, or a mistyped digit.

    After the example of `sts batch issue`, `sts batch verify tokens.csv read.csv --keys
    keys.example` reads what was sold.
    """
    _run("verify", source, target, options, jobs, as_json=as_json)


def _run(
    operation: str,
    source: Path,
    target: Path,
    options: KeyOptions,
    jobs: int | None,
    *,
    as_json: bool,
) -> None:
    """Run over a file and print what became of its rows; raises WrongUsage, StsError, OSError."""
    from sts.batch.files import Job  # noqa: PLC0415 (an optional extra)
    from sts.batch.opening import OpenedBefore  # noqa: PLC0415 (likewise)
    from sts.batch.source import ModuleSource  # noqa: PLC0415 (likewise)

    path = options.key_path()
    keys = read_key_file(path)
    if source.resolve() == target.resolve():
        raise WrongUsage("IN and OUT are the same file")
    if options.sta_tables is None:
        complain(SAMPLE_TABLES_NOTE)
    # A sealed file is opened once, here; who works gets what that made.
    sealed = None if isinstance(keys, KeyStore) else OpenedBefore(options.opened(keys).key)
    load_keys = load_key_file if sealed is None else sealed
    job = Job(
        operation,
        ModuleSource(path, options.sta_tables, load_keys),
        source,
        target,
        jobs or os.cpu_count() or 1,
    )
    facts = _done(job)
    if as_json:
        print_json(facts)
    else:
        _print_summary(facts)
    if facts["errors"]:
        raise typer.Exit(REFUSED)


def _done(job: Any) -> dict[str, Any]:
    """Run a job under a progress bar, and return what became of its rows."""
    from sts.batch.files import run_job  # noqa: PLC0415 (an optional extra)

    started = time.monotonic_ns()
    with _progress() as progress:
        tasks: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(_LABELS[stage], total=total)
            progress.update(tasks[stage], completed=done, total=total)

        summary = run_job(job, tell)
    milliseconds = max(1, (time.monotonic_ns() - started) // 1_000_000)
    return {
        "rows": summary.rows,
        "resumed_rows": summary.resumed_rows,
        "rows_with_error": sum(summary.errors.values()),
        "errors": summary.errors,
        "milliseconds": milliseconds,
        "rows_per_second": summary.rows * 1000 // milliseconds,
        "output": str(job.output),
    }


def _print_summary(facts: dict[str, Any]) -> None:
    rows = [
        ("rows", f"{facts['rows']:,}"),
        ("time", f"{facts['milliseconds'] // 1000} s, {facts['rows_per_second']:,} rows/s"),
        ("written to", facts["output"]),
    ]
    if facts["resumed_rows"]:
        rows.insert(1, ("from before", f"{facts['resumed_rows']:,}"))
    rows += [(f"error {code}", f"{count:,}") for code, count in facts["errors"].items()]
    print_rows(rows)


class _Rate(TextColumn):
    """Rows a second, from what rich has measured."""

    def __init__(self) -> None:
        super().__init__("{task.speed}")

    def render(self, task: Any) -> Any:
        speed = task.finished_speed or task.speed
        return "" if speed is None else f"{int(speed):,} rows/s"


def _progress() -> Progress:
    """Return a bar with rate and remaining time, shown where someone watches."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
