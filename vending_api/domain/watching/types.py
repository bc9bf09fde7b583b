"""The sums of a day, what is out of the ordinary, and from where on it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime


class Window(NamedTuple):
    """A day, or the first hours of one, in one time zone."""

    zone: str
    """IANA name."""
    day: date
    begin: datetime
    """In UTC, as is the end, which is no part of it."""
    end: datetime


class AlertKind(StrEnum):
    """What is out of the ordinary."""

    DIFFERENCE = "difference"
    """The sums of the day do not agree."""
    UNITS = "units"
    """A meter got many more units than it ever does in a day."""
    REPRINTS = "reprints"
    """Tokens of a meter, or by a terminal, were handed out again and again."""
    ODD_HOURS = "odd_hours"
    """A client sells at night, and does not usually."""
    SAME_APPROVER = "same_approver"
    """One person approves all that another proposes, and nothing else."""
    IDENTIFIERS = "identifiers"
    """Token identifiers are ahead of the clock."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Alert:
    """Something that somebody should look at."""

    kind: AlertKind
    subject: str
    """What or whom it is about, for operators: may be the number of a meter, or names."""
    trace: str
    """The same without anything personal, for logs: our own number of it."""
    detail: str
    count: int
    """How much of it there is: units, reprints, sales, approvals, hours, or what is missing."""
    until: datetime
    """The end of the day that it is of, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """From where on something is out of the ordinary; all bounds are still ordinary."""

    units_floor: int = 500
    """Units of a day that are never looked at."""
    units_times: int = 3
    """How many times the largest day that went before."""
    units_days: int = 90
    """How many days before count."""
    units_known_days: int = 5
    """On how many of them a meter must have got credit to have a habit."""
    reprints_of_meter: int = 5
    reprints_by_terminal: int = 50
    night_hours: int = 4
    """From midnight on, by the utility's clock."""
    night_sales: int = 10
    night_times: int = 3
    """How many times the mean of the nights before."""
    night_days: int = 28
    approvals: int = 5
    """From how many on it matters that they are all of one person."""
    approval_days: int = 90
    lead: timedelta = timedelta(days=1)
    """How far ahead of the clock a token identifier may be."""


class DayDifference(NamedTuple):
    """Two sums of a day that ought to agree and do not."""

    check: str
    """Which: "sale and bill", "bill and token", "sale and token", "token and log"..."""
    problem: str
    by: int
    """How much more the second is than the first; minor units, sales or tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySum:
    """What a client sold on a day in one currency, as each of the records has it."""

    client: str
    """Its user name; empty for records that lead to no sale."""
    currency: str
    """ISO 4217 number; empty likewise."""
    sales: int = 0
    """Key changes among them; what was reversed later was sold all the same."""
    sold_minor: int = 0
    billed_minor: int = 0
    """What all lines of the bills come to."""
    for_tokens_minor: int = 0
    """Of that, the lines that are paid for with tokens: all but debts and service charges."""
    charged_minor: int = 0
    """What the tokens say that was paid for them, net and tax."""
    without_token: int = 0
    """Sales that have none."""
    tokens: int = 0
    logged: int = 0
    """Rows of the token log."""
    due_minor: int | None = None
    """What its credit owes for these sales; None for a client that is not prepaid."""
    drawn_minor: int = 0
    """What was taken from its credit for sales."""
    paid_minor: int | None = None
    """What was paid online for credit, the estates' charges left out; None but for online sales."""

    @property
    def differences(self) -> tuple[DayDifference, ...]:
        """What does not agree."""
        return tuple(self._differences())

    def _differences(self) -> Iterator[DayDifference]:
        sold, drawn = self.sold_minor, self.drawn_minor
        if self.billed_minor != sold:
            problem = f"{sold} was sold, but the bills come to {self.billed_minor}"
            yield DayDifference("sale and bill", problem, self.billed_minor - sold)
        if self.charged_minor != self.for_tokens_minor:
            problem = (
                f"the bills have {self.for_tokens_minor} for tokens, "
                f"but these say {self.charged_minor}"
            )
            by = self.charged_minor - self.for_tokens_minor
            yield DayDifference("bill and token", problem, by)
        if self.without_token:
            problem = f"{self.without_token} of {self.sales} sales have no token"
            yield DayDifference("sale and token", problem, -self.without_token)
        if self.logged != self.tokens:
            problem = f"there are {self.tokens} tokens, but the log has {self.logged}"
            yield DayDifference("token and log", problem, self.logged - self.tokens)
        due = min(drawn, sold) if self.due_minor is None else self.due_minor
        if drawn != due:
            problem = f"{due} was sold on credit, but {drawn} was taken from it"
            yield DayDifference("sale and credit", problem, drawn - due)
        if self.paid_minor is not None and self.paid_minor != sold:
            problem = f"{sold} was sold online, but {self.paid_minor} was paid"
            yield DayDifference("sale and order", problem, self.paid_minor - sold)
