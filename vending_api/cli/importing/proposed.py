"""Imports where there are operators: proposed by one, entered from the same file by another."""

from __future__ import annotations

import hmac
import tempfile
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from vending_api.cli.importing.meter_file import RowProblem, column_of, load_meters
from vending_api.cli.importing.passwords import find_passwords
from vending_api.cli.importing.problems import ImportRefused, Problem
from vending_api.cli.importing.report import words_of
from vending_api.cli.importing.site_file import load_site
from vending_api.cli.station import CommandRefused
from vending_api.domain.actions.errors import MaterialDiffers
from vending_api.domain.actions.types import (
    EnterMeters,
    EnterSite,
    MetersMaterial,
    SiteMaterial,
    digest_of_site,
)
from vending_api.domain.sites.service import compare_site
from vending_api.domain.sites.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.cli.importing.meter_file import MeterFile
    from vending_api.cli.importing.site_file import SiteFile
    from vending_api.domain.actions.types import Action, Material
    from vending_api.domain.meter_lists.types import Comparison
    from vending_api.domain.sites.types import SiteComparison


def action_of_site(file: Path, site: SiteFile, comparison: SiteComparison) -> EnterSite:
    """Return the import of a site file as it is proposed."""
    changes = (f"{one.kind} {one.name}: {words_of(one)}" for one in comparison.changes)
    return EnterSite(file=file.name, digest=digest_of_site(site.site), changes=tuple(changes))


def action_of_list(file: Path, comparison: Comparison) -> EnterMeters:
    """Return the import of a list of meters as it is proposed."""
    return EnterMeters(
        file=file.name,
        digest=sha256(file.read_bytes()).hexdigest(),
        new=len(comparison.new),
        changed=len(comparison.changed),
    )


def material_of(
    connection: Connection, action: Action, file: Path, at: datetime
) -> Material | None:
    """Return what who approves an action must have; None where it needs no file.

    Raises MaterialDiffers for another file than was proposed, CommandRefused for one that cannot
    be entered.
    """
    try:
        if isinstance(action, EnterSite):
            return _site(connection, load_site(file), action, at)
        if isinstance(action, EnterMeters):
            return _list(file, action)
    except ImportRefused as refused:
        raise CommandRefused(f"{file}: {'; '.join(map(str, refused.problems))}") from None
    return None


def require_no_conflict(site: SiteFile, comparison: SiteComparison) -> None:
    """Raise ImportRefused with all that keeps a site from being entered."""
    problems = [
        Problem(f"{site.places[one.kind, one.name]}.{one.field}", one.problem, "")
        for one in comparison.conflicts
    ]
    if problems:
        raise ImportRefused(site.path, problems)


def problems_of_list(listed: MeterFile, comparison: Comparison) -> list[RowProblem]:
    """Return all that keeps a list from being entered, by row."""
    conflicts = [
        RowProblem(listed.rows[one.position], column_of(one.field), one.problem)
        for one in comparison.conflicts
    ]
    return sorted(listed.problems + conflicts, key=lambda problem: (problem.row, problem.column))


def _site(connection: Connection, site: SiteFile, action: EnterSite, at: datetime) -> SiteMaterial:
    if not hmac.compare_digest(digest_of_site(site.site), action.digest):
        raise MaterialDiffers(action.file)
    comparison = compare_site(connection, site.site, at)
    require_no_conflict(site, comparison)
    passwords, _ = find_passwords(site, comparison.new_names(Kind.CLIENT), may_ask=True)
    return SiteMaterial(site=site.site, passwords=passwords)


def _list(file: Path, action: EnterMeters) -> MetersMaterial:
    with _own_copy(file) as (copy, digest):
        if not hmac.compare_digest(digest, action.digest):
            raise MaterialDiffers(action.file)
        listed = load_meters(copy)
    if listed.problems:
        raise ImportRefused(
            file, [Problem(f"row {one.row}", one.text, "") for one in listed.problems]
        )
    return MetersMaterial(entries=listed.entries, fields=listed.fields, digest=digest)


@contextmanager
def _own_copy(file: Path) -> Iterator[tuple[Path, str]]:
    """Give a copy of a file and the digest of its octets: nobody changes it between the two."""
    octets = file.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(octets)
        yield copy, sha256(octets).hexdigest()
