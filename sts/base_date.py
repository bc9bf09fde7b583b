"""Base dates: the moments from which token identifiers count their minutes."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Self

from sts.errors import InvalidField


class BaseDate(IntEnum):
    """A base date, by its year: January 1st 00:00:00 UTC (IEC 62055-41)."""

    YEAR_1993 = 1993
    YEAR_2014 = 2014
    YEAR_2035 = 2035

    moment: datetime
    """The base date as a moment in UTC."""

    def __init__(self, year: int) -> None:
        self.moment = datetime(year, 1, 1, tzinfo=UTC)

    @classmethod
    def parse(cls, year: int | str) -> Self:
        """Return the base date of a year, written with four digits or two ("14").

        Raises InvalidField for any other year.
        """
        text = str(year)
        for base_date in cls:
            if text in {str(base_date.value), base_date.two_digits}:
                return base_date
        raise InvalidField("base date", f"{text!r} is not one", "1993, 2014 or 2035")

    @property
    def two_digits(self) -> str:
        """The year as DKGA04 writes it: "93", "14" or "35"."""
        return f"{self.value % 100:02}"
