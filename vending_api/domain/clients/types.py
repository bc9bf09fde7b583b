"""Who asks, and on what terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vending_api.kit.sent import sent

HOUSE_USER: Final = ":online"
"""The user name of the service itself; with its colon nobody can log in as it, nor import it."""
CAMPAIGN_USER: Final = ":campaigns"
"""The user name that campaigns are recorded under; likewise."""


@sent
@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTerms:
    """What was agreed with a client."""

    is_prepaid: bool = False
    """Whether each sale is taken from credit that the client has deposited before."""
    sale_maximum_minor: int | None = None
    """The most that one sale may come to; None is no limit."""
    day_maximum_minor: int | None = None
    """The most that all its sales of a day may come to; None is no limit."""
    slip_columns: int = 40
    """Characters on a line of its printers: 32, 40 or 48."""


@sent
@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A point of sale or aggregator that has proven who it is."""

    key: int
    """Our own number of the row; never leaves the service."""
    user_name: str
    """The institution id that it authenticates with."""
    name: str
    is_active: bool = True
    """Whether it may do anything at all."""
    names_terminals: bool = False
    """Whether it sells from registered terminals only."""
    terms: ClientTerms = field(default_factory=ClientTerms)
