"""What the audit trail says of an action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAction:
    """An action that was done, or refused."""

    at: datetime
    who: str
    """The operator's name; the machine's user where there are no operators."""
    known_by: str
    """`session 4`, `api key 2`, or `no login`."""
    command: str
    """As it is typed, without what follows: `client deposit`."""
    subject: str
    """What it was about: the command's arguments, as JSON."""
    outcome: str
    """`done`, `proposal 12`, `refused: CODE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(NewAction):
    """A row of the trail."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class TrailBreak:
    """A place where the trail does not hold."""

    sequence: int
    problem: str
