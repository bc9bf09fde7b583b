"""What is wrong with a file: all of it at once, each with its place and its mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """A place in a file, what is wrong there, and what would be right."""

    place: str
    problem: str
    mend: str

    @property
    def text(self) -> str:
        """What is wrong and what would be right, in one line."""
        return "; ".join(part for part in (self.problem, self.mend) if part)

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


class ImportRefused(Exception):
    """A file that was not imported, not even in part."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__(f"{path}: {len(problems)} problems; nothing was written")
        self.path = path
        self.problems = problems
