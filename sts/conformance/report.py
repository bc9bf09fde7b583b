"""What a conformance run found: failures of one line each, and the count of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_LONGEST_VALUE: Final = 160
"""Characters of a value that a failure shows; a wrong line may be megabytes long."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One field of one vector that is not what it should be; it never holds key octets."""

    identifier: str
    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        identifier, field, expected, got = map(
            one_line, (self.identifier, self.field, self.expected, self.got)
        )
        return f"{identifier}: {field}: expected {expected}, got {got}"


class Verdict(Enum):
    """What became of a vector."""

    PASSED = auto()
    FAILED = auto()
    SKIPPED = auto()
    """It needs the licensed tables, and none were given."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one vector, with its failures if it has any."""

    verdict: Verdict
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True)
class Tally:
    """How many vectors passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count one vector."""
        if verdict is Verdict.PASSED:
            self.passed += 1
        elif verdict is Verdict.FAILED:
            self.failed += 1
        else:
            self.skipped += 1

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def one_line(text: str, *, longest: int = _LONGEST_VALUE) -> str:
    """Return `text` cut to a readable length, with line breaks and controls as escapes."""
    cut = text if len(text) <= longest else f"{text[:longest]}..."
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in cut
    )
