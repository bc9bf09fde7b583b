"""The log of every token ever made: each row vouches for the one before it.

A row's digest covers all its other columns, the digest of its writer's row before among
them. So a row that is changed, taken out or moved is found, and so are the rows around it,
unless everything after it is written anew. Out of reach is the end: newest rows that are
taken away leave a chain that holds, only shorter. Whoever must know keeps the newest digest of each
writer elsewhere, or counts the tokens that were sold.
"""

from __future__ import annotations

from datetime import UTC
from hashlib import sha256
from json import JSONEncoder
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.token_log import repository
from vending_api.domain.token_log.repository import Head
from vending_api.domain.token_log.types import Break

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from vending_api.domain.token_log.types import LogEntry

_BEFORE_THE_FIRST: Final = Head(sequence=0, digest="0" * 64)
_TEXT: Final = JSONEncoder().encode
"""A text as JSON writes it, in ASCII: all that the canonical form of a row leaves to encode."""


def append(connection: Connection, writer: str, entries: Sequence[LogEntry]) -> None:
    """Add tokens that were made to the chain of a writer, which nobody else writes to now."""
    if not entries:
        return
    sequence, digest = repository.find_head(connection, writer) or _BEFORE_THE_FIRST
    rows: list[dict[str, Any]] = []
    for entry in entries:
        sequence += 1
        row: dict[str, Any] = {
            "writer": writer,
            "sequence": sequence,
            "previous_digest": digest,
            "reference": entry.reference,
            "meter_key": entry.meter_key,
            "kind": entry.kind,
            "base_date": entry.base_date,
            "token_identifier": entry.token_identifier,
            "token_digest": digest_of_token(entry.digits),
            "made_at": entry.made_at,
        }
        row["digest"] = digest = _digest(row)
        rows.append(row)
    repository.add_rows(connection, rows)


def digest_of_token(digits: str) -> str:
    """Return what the log says of a token's digits: SHA-256, in hex digits."""
    return sha256(digits.encode()).hexdigest()


def breaks(connection: Connection) -> Iterator[Break]:
    """Yield the places where a chain does not hold, by writer and sequence.

    Rows that were taken from the end of a chain are out of reach.
    """
    writer, head = None, _BEFORE_THE_FIRST
    for row in repository.all_rows(connection):
        if row["writer"] != writer:
            writer, head = row["writer"], _BEFORE_THE_FIRST
        sequence, digest = row["sequence"], row.pop("digest")
        missing = sequence - head.sequence - 1
        if missing:
            yield Break(row["writer"], sequence, _words_of_gap(missing))
        elif row["previous_digest"] != head.digest:
            yield Break(row["writer"], sequence, "does not follow the row before it")
        if _digest(row) != digest:
            yield Break(row["writer"], sequence, "was changed")
        head = Head(sequence, digest)


def _digest(row: Mapping[str, Any]) -> str:
    """Return the digest of a row without its own, in the same words on every database."""
    return sha256(_canonical(row).encode()).hexdigest()


def _canonical(row: Mapping[str, Any]) -> str:
    """Return a row without its digest as JSON: names in order, no spaces, the moment in UTC.

    Every sale comes by, and an encoder of any row takes three times as long as the columns
    written out. Digests that are stored hold for these very characters.
    """
    identifier = row["token_identifier"]
    made_at = row["made_at"].astimezone(UTC).isoformat(timespec="microseconds")
    return (
        f'{{"base_date":{row["base_date"]},"kind":{_TEXT(row["kind"])},"made_at":"{made_at}",'
        f'"meter_key":{row["meter_key"]},"previous_digest":{_TEXT(row["previous_digest"])},'
        f'"reference":{_TEXT(row["reference"])},"sequence":{row["sequence"]},'
        f'"token_digest":{_TEXT(row["token_digest"])},'
        f'"token_identifier":{"null" if identifier is None else identifier},'
        f'"writer":{_TEXT(row["writer"])}}}'
    )


def _words_of_gap(missing: int) -> str:
    return (
        "the row before it is missing" if missing == 1 else f"{missing} rows before it are missing"
    )
