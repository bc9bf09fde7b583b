"""What does not agree."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """Two records that ought to agree and do not."""

    check: str
    """Which rule: "sale without token"."""
    reference: str
    """What to look up: a purchase id, a client, a writer of the log."""
    problem: str
    """What is wrong, in words."""
