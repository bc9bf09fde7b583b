"""`sts conformance`: prove an installation by vectors. Annotations are read at run time."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from sts.cli.options import JsonOption, TablesOption
from sts.cli.output import print_json
from sts.cli.program import REFUSED, WrongUsage, complain
from sts.conformance import Conformance, Outcome, Tally, read_lines
from sts.keys.sta_tables import load_sta_tables


def conformance(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            exists=True,
            dir_okay=False,
            help="Vector files: a JSON object on each line, plain or compressed (.gz).",
        ),
    ],
    *,
    sta_tables: TablesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that this installation makes and reads tokens as the standard says.

    Recomputes every field of every vector from its inputs, decodes its token, and gives the
    engine what it must refuse. Prints a line for each failure and the totals last; exit code 1
    if anything failed. Vectors made with licensed tables are skipped without --sta-tables.

    Example: `sts conformance tests/vectors/*.jsonl`
    """
    tally = Tally()
    failures = []
    checker = Conformance(None if sta_tables is None else load_sta_tables(sta_tables))
    for outcome in _outcomes(checker, files):
        tally.add(outcome.verdict)
        for failure in outcome.failures:
            failures.append(
                {
                    "id": failure.identifier,
                    "field": failure.field,
                    "expected": failure.expected,
                    "got": failure.got,
                }
            )
            if not as_json:
                typer.echo(str(failure))
    if as_json:
        print_json({**asdict(tally), "failures": failures})
    else:
        typer.echo(str(tally))
    if tally.failed:
        raise typer.Exit(REFUSED)


def _outcomes(checker: Conformance, files: list[Path]) -> Iterator[Outcome]:
    """Yield the verdict on each vector, with a progress bar where someone watches."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),
    )
    with progress:
        for path in files:
            number = 0
            try:
                with progress.open(path, "rb", description=path.name) as stream:
                    for number, line in read_lines(stream):
                        yield checker.check(line, f"{path.name}:{number}")
            except OSError as error:
                raise WrongUsage(f"{path} cannot be read: {error}") from error
            if not number:
                complain(f"note: {path} holds no vectors")
