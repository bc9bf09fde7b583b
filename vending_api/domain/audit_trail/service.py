"""What the audit trail keeps, and whether it holds.

Each row's digest covers the row and the digest before it: what is changed, taken out or moved is
found, unless all after it is written anew. The end can be cut off: keep its digest elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.audit_trail import repository
from vending_api.domain.audit_trail.tables import AUDIT_TRAIL
from vending_api.domain.audit_trail.types import Action, TrailBreak
from vending_api.domain.token_log.canonical import NO_DIGEST, canonical_moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.audit_trail.types import NewAction

_LENGTHS: Final = {"who": 40, "known_by": 32, "command": 40, "outcome": 200, "subject": 4_000}
"""What is longer is cut: an action must not fail, nor a refusal go unnoted, for its length."""


def note(connection: Connection, action: NewAction) -> None:
    """Add an action to the trail, last in its transaction: others wait until that is over."""
    sequence, digest = repository.lock_end(connection) or (0, NO_DIGEST)
    texts = {name: getattr(action, name)[:longest] for name, longest in _LENGTHS.items()}
    row = asdict(action) | texts | {"sequence": sequence + 1, "previous_digest": digest}
    repository.add_row(connection, row | {"digest": digest_of_row(row)})


def actions(connection: Connection, since: datetime | None = None) -> Iterator[Action]:
    """Yield the actions by number; all, or those since a moment."""
    for row in repository.all_rows(connection, since):
        yield Action(**{name: value for name, value in row.items() if name != "previous_digest"})


def breaks(connection: Connection) -> Iterator[TrailBreak]:
    """Yield the places where the trail does not hold, by number."""
    expected, before = 1, NO_DIGEST
    for row in repository.all_rows(connection):
        sequence = row["sequence"]
        if sequence != expected:
            yield TrailBreak(sequence, f"the row before it is {expected - 1} by its number")
        if row["previous_digest"] != before:
            yield TrailBreak(sequence, "it does not follow the row before it")
        if row["digest"] != digest_of_row(row):
            yield TrailBreak(sequence, "it was changed")
        expected, before = sequence + 1, row["digest"]


def digest_of_row(row: dict[str, Any]) -> str:
    """Return the digest of a row without its own: SHA-256 of its columns as JSON, in hex digits."""
    facts = {column.name: row[column.name] for column in AUDIT_TRAIL.c if column.name != "digest"}
    facts["at"] = canonical_moment(facts["at"])
    words = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return sha256(words.encode()).hexdigest()
