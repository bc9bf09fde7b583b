"""How the daily commands print: tables and facts for people, JSON for programs."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

JsonOption = Annotated[
    bool, typer.Option("--json", show_default=False, help="Print JSON, for programs.")
]


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings; None is left blank, numbers stand at the right."""
    shown = [list(row) for row in rows]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        is_number = bool(shown) and all(isinstance(row[place], int | None) for row in shown)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        table.add_row(*map(_text, row))
    Console(highlight=False).print(table)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print a name and a value on each line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts:
        grid.add_row(name, _text(value))
    Console(highlight=False).print(grid)


def print_json(value: Any) -> None:
    """Print a value as indented JSON; what JSON has no form for is printed as its text."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(text: str) -> None:
    """Print a line about the work to stderr, so that stdout holds nothing but its result."""
    typer.echo(text, err=True)


def yes_or_no(value: bool) -> str:  # noqa: FBT001 (it is what the function is about)
    """Return a word for a truth."""
    return "yes" if value else "no"


def _text(value: object) -> Text:
    if value is None:
        return Text("")
    return Text(f"{value:,}" if isinstance(value, int) else str(value))
