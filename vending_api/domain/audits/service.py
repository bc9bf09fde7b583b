"""The audit of everything that the records say was sold: keys, records and token log agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from vending_api.domain.audits import repository
from vending_api.domain.audits.blocks import tables
from vending_api.domain.audits.key_data import READ_WITH, KeyDataNumbers
from vending_api.domain.audits.logged import LoggedTokens, facts_of
from vending_api.domain.audits.register import Register
from vending_api.domain.audits.saying import compare, is_read, numbers, said_by, sold_as
from vending_api.domain.audits.shelves import ROW, Shelves
from vending_api.domain.audits.stored import StoredDigits, digits_of_row, opened
from vending_api.domain.audits.types import Finding, FindingKind, Said, Tally
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from sts.batch import BatchSecurityModule

    Told = Callable[[str, int, int], None]
    """Hears what is done (a stage), how much of it, and of how much."""


class _Wrong(NamedTuple):
    """A token by its key, and what is wrong with it."""

    kind: FindingKind
    says: Said | None
    problem: str


def audit_sold(
    connection: Connection, module: BatchSecurityModule, folder: Path, tally: Tally, told: Told
) -> Iterator[Finding]:
    """Yield what is wrong with the tokens that the records say were sold; count them in a tally.

    On PostgreSQL, give it a connection that sees one state of the database all the time (REPEATABLE
    READ). `folder` is for files that pass; they hold no digits.
    """
    repository.prepare(connection)
    total = repository.tokens_held(connection)
    wrong: dict[int, _Wrong] = {}
    with Shelves(folder, "sold") as sold, Shelves(folder, "logged") as logged:
        register = Register.whole(connection, KeyDataNumbers())
        for rows in tables(repository.token_blocks(connection)):
            stored = opened(vault_of(connection), rows)
            wrong |= _checked(module, register, rows, stored)
            sold.put(_shelved(rows, stored))
            tally.tokens += len(rows)
            told("tokens", tally.tokens, total)
        log = LoggedTokens(connection)
        for entries in log.read():
            logged.put(entries)
            tally.logged += len(entries)
            told("token log", tally.logged, total)
        gone: list[int] = []
        for shelf in zip(sold.taken(), logged.taken(), strict=True):
            ours, theirs = (some[np.argsort(some["digest"])] for some in shelf)
            for key, kind in _unmatched(ours, theirs):
                wrong.setdefault(key, _Wrong(kind, None, ""))
            gone += theirs["place"][~_met(theirs, ours)[0]].tolist()
    yield from _counted(tally, _findings(connection, wrong))
    yield from _counted(tally, _twins(connection))
    yield from _counted(tally, log.gone(gone))


def _checked(
    module: BatchSecurityModule, register: Register, rows: Any, stored: StoredDigits
) -> dict[int, _Wrong]:
    """Return what is wrong with tokens as they stand, by their keys.

    Of those that are forgotten it can only be said whether they were sold.
    """
    if stored.is_forgotten.any():
        is_unsold = stored.is_forgotten & (numbers(rows["is_sold"]) != 1)
        unsold = numbers(rows["token_key"])[is_unsold].tolist()
        there = pa.array(~stored.is_forgotten)
        wrong = _read(module, register, rows.filter(there), stored.digits.filter(there))
        return wrong | dict.fromkeys(unsold, _Wrong(FindingKind.NO_SALE, None, ""))
    return _read(module, register, rows, stored.digits)


def _read(
    module: BatchSecurityModule, register: Register, rows: Any, digits: Any
) -> dict[int, _Wrong]:
    """Return what is wrong with tokens whose digits are there."""
    rows = rows.combine_chunks()
    meters = register.places(numbers(rows["meter_key"]))
    asked = rows.select(READ_WITH).append_column("pan", register.pans(meters))
    answer = module.verify(asked.append_column("token", digits))
    was_read = is_read(answer)
    found = compare(
        answer.append_column("token_identifier", rows["token_identifier"]),
        kind=rows["kind"],
        service_type=register.services(meters),
        units_tenths=rows["units_tenths"],
        setting=rows["setting"],
    )
    is_sold = numbers(rows["is_sold"]) == 1
    right = was_read & found.kind & found.value & found.identifier & is_sold
    keys = numbers(rows["token_key"])
    wrong = {}
    for row in np.flatnonzero(~right).tolist():
        if not was_read[row]:
            kind, problem = FindingKind.UNREADABLE, answer["message"][row].as_py() or ""
        else:
            kind, problem = _first_difference(found, row), ""
        says = said_by(answer, row) if was_read[row] else None
        wrong[int(keys[row])] = _Wrong(kind, says, problem)
    return wrong


def _first_difference(found: Any, row: int) -> FindingKind:
    if not found.kind[row]:
        return FindingKind.OTHER_KIND
    if not found.value[row]:
        return FindingKind.OTHER_AMOUNT
    return FindingKind.NO_SALE if found.identifier[row] else FindingKind.OTHER_IDENTIFIER


def _shelved(rows: Any, stored: StoredDigits) -> Any:
    shelved = np.empty(len(rows), ROW)
    shelved["digest"] = stored.digests
    shelved["facts"] = facts_of(rows)
    shelved["place"] = numbers(rows["token_key"])
    shelved["must"] = (numbers(rows["is_sold"]) == 1) & (numbers(rows["is_logged"]) == 1)
    return shelved


def _unmatched(ours: Any, theirs: Any) -> Iterator[tuple[int, FindingKind]]:
    """Yield the keys of tokens that the log does not know, or knows otherwise."""
    is_known, is_same = _met(ours, theirs)
    # The log may say several things of one token; it is enough that one of them is right.
    doubted = np.flatnonzero(is_known & ~is_same)
    is_same[doubted] = np.isin(_whole(ours[doubted]), _whole(theirs))
    for key in ours["place"][ours["must"] & ~is_known].tolist():
        yield key, FindingKind.NOT_IN_LOG
    for key in ours["place"][is_known & ~is_same].tolist():
        yield key, FindingKind.LOG_DIFFERS


def _met(ours: Any, theirs: Any) -> tuple[Any, Any]:
    """Return which digests others have, and where the facts of the first of those are the same.

    Both are in the order of their digests.
    """
    if not len(theirs):
        return np.zeros(len(ours), np.bool_), np.zeros(len(ours), np.bool_)
    place = np.searchsorted(theirs["digest"], ours["digest"])
    met = theirs[np.minimum(place, len(theirs) - 1)]
    is_known = met["digest"] == ours["digest"]
    return is_known, is_known & (met["facts"] == ours["facts"])


def _whole(rows: Any) -> Any:
    """Return digest and facts in one number; the digest alone tells tokens apart already."""
    return rows["digest"] ^ rows["facts"]


def _findings(connection: Connection, wrong: dict[int, _Wrong]) -> Iterator[Finding]:
    for row in repository.details(connection, wrong):
        one = wrong[row.key]
        digits = digits_of_row(vault_of(connection), row)
        yield _finding(one.kind, row, digits, says=one.says, problem=one.problem)


def _twins(connection: Connection) -> Iterator[Finding]:
    found = repository.twins(connection)
    for row in repository.twin_details(connection, found):
        yield _finding(FindingKind.IDENTIFIER_TWICE, row, digits_of_row(vault_of(connection), row))


def _finding(
    kind: FindingKind, row: Any, digits: str, *, says: Said | None = None, problem: str = ""
) -> Finding:
    return Finding(
        kind=kind,
        external_meter_id=row.external_id,
        digits=digits,
        base_date=row.base_date,
        says=says,
        sold=sold_as(row),
        reference=row.reference,
        made_at=row.made_at,
        problem=problem,
    )


def _counted(tally: Tally, findings: Iterable[Finding]) -> Iterator[Finding]:
    for one in findings:
        tally.findings[one.kind] += 1
        yield one
