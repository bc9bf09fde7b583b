"""An exported log is proven without its database, and whoever edits it is found out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.domain.sealing import HOUR, prover
from tests.domain.test_token_log import ENTRY
from tests.support.service import NOON
from vending_api.domain.token_log import evidence
from vending_api.domain.token_log.errors import ExportInvalid
from vending_api.domain.token_log.exporting import LONGEST_LINE, prove_lines
from vending_api.domain.token_log.types import CHECKPOINTS, FILE, Break

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from vending_api.kit.signatures import SigningKey


def _lines(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(evidence.export_lines(connection, NOON + HOUR))


def test_an_export_holds_without_the_database_and_shows_no_digits(
    sealed: Engine, signer: SigningKey
) -> None:
    lines = _lines(sealed)
    proving = prover(signer)
    assert list(prove_lines(lines, proving)) == []
    extent = proving.extent
    assert (extent.chains, extent.rows, extent.checkpoints) == (3, 10, 2)
    assert (extent.newest_checkpoint, extent.rows_after_checkpoints) == (2, 2)
    assert extent.oldest_after_checkpoints == ENTRY.made_at
    assert not [line for line in lines if ENTRY.digits in line]


def _edited(line: str, **changes: Any) -> str:
    value = json.loads(line)
    (kind,) = value
    return json.dumps({kind: {**value[kind], **changes}})


def _altered(lines: list[str]) -> list[str]:
    return [
        _edited(one, meter_key=9) if '"sequence":4' in one and "row" in one else one
        for one in lines
    ]


def _shortened(lines: list[str]) -> list[str]:
    return [one for one in lines if not ('"x"' in one and '{"row"' in one)]


ATTACKS: Final[dict[str, tuple[Callable[[list[str]], list[str]], list[Break]]]] = {
    "a row that was altered": (_altered, [Break("w", 4, "was changed")]),
    "a chain that was taken out": (
        _shortened,
        [
            Break(
                FILE,
                13,
                "says {'checkpoints': 2, 'rows': 10}, but there were {'checkpoints': 2, 'rows': 9}",
            ),
            Break("x", 1, "the whole chain is gone; checkpoint 2 knows it"),
        ],
    ),
    "a checkpoint that was altered": (
        lambda lines: [lines[0], lines[1], _edited(lines[2], made_at=NOON.isoformat()), *lines[3:]],
        [Break(CHECKPOINTS, 2, "was changed: its signature does not fit")],
    ),
    "checkpoints in another order": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        [
            Break(CHECKPOINTS, 2, "1 before it missing"),
            Break(CHECKPOINTS, 1, "is there twice, or out of order"),
            Break(CHECKPOINTS, 1, "goes back in the chain w"),
        ],
    ),
    "a checkpoint after the rows": (
        lambda lines: [*lines[:2], *lines[3:-1], lines[2], lines[-1]],
        [
            Break(CHECKPOINTS, 2, "stands after rows"),
            Break(
                FILE,
                14,
                "says {'checkpoints': 2, 'rows': 10}, but there were "
                "{'checkpoints': 1, 'rows': 10}",
            ),
        ],
    ),
    "a file that was cut": (
        lambda lines: lines[:-1],
        [Break(FILE, 13, "the file ends here, before the end of the export")],
    ),
    "a chain in two parts": (
        lambda lines: [*lines[:4], *lines[5:12], lines[4], *lines[12:]],
        [
            Break("v", 1, "the row after it is gone; checkpoint 1 knows the end"),
            Break("v", 0, "its rows are not together"),
            Break("v", 2, "the row before it is missing"),
        ],
    ),
    "a line after the end": (
        lambda lines: [*lines, lines[1]],
        [
            Break(FILE, 15, "stands after the end"),
            Break(CHECKPOINTS, 1, "stands after rows"),
        ],
    ),
    "a line that is nothing": (
        lambda lines: [*lines[:3], "[]", *lines[3:]],
        [Break(FILE, 4, "is no line of an export, or says what cannot be")],
    ),
}


@pytest.mark.parametrize(("attack", "expected"), ATTACKS.values(), ids=ATTACKS)
def test_an_edited_export_isfound(
    sealed: Engine,
    signer: SigningKey,
    attack: Callable[[list[str]], list[str]],
    expected: list[Break],
) -> None:
    assert list(prove_lines(attack(_lines(sealed)), prover(signer))) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[" * 100_000,
        " " * (LONGEST_LINE + 1),
        '{"row":[]}',
        '{"row":{}}',
        '{"checkpoint":{"number":true}}',
        '{"checkpoint":{"heads":[["w"]]}}',
    ],
    ids=range(8),
)
def test_a_line_of_anything_is_found_and_the_rest_is_proven(
    sealed: Engine, signer: SigningKey, line: str
) -> None:
    first, *rest = _lines(sealed)
    bad = Break(FILE, 2, "is no line of an export, or says what cannot be")
    assert list(prove_lines([first, line, *rest], prover(signer))) == [bad]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("writer", 1),
        ("writer", "\ud800"),
        ("sequence", "4"),
        ("sequence", True),
        ("made_at", "2026-11-21T12:00:00"),
        ("made_at", "noon"),
        ("token_identifier", 1.5),
        ("warrant", 7),
    ],
)
def test_a_row_that_cannot_be_isfound(
    sealed: Engine, signer: SigningKey, column: str, value: object
) -> None:
    lines = _lines(sealed)
    lines[-2] = _edited(lines[-2], **{column: value})
    breaks = list(prove_lines(lines, prover(signer)))
    bad = Break(FILE, len(lines) - 1, "is no line of an export, or says what cannot be")
    assert breaks[0] == bad


@pytest.mark.parametrize("lines", [[], [""], ["{}"], ['{"export":"another"}'], ['{"row":{}}']])
def test_what_does_not_begin_as_an_export_is_none(lines: list[str], signer: SigningKey) -> None:
    with pytest.raises(ExportInvalid):
        list(prove_lines(lines, prover(signer)))
