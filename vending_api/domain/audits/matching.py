"""Readings of found tokens meet what was sold to the same meters, a shelf at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sts.tokens.codec import CLEAR_CLASS
from vending_api.domain.audits.rows import mixed
from vending_api.domain.audits.saying import NONE, agree
from vending_api.domain.audits.types import FindingKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vending_api.domain.audits.key_data import KeyDataNumbers

KINDS: Final = [*FindingKind]
RIGHT: Final = len(KINDS)
METER_TEST: Final = RIGHT + 1
"""With the places in KINDS, what the kind of a verdict is."""
_DATED: Final = ("meter_key", "base_date", "identifier")
_EXACT: Final = ("meter_key", "digest")


def judge(verdicts: NDArray[Any], kept: Any, readings: Any, key_data: KeyDataNumbers) -> Any:
    """Write a verdict on each row that has readings; return the readings that were taken.

    `kept` are all tokens that were sold to the meters of `readings`. Of several readings of a row
    the one counts that a sale explains best.
    """
    exact = _met(_columns(kept, key_data, _EXACT), _columns(readings, key_data, _EXACT))
    has_identifier = np.flatnonzero(kept["identifier"] != NONE)
    dated = _met(
        _columns(kept[has_identifier], key_data, _DATED), _columns(readings, key_data, _DATED)
    )
    dated = np.append(has_identifier, NONE)[dated]
    key_data_kept = np.append(kept["key_data"], np.int32(NONE))
    is_exact = (exact != NONE) & (key_data_kept[exact] == readings["key_data"])
    rank = np.select([is_exact, exact != NONE, dated != NONE], [0, 1, 2], 3)
    order = np.lexsort((readings["turn"], rank, readings["row"]))
    _, first = np.unique(readings["row"][order], return_index=True)
    best = order[first]
    taken, sold = readings[best], np.where(exact != NONE, exact, dated)[best]
    of_row = verdicts[taken["row"]]
    of_row["kind"] = _kinds(taken, kept, sold)
    of_row["base_date"] = key_data.base_dates(taken["key_data"])
    of_row["token_key"] = np.append(kept["token_key"], NONE)[sold]
    for name in ("said", "identifier", "name"):
        of_row[name] = taken[name]
    verdicts[taken["row"]] = of_row
    return taken


def _kinds(taken: Any, kept: Any, sold: NDArray[np.int64]) -> NDArray[np.int64]:
    nothing = np.zeros(1, kept.dtype)
    records = np.concatenate([kept, nothing])[sold]  # NONE is the last
    found = agree(
        code=taken["code"].astype(np.int64),
        said=taken["said"],
        identifier=taken["identifier"],
        kind=records["kind"],
        service_type=taken["service"],
        units_tenths=records["units_tenths"],
        setting=records["setting"],
        token_identifier=records["identifier"],
    )
    cases = (
        (taken["code"] >> 4 == CLEAR_CLASS, METER_TEST),
        (sold == NONE, KINDS.index(FindingKind.NEVER_SOLD)),
        (~found.kind, KINDS.index(FindingKind.OTHER_KIND)),
        (~found.value, KINDS.index(FindingKind.OTHER_AMOUNT)),
        (~found.identifier, KINDS.index(FindingKind.OTHER_IDENTIFIER)),
        (taken["digest"] != records["digest"], KINDS.index(FindingKind.MADE_AGAIN)),
    )
    return np.select([case for case, _ in cases], [kind for _, kind in cases], RIGHT)


def _columns(rows: Any, key_data: KeyDataNumbers, names: tuple[str, ...]) -> list[NDArray[Any]]:
    return [
        key_data.base_dates(rows["key_data"]) if name == "base_date" else rows[name]
        for name in names
    ]


def _met(there: list[NDArray[Any]], asked: list[NDArray[Any]]) -> NDArray[np.int64]:
    """Return where each asked row of columns stands among others, the last of these, or NONE."""
    hashes = mixed(*there)
    if not len(hashes):
        return np.full(len(asked[0]), NONE)
    order = np.argsort(hashes, kind="stable")
    behind = np.searchsorted(hashes[order], mixed(*asked), side="right")
    found = order[np.maximum(behind - 1, 0)]
    is_same = behind > 0
    for ours, theirs in zip(there, asked, strict=True):
        is_same &= ours[found] == theirs
    return np.where(is_same, found, NONE)
