"""The numbers of a sale."""

from __future__ import annotations

from typing import NamedTuple


class Numbers(NamedTuple):
    """What a sale is known by on paper."""

    series_key: int
    """The series that they are of; the first part of each number."""
    first_receipt: int
    receipts: tuple[str, ...]
    """As many as were asked for, in order: "17-000042"."""
    invoice: str | None
    """"17-2026-000042"; None if none was asked for."""


class Place(NamedTuple):
    """What a series of numbers is for."""

    utility_key: int
    client_key: int
    terminal_id: str
