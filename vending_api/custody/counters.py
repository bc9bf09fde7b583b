"""What was made under each key: ever, and today; kept in a file, and never set back.

The file is written ahead: it always says at least as much as was made, so that killing the
module wins nobody a token. What was written ahead and not made is given back at an orderly end.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sts.errors import IssueLimitReached
from vending_api.kit.private_files import replace_private

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

_AHEAD_TOKENS: Final = 1_000
_AHEAD_TENTHS: Final = 1_000_000
"""100,000 units."""


class CountersInvalid(Exception):
    """The file of the counters is not what this module wrote; the text says what to do."""


class CountersNotWritten(Exception):
    """The file of the counters cannot be written, so nothing may be made; the text says why."""


class Limits(NamedTuple):
    """What may be made under one key in a day (UTC); None is no limit."""

    tokens_a_day: int | None = None
    tenths_a_day: int | None = None
    """Of units of credit."""


@dataclass(slots=True)
class Count:
    """What was made under one key."""

    tokens_ever: int = 0
    day: str = ""
    """The day, in UTC, that the other two are of."""
    tokens: int = 0
    tenths: int = 0

    def begin(self, day: str) -> None:
        """Count another day from nothing; one that is over never comes back."""
        if day > self.day:
            self.day, self.tokens, self.tenths = day, 0, 0


class Counters:
    """Counts by key, under limits; not for several threads at once."""

    def __init__(self, limits: Limits, file: Path | None) -> None:
        """Go on from a file, if there is one; raises CountersInvalid."""
        self._limits = limits
        self._file = file
        self._made: dict[str, Count] = {} if file is None else _read(file)
        self._written = {key: Count(**asdict(count)) for key, count in self._made.items()}

    def count(self, key: str, today: date, *, tenths: int) -> None:
        """Count a token that is about to be made under a key; raises IssueLimitReached."""
        count = self._made.setdefault(key, Count())
        count.begin(today.isoformat())
        most = self._limits
        if most.tokens_a_day is not None and count.tokens >= most.tokens_a_day:
            raise IssueLimitReached(
                f"key {key}: {most.tokens_a_day} tokens were made on {count.day}"
            )
        if most.tenths_a_day is not None and count.tenths + tenths > most.tenths_a_day:
            raise IssueLimitReached(
                f"key {key}: with this token more than {most.tenths_a_day // 10} units would have "
                f"been made on {count.day}"
            )
        count.tokens_ever += 1
        count.tokens += 1
        count.tenths += tenths

    def write_ahead(self) -> None:
        """Have the file say what was counted, and some more, unless it does so already.

        Raises CountersNotWritten.
        """
        if self._file is None or all(map(self._is_written, self._made)):
            return
        self._write(
            {
                key: Count(
                    tokens_ever=made.tokens_ever + _AHEAD_TOKENS,
                    day=made.day,
                    tokens=made.tokens + _AHEAD_TOKENS,
                    tenths=made.tenths + _AHEAD_TENTHS,
                )
                for key, made in self._made.items()
            }
        )

    def close(self) -> None:
        """Have the file say what was made, and no more; raises CountersNotWritten."""
        if self._file is not None:
            self._write({key: Count(**asdict(made)) for key, made in self._made.items()})

    def _is_written(self, key: str) -> bool:
        made, written = self._made[key], self._written.get(key)
        return (
            written is not None
            and written.day == made.day
            and written.tokens_ever >= made.tokens_ever
            and written.tokens >= made.tokens
            and written.tenths >= made.tenths
        )

    def _write(self, counts: dict[str, Count]) -> None:
        assert self._file is not None  # noqa: S101 (who writes has a file)
        text = json.dumps({key: asdict(count) for key, count in sorted(counts.items())}, indent=1)
        try:
            replace_private(self._file, text.encode())
        except OSError as error:
            raise CountersNotWritten(f"{self._file}: {error}") from None
        self._written = counts


def _read(file: Path) -> dict[str, Count]:
    if not file.exists():
        return {}
    try:
        read: dict[str, Any] = json.loads(file.read_text())
        counts = {key: Count(**count) for key, count in read.items()}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise CountersInvalid(
            f"{file}: it does not hold the counters of a security module "
            f"({type(error).__name__}); put the right file back, or name a new one"
        ) from None
    for count in counts.values():
        numbers = (count.tokens_ever, count.tokens, count.tenths)
        if not all(type(one) is int and one >= 0 for one in numbers):
            raise CountersInvalid(f"{file}: a counter is no number; put the right file back")
    return counts
