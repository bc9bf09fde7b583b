"""Findings about a file, made of its rows, the verdicts on them, and the sales that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vending_api.domain.audits import repository
from vending_api.domain.audits.matching import KINDS, METER_TEST, RIGHT
from vending_api.domain.audits.saying import NONE, sold_as
from vending_api.domain.audits.types import Finding, FindingKind, Said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from vending_api.domain.audits.field_file import FieldFile
    from vending_api.domain.audits.types import Tally

_TOKEN_DIGITS: Final = 20


def tell(
    connection: Connection,
    file: FieldFile,
    verdicts: NDArray[Any],
    names: Sequence[str],
    tally: Tally,
) -> Iterator[Finding]:
    """Yield the findings about a file in its order, and count rows; `names` are those of kinds."""
    for part in file.parts():
        start, tally.tokens = tally.tokens, tally.tokens + len(part)
        ours = np.array(verdicts[start : tally.tokens])
        tally.right += int(np.count_nonzero(ours["kind"] == RIGHT))
        tally.meter_tests += int(np.count_nonzero(ours["kind"] == METER_TEST))
        is_again = ours["first"] != np.arange(start, tally.tokens)
        wrong = np.flatnonzero(is_again | (ours["kind"] < RIGHT))
        keys = np.unique(ours["token_key"][wrong])
        sales = {
            row.key: row for row in repository.details(connection, keys[keys != NONE].tolist())
        }
        rows = part.take(wrong).to_pylist()
        for row, verdict, again in zip(rows, ours[wrong], is_again[wrong].tolist(), strict=True):
            if again:
                line = verdicts["line"][verdict["first"]]
                problem = f"it stands in line {line} already"
                yield _counted(tally, _finding(FindingKind.TWICE_IN_FILE, row, problem=problem))
            if verdict["kind"] < RIGHT:
                yield _counted(tally, _judged(row, verdict, names, sales))


def _judged(row: dict[str, Any], verdict: Any, names: Sequence[str], sales: Any) -> Finding:
    kind = KINDS[verdict["kind"]]
    if kind is FindingKind.UNKNOWN_METER:
        return _finding(kind, row)
    if kind is FindingKind.UNREADABLE:
        return _finding(kind, row, problem=_problem(row["token"]))
    said, identifier = (_some(verdict[name]) for name in ("said", "identifier"))
    sale = sales.get(int(verdict["token_key"]))
    return _finding(
        kind,
        row,
        base_date=int(verdict["base_date"]),
        says=Said(names[verdict["name"]], said, identifier),
        sold=None if sale is None else sold_as(sale),
        reference=None if sale is None else sale.reference,
        made_at=None if sale is None else sale.made_at,
    )


def _finding(kind: FindingKind, row: dict[str, Any], **facts: Any) -> Finding:
    return Finding(
        kind=kind,
        external_meter_id=row["meter"] or row["pan"],
        digits=row["token"],
        line=row["line"],
        seen_when=row["when"],
        seen_where=row["where"],
        **facts,
    )


def _problem(token: str) -> str:
    is_token = len(token) == _TOKEN_DIGITS and token.isascii() and token.isdigit()
    return "" if is_token else f"{len(token)} characters; expected 20 digits"


def _some(number: Any) -> int | None:
    return None if number == NONE else int(number)


def _counted(tally: Tally, finding: Finding) -> Finding:
    tally.findings[finding.kind] += 1
    return finding
