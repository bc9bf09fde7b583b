"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A point of sale or aggregator that has proven who it is."""

    key: int
    """Our own number of the row; never leaves the service."""
    user_name: str
    """The institution id that it authenticates with."""
    name: str
