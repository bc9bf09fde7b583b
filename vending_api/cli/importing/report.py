"""What an import says: what it entered, or all that keeps it from entering anything."""

from __future__ import annotations

import csv
from collections import Counter
from difflib import ndiff
from typing import TYPE_CHECKING, Any, Final

from vending_api.cli.tables import print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vending_api.cli.importing.meter_file import RowProblem
    from vending_api.cli.importing.problems import ImportRefused
    from vending_api.domain.meter_lists.types import Comparison
    from vending_api.domain.sites.types import Change, FieldChange, SiteComparison

MOST_SHOWN: Final = 50
_DOCUMENT: Final = "document"


def print_refused(refused: ImportRefused, *, as_json: bool) -> None:
    """Print every problem of a file on a line of its own."""
    problems = refused.problems
    if as_json:
        print_json(
            {
                "file": str(refused.path),
                "written": False,
                "problems": [{"place": one.place, "problem": one.text} for one in problems],
            }
        )
    say(_refusal(refused.path, len(problems)))
    for problem in problems:
        say(f"  {problem}")


def print_rows_refused(
    path: Path, problems: Sequence[RowProblem], errors: Path | None, *, as_json: bool
) -> None:
    """Print the first problems of a list and how many there are; write all to a file if wanted."""
    if errors is not None:
        with errors.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("row", "column", "problem"))
            writer.writerows((one.row, one.column, one.text) for one in problems)
    if as_json:
        rows = [{"row": one.row, "column": one.column, "problem": one.text} for one in problems]
        print_json({"file": str(path), "written": False, "problems": rows})
    say(_refusal(path, len(problems)))
    for problem in problems[:MOST_SHOWN]:
        say(f"  {problem}")
    if len(problems) > MOST_SHOWN:
        say(f"  and {len(problems) - MOST_SHOWN:,} more; --errors FILE writes all of them as CSV")
    if errors is not None:
        say(f"All of them are in {errors}.")


def print_site(
    path: Path, comparison: SiteComparison, total: int, *, is_trial: bool, as_json: bool
) -> None:
    """Print what a site file changed, or would change."""
    changes = comparison.changes
    if as_json:
        print_json(
            {
                "file": str(path),
                "written": bool(changes) and not is_trial,
                "as_before": total - len(changes),
                "changes": [_as_json(change) for change in changes],
            }
        )
        return
    if not changes:
        say(f"Nothing to do: the register holds all that {path} says.")
        return
    print_table(
        ("What", "Name", "Change"),
        [(change.kind.replace("_", " "), change.name, words_of(change)) for change in changes],
    )
    new = sum(change.is_new for change in changes)
    counts = f"{new} new, {len(changes) - new} changed, {total - len(changes)} as before"
    say(f"{'Would enter' if is_trial else 'Entered'} {path}: {counts}.")


def print_list(path: Path, comparison: Comparison, *, is_trial: bool, as_json: bool) -> None:
    """Print what a list of meters changed, or would change, in numbers."""
    new, changed, unchanged = len(comparison.new), len(comparison.changed), comparison.unchanged
    fields = Counter(field for change in comparison.changed for field in sorted(change.fields))
    if as_json:
        counts = {"new": new, "changed": changed, "as_before": unchanged, "changed_fields": fields}
        print_json({"file": str(path), "written": bool(new or changed) and not is_trial, **counts})
        return
    if not new and not changed:
        say(f"Nothing to do: the register holds all {unchanged:,} meters as {path} says.")
        return
    details = ", ".join(f"{field} {count:,}" for field, count in sorted(fields.items()))
    say(
        f"{'Would enter' if is_trial else 'Entered'} {path}: {new:,} new, "
        f"{changed:,} changed{f' ({details})' if details else ''}, {unchanged:,} as before."
    )


def _refusal(path: Path, count: int) -> str:
    return f"vending: {path}: {count:,} problem{'s' * (count != 1)}; nothing was written"


def words_of(change: Change) -> str:
    """Return what a change is, field by field."""
    return "new" if change.is_new else "\n".join(map(_field_words, change.fields))


def _field_words(change: FieldChange) -> str:
    if change.field == _DOCUMENT:
        added, removed = _lines(change)
        return f"document: +{added} -{removed} lines"
    return f"{change.field}: {_shown(change.before)} -> {_shown(change.after)}"


def _lines(change: FieldChange) -> tuple[int, int]:
    """Return how many lines of a document were added and removed."""
    before, after = (str(text).splitlines() for text in (change.before, change.after))
    marks = Counter(line[0] for line in ndiff(before, after))
    return marks["+"], marks["-"]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value in {None, ""} else str(value)


def _as_json(change: Change) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    for one in change.fields:
        if one.field == _DOCUMENT:
            added, removed = _lines(one)
            fields.append({"field": _DOCUMENT, "lines_added": added, "lines_removed": removed})
        else:
            fields.append({"field": one.field, "before": one.before, "after": one.after})
    return {
        "what": change.kind.value,
        "name": change.name,
        "is_new": change.is_new,
        "fields": fields,
    }
