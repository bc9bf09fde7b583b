"""What `vending import --help` and `vending import-meters --help` say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.cli.importing.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEYS: Final = (
    (r"[\[utility]]", "name, address, currency, time_zone, ..."),
    (r"\[utility.limits]", "minimum_minor, maximum_minor"),
    (r"\[utility.rules]", "optional: reversal, reprints_a_day, ..."),
    (r"[\[utility.supply_group]]", "code, key_revision (optional)"),
    (r"[\[tariff]]", "name, file or document"),
    (r"[\[client]]", "user_name, name, prepaid, password_file, ..."),
)


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs as lines that stay lines."""
    return "\b\n" + "\n".join(f"{name:<28}{words}" for name, words in pairs)


SITE_HELP: Final = "\n\n".join(
    (
        (
            "Register a site, or what has changed of it: its utilities, supply groups, tariffs and "
            "clients."
        ),
        (
            "The whole file is checked before anything is written, and all is written in one "
            "transaction. Import it again whenever it changes: what differs is updated and listed, "
            "the rest is left alone, and nothing is ever deleted."
        ),
        _lines(_KEYS),
        "The README of vending_api/cli/importing explains every key.",
        (
            "Passwords never stand in the file: that of a new client is read from its "
            "password_file, or from the variable that password_variable names, or asked for."
        ),
        "Example: `vending import site.toml --dry-run`",
    )
)
METERS_HELP: Final = "\n\n".join(
    (
        "Register the meters of a CSV file with their customers, or bring them up to date.",
        (
            "All rows are checked before any is written, and all are written in one transaction. "
            "Row 1 names the columns, in any order, with commas, semicolons or tabs between them."
        ),
        (
            "Of a registered meter, a column that the file does not have stays as it is. What the "
            "meter is made of never changes (key data: `vending meter key-change`), nor does what "
            "it owes."
        ),
        _lines((one.name, one.words) for one in COLUMNS.values()),
        "Example: `vending import-meters meters.csv --errors wrong.csv`",
    )
)
