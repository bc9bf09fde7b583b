"""What an audit finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime


class FindingKind(StrEnum):
    """What is wrong with a token."""

    NEVER_SOLD = "never_sold"
    MADE_AGAIN = "made_again"
    OTHER_KIND = "other_kind"
    OTHER_AMOUNT = "other_amount"
    OTHER_IDENTIFIER = "other_identifier"
    IDENTIFIER_TWICE = "identifier_twice"
    NO_SALE = "no_sale"
    NOT_IN_LOG = "not_in_log"
    LOG_DIFFERS = "log_differs"
    RECORD_GONE = "record_gone"
    UNREADABLE = "unreadable"
    UNKNOWN_METER = "unknown_meter"
    TWICE_IN_FILE = "twice_in_file"


WORDS: Final = {
    FindingKind.NEVER_SOLD: "valid for its meter, but never sold by us",
    FindingKind.MADE_AGAIN: "identifier and amount of a sale, other digits",
    FindingKind.OTHER_KIND: "is of another kind than the sale says",
    FindingKind.OTHER_AMOUNT: "carries another amount than the sale says",
    FindingKind.OTHER_IDENTIFIER: "has another identifier than the sale says",
    FindingKind.IDENTIFIER_TWICE: "identifier that its meter got twice",
    FindingKind.NO_SALE: "token without a sale",
    FindingKind.NOT_IN_LOG: "the token log does not know it",
    FindingKind.LOG_DIFFERS: "the token log says otherwise",
    FindingKind.RECORD_GONE: "in the token log, but its record is gone",
    FindingKind.UNREADABLE: "no token of its meter under our keys",
    FindingKind.UNKNOWN_METER: "meter that is not registered",
    FindingKind.TWICE_IN_FILE: "token that stands in the file before",
}
"""Each finding for people."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a token carries, or what the record of a sale says of it."""

    kind: str
    value: int | None
    """Tenths of a unit of credit, the watts of a power limit, the register of a clear credit."""
    identifier: int | None
    """Token identifier: minutes since the base date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A token with which something is wrong, and the sale that it should have been.

    Its repr hides the digits: whoever reads them may be able to use them.
    """

    kind: FindingKind
    external_meter_id: str | None = None
    digits: str | None = field(default=None, repr=False)
    base_date: int | None = None
    says: Said | None = None
    """What the token itself says, where it could be read."""
    sold: Said | None = None
    """What the records say."""
    reference: str | None = None
    """The id of the purchase or key change."""
    made_at: datetime | None = None
    line: int | None = None
    """Of the file, if it came from one; of Parquet the row."""
    seen_when: str | None = None
    seen_where: str | None = None
    problem: str = ""


@dataclass(slots=True)
class Tally:
    """What was looked at, and how much of it was found wrong."""

    tokens: int = 0
    right: int = 0
    """Of a file: sold by us as they stand."""
    meter_tests: int = 0
    """Of a file: tokens that any meter takes, and that need no key."""
    logged: int = 0
    """Rows of the token log that were read."""
    findings: Counter[FindingKind] = field(default_factory=Counter)
