"""Token identifiers (TID): the minute of issue, which makes every token unique."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from sts.errors import InvalidField, TokenIdentifierOutOfRange

if TYPE_CHECKING:
    from sts.base_date import BaseDate

MAX_TOKEN_IDENTIFIER_MINUTES: Final = (1 << 24) - 1
_MINUTE: Final = timedelta(minutes=1)
_MINUTES_A_DAY: Final = 24 * 60
_RESERVED_MINUTE: Final = 1
"""00:01 of every day belongs to special tokens; credit never carries it (STS 531 CTSA09)."""


@dataclass(frozen=True, slots=True, order=True)
class TokenIdentifier:
    """Whole minutes since a base date, 0 to 2^24-1.

    Raises InvalidField outside that range. A token does not say which base date
    it counts from; that belongs to the vending key.
    """

    minutes: int

    def __post_init__(self) -> None:
        if not 0 <= self.minutes <= MAX_TOKEN_IDENTIFIER_MINUTES:
            raise InvalidField(
                "token identifier",
                f"{self.minutes} minutes does not fit 24 bits",
                f"0 to {MAX_TOKEN_IDENTIFIER_MINUTES}",
            )

    @classmethod
    def at(cls, issue_time: datetime, base_date: BaseDate) -> Self:
        """Return the identifier of a token issued at `issue_time`, an aware datetime.

        Seconds are dropped, and the reserved minute 00:01 UTC becomes 00:02.

        Raises InvalidField for a naive time, TokenIdentifierOutOfRange before the
        base date and once its 24 bits are used up (base 1993: 2024-11-24 20:15).
        """
        if issue_time.tzinfo is None:
            raise InvalidField("issue time", "it has no time zone", "an aware datetime, as in UTC")
        minutes = (issue_time - base_date.moment) // _MINUTE
        if minutes % _MINUTES_A_DAY == _RESERVED_MINUTE:
            minutes += 1
        if not 0 <= minutes <= MAX_TOKEN_IDENTIFIER_MINUTES:
            raise TokenIdentifierOutOfRange(
                f"no token identifier for {issue_time:%Y-%m-%d %H:%M} under base date "
                f"{base_date.value}; its range is {base_date.value}-01-01 00:00 to "
                f"{last_moment(base_date):%Y-%m-%d %H:%M} UTC",
            )
        return cls(minutes)

    def following(self) -> Self:
        """Return the next identifier that may be used, past the reserved minute.

        Raises TokenIdentifierOutOfRange after the last one.
        """
        minutes = self.minutes + 1
        if minutes % _MINUTES_A_DAY == _RESERVED_MINUTE:
            minutes += 1
        if minutes > MAX_TOKEN_IDENTIFIER_MINUTES:
            raise TokenIdentifierOutOfRange("the last token identifier of the base date is used")
        return type(self)(minutes)

    def issued_at(self, base_date: BaseDate) -> datetime:
        """Return the minute that this identifier stands for, in UTC."""
        return base_date.moment + timedelta(minutes=self.minutes)

    @property
    def high_byte(self) -> int:
        """The part that is held against the key expiry number: bits 23 to 16."""
        return self.minutes >> 16


def next_token_identifier(
    now: datetime, base_date: BaseDate, last: TokenIdentifier | None
) -> TokenIdentifier:
    """Return the identifier for a token made `now` for a meter whose newest one is `last`.

    The minute of the clock, or the next free one after `last` when the clock has
    not passed it; so identifiers of one meter only ever rise.

    Raises TokenIdentifierOutOfRange when the base date is used up.
    """
    by_clock = TokenIdentifier.at(now, base_date)
    if last is None or by_clock.minutes > last.minutes:
        return by_clock
    return last.following()


def last_moment(base_date: BaseDate) -> datetime:
    """Return the last minute, in UTC, that a base date can express."""
    return base_date.moment + timedelta(minutes=MAX_TOKEN_IDENTIFIER_MINUTES)
