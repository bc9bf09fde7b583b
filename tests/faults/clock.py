"""A clock that another process sets forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike


class Clock:
    """The machine's clock, off by as many seconds as stand in a file."""

    def __init__(self, file: str | PathLike[str]) -> None:
        self.file = Path(file)

    def set(self, offset: timedelta) -> None:
        """Let all who read the clock be off by so much, from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(str(round(offset.total_seconds())), encoding="ascii")
        new.replace(self.file)  # at once, so that nobody reads half of it

    def now(self) -> datetime:
        """Return the moment that the clock shows."""
        return datetime.now(UTC) + timedelta(seconds=int(self.file.read_text(encoding="ascii")))
