"""`vending import` and `vending import-meters`: files are checked whole, then entered whole."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from sqlalchemy.exc import IntegrityError

from vending_api.cli.admission import acting
from vending_api.cli.importing.keys import warnings_for_meters, warnings_for_site
from vending_api.cli.importing.meter_file import MeterFile, count_rows, load_meters
from vending_api.cli.importing.passwords import find_passwords
from vending_api.cli.importing.problems import ImportRefused, Problem
from vending_api.cli.importing.proposed import (
    action_of_list,
    action_of_site,
    problems_of_list,
    require_no_conflict,
)
from vending_api.cli.importing.report import (
    print_list,
    print_refused,
    print_rows_refused,
    print_site,
)
from vending_api.cli.importing.site_file import load_site
from vending_api.cli.ordering import ReasonOption, carry_out
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import JsonOption, say
from vending_api.domain.meter_lists.service import compare_list, enter_list
from vending_api.domain.meter_lists.types import Comparison
from vending_api.domain.sites.service import compare_site, enter_site
from vending_api.domain.sites.types import Kind

_FAILED: Final = 1

TrialOption = Annotated[
    bool, typer.Option("--dry-run", show_default=False, help="Say what would change; write none.")
]


def import_site(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="SITE.toml", exists=True, dir_okay=False, help="The site file (TOML)."
        ),
    ],
    *,
    is_trial: TrialOption = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Register a site, or what has changed of it."""
    try:
        _import_site(file, is_trial=is_trial, reason=reason, as_json=as_json)
    except ImportRefused as refused:
        print_refused(refused, as_json=as_json)
        raise typer.Exit(_FAILED) from None


def import_meters(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", exists=True, dir_okay=False, help="The list of meters (CSV, UTF-8)."
        ),
    ],
    *,
    is_trial: TrialOption = False,
    errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="Where to write all problems, as CSV, if any."
        ),
    ] = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Register the meters of a CSV file with their customers, or bring them up to date."""
    try:
        with _progress() as progress:
            listed, comparison = _check_meters(file, progress)
            problems = problems_of_list(listed, comparison)
            if not problems and not is_trial and acting() is None:
                _enter_meters(file, comparison, progress)
    except ImportRefused as refused:
        print_refused(refused, as_json=as_json)
        raise typer.Exit(_FAILED) from None
    if problems:
        print_rows_refused(file, problems, errors, as_json=as_json)
        raise typer.Exit(_FAILED)
    if acting() is not None and not is_trial and comparison.new + comparison.changed:
        carry_out(action_of_list(file, comparison), reason=reason, as_json=as_json)
        return
    print_list(file, comparison, is_trial=is_trial, as_json=as_json)
    for warning in warnings_for_meters(comparison.new):
        say(f"warning: {warning}")


def _import_site(file: Path, *, is_trial: bool, reason: str, as_json: bool) -> None:
    site = load_site(file)
    now = datetime.now(UTC)
    with reading() as connection:
        comparison = compare_site(connection, site.site, now)
    require_no_conflict(site, comparison)
    if acting() is not None and comparison.changes and not is_trial:
        carry_out(action_of_site(file, site, comparison), reason=reason, as_json=as_json)
        return
    new_clients = comparison.new_names(Kind.CLIENT)
    # Asked for before the transaction begins: sales would wait for whoever types.
    passwords, warnings = find_passwords(site, new_clients, may_ask=not is_trial)
    if comparison.changes and not is_trial:
        with writing() as connection, _alone(file):
            comparison = enter_site(connection, site.site, passwords=passwords, at=now)
    print_site(file, comparison, len(site.places), is_trial=is_trial, as_json=as_json)
    for warning in warnings + warnings_for_site(site.site):
        say(f"warning: {warning}")


def _check_meters(file: Path, progress: Progress) -> tuple[MeterFile, Comparison]:
    task = progress.add_task("Reading", total=count_rows(file))
    listed = load_meters(file, advance=lambda count: progress.advance(task, count))
    progress.update(task, completed=progress.tasks[task].total)
    task = progress.add_task("Checking", total=len(listed.entries))
    with reading() as connection:
        comparison = compare_list(
            connection,
            listed.entries,
            listed.fields,
            datetime.now(UTC),
            advance=lambda count: progress.advance(task, count),
        )
    return listed, comparison


def _enter_meters(file: Path, comparison: Comparison, progress: Progress) -> None:
    total = len(comparison.new) + len(comparison.changed)
    if not total:
        return
    task = progress.add_task("Writing", total=total)
    with writing() as connection, _alone(file):
        enter_list(connection, comparison, advance=lambda count: progress.advance(task, count))


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Turn the one thing that another import can do meanwhile into words."""
    try:
        yield
    except IntegrityError:
        problem = Problem("", "something else registered the same meanwhile", "import it again")
        raise ImportRefused(file, [problem]) from None


class _RateColumn(ProgressColumn):
    """How many rows a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, blank as long as there is none."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s")


def _progress() -> Progress:
    # On stderr, and only where somebody looks: a file or pipe gets no bars.
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not Console(stderr=True).is_terminal,
    )
