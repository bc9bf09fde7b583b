"""Lets the day be read in bites of a few rows, as a big day is in bites of thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vending_api.domain.watching import credit_rows, habit_rows, ranges, repository, windows

if TYPE_CHECKING:
    import pytest


def take_small_bites(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Let every statement read so few rows."""
    monkeypatch.setattr(ranges, "_BITE", rows)
    monkeypatch.setattr(credit_rows, "_ENTRIES_AT_ONCE", rows)
    monkeypatch.setattr(repository, "_WRITERS_AT_ONCE", rows)
    monkeypatch.setattr(windows, "_OLDER_AT_ONCE", rows)
    monkeypatch.setattr(habit_rows, "_AT_ONCE", rows)
