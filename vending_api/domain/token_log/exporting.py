"""A log as a file of lines, each a JSON document: what an auditor proves without the database.

The first line says what it is; then come the checkpoints by number, the rows by chain and
sequence, and last how many there were. Tokens are in it as digests alone.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.token_log.canonical import canonical_moment
from vending_api.domain.token_log.errors import ExportInvalid
from vending_api.domain.token_log.types import CHECKPOINTS, FILE, Break, ChainHead, Checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vending_api.domain.token_log.proving import Prover

_FORMAT: Final = "vending token log 1"
_WRITE: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
LONGEST_LINE: Final = 16 * 1024 * 1024
"""Characters; a checkpoint of a hundred thousand chains has fewer."""
_TEXTS: Final = ("writer", "previous_digest", "digest", "reference", "kind", "token_digest")
_NUMBERS: Final = ("sequence", "meter_key", "base_date")


def exported(
    checkpoints: Iterable[Checkpoint], rows: Iterable[Mapping[str, Any]], at: datetime
) -> Iterator[str]:
    """Yield the lines of an export, without line ends."""
    counts = {"checkpoints": 0, "rows": 0}
    yield _WRITE({"export": _FORMAT, "at": canonical_moment(at)})
    for one in checkpoints:
        counts["checkpoints"] += 1
        yield _WRITE({"checkpoint": _stored_checkpoint(one)})
    for row in rows:
        counts["rows"] += 1
        yield _WRITE({"row": {**row, "made_at": canonical_moment(row["made_at"])}})
    yield _WRITE({"end": counts})


def prove_lines(lines: Iterable[str], prover: Prover) -> Iterator[Break]:
    """Yield every place where an exported log does not hold; raises ExportInvalid for none."""
    at: datetime | None = None
    is_ended = False
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            kind, value = _parsed(line)
            if at is None:
                at = _moment_of_export(value)
                continue
            if is_ended:
                yield Break(FILE, number, "stands after the end")
            found = list(_proven(kind, value, prover))
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
            if at is None:
                raise ExportInvalid(number, f"it does not say that it is a {_FORMAT!r}") from None
            yield Break(FILE, number, "is no line of an export, or says what cannot be")
            continue
        is_ended = is_ended or kind == "end"
        yield from found
        if kind == "end" and value[kind] != (counted := _counts(prover)):
            yield Break(FILE, number, f"says {value[kind]}, but there were {counted}")
    if at is None:
        raise ExportInvalid(1, "the file is empty")
    if not is_ended:
        yield Break(FILE, number, "the file ends here, before the end of the export")
    yield from prover.end(at)


def _proven(kind: str, value: dict[str, Any], prover: Prover) -> Iterator[Break]:
    if kind == "checkpoint":
        one = _checkpoint(value[kind])
        if prover.extent.rows:
            yield Break(CHECKPOINTS, one.number, "stands after rows")
        else:
            yield from prover.checkpoint(one)
    elif kind == "row":
        yield from prover.row(_row(value[kind]))


def _parsed(line: str) -> tuple[str, dict[str, Any]]:
    """Return what a line is and says; raises ValueError."""
    value = json.loads(line) if len(line) <= LONGEST_LINE else None
    if isinstance(value, dict):
        for kind in ("export", "checkpoint", "row", "end"):
            if kind in value:
                return kind, value
    raise ValueError(line[:0])


def _counts(prover: Prover) -> dict[str, int]:
    return {"checkpoints": prover.extent.checkpoints, "rows": prover.extent.rows}


def _moment_of_export(value: dict[str, Any]) -> datetime:
    if value["export"] != _FORMAT:
        raise ValueError(value["export"])
    return _moment(value["at"])


def _stored_checkpoint(one: Checkpoint) -> dict[str, Any]:
    return {
        "number": one.number,
        "made_at": canonical_moment(one.made_at),
        "previous_digest": one.previous_digest,
        "heads": one.heads,
        "key_id": one.key_id,
        "signature": one.signature,
    }


def _checkpoint(value: dict[str, Any]) -> Checkpoint:
    return Checkpoint(
        number=_number(value["number"]),
        made_at=_moment(value["made_at"]),
        previous_digest=_text(value["previous_digest"]),
        heads=tuple(
            ChainHead(_text(writer), _number(sequence), _text(digest))
            for writer, sequence, digest in value["heads"]
        ),
        key_id=_text(value["key_id"]),
        signature=_text(value["signature"]),
    )


def _row(value: dict[str, Any]) -> dict[str, Any]:
    identifier, warrant = value["token_identifier"], value["warrant"]
    return {
        **{name: _text(value[name]) for name in _TEXTS},
        **{name: _number(value[name]) for name in _NUMBERS},
        "token_identifier": None if identifier is None else _number(identifier),
        "made_at": _moment(value["made_at"]),
        "warrant": None if warrant is None else _text(warrant),
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # half a character is none, and cannot be shown
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment.astimezone(UTC)
