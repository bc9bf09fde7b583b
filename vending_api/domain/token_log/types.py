"""What the log says of a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A token that was made, and what it was made for."""

    reference: str
    """The purchase id of the sale, or the id of the key change request."""
    meter_key: int
    kind: str
    base_date: int
    token_identifier: int | None
    """None for the sections of a key change, which have none."""
    digits: str = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold."""

    writer: str
    sequence: int
    problem: str
