"""The log of every token ever made: each row vouches for the one before it.

A row's digest covers all its other columns, the digest of its writer's row before among
them. So a row that is changed, taken out or moved is found, and so are the rows around it,
unless everything after it is written anew. Checkpoints (`checkpoints.py`) keep that, and the
cutting of a chain's end, from whoever has not their signing key.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.token_log import repository
from vending_api.domain.token_log.canonical import NO_DIGEST, digest_of_row
from vending_api.domain.token_log.proving import Prover
from vending_api.domain.token_log.repository import Head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from vending_api.domain.token_log.types import Break, LogEntry

_BEFORE_THE_FIRST: Final = Head(sequence=0, digest=NO_DIGEST)


def append(connection: Connection, writer: str, entries: Sequence[LogEntry]) -> None:
    """Add tokens that were made to the chain of a writer, which nobody else writes to now.

    Raises ValueError for a token that nobody ordered.
    """
    if not entries:
        return
    sequence, digest = repository.find_head(connection, writer) or _BEFORE_THE_FIRST
    rows: list[dict[str, Any]] = []
    for entry in entries:
        if not entry.warrant:
            raise ValueError(f"a {entry.kind} token of {entry.reference} has no warrant")
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
            "warrant": entry.warrant,
        }
        row["digest"] = digest = digest_of_row(row)
        rows.append(row)
    repository.add_rows(connection, rows)


def digest_of_token(digits: str) -> str:
    """Return what the log says of a token's digits: SHA-256, in hex digits."""
    return sha256(digits.encode()).hexdigest()


def breaks(connection: Connection) -> Iterator[Break]:
    """Yield the places where a chain by itself does not hold, by writer and sequence.

    Rows that were taken from the end of a chain are out of reach: that needs the checkpoints.
    """
    prover = Prover({})
    for row in repository.all_rows(connection):
        yield from prover.row(row)
