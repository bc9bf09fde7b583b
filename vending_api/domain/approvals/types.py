"""What is proposed, and the life that a proposal leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.operators.types import Right

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PROPOSAL_LASTS: Final = timedelta(days=7)


class Kind(StrEnum):
    """What needs four eyes."""

    FREE_UNITS = "free-units"
    """A token of units that nobody pays for."""
    ENGINEERING_TOKEN = "engineering-token"  # noqa: S105 (a kind of token, no secret)
    """A power limit, or clearing of credit or of a tamper condition."""
    KEY_CHANGE = "key-change"
    """Other key data for a meter, by engineering tokens."""
    CLIENT_DEPOSIT = "client-deposit"
    REFUND = "refund"
    """The money of an order that was paid online."""
    SITE = "site"
    """Limits, rules, tariffs and terms of clients, by a site file."""
    METERS = "meters"
    """Meters, their limits and free units, by a list."""
    ESTATE = "estate"
    """Where the payments of an estate go, and what is taken of each."""
    KEY_LOAD = "key-load"
    """A sealed key file that the service may use."""


class Needed(NamedTuple):
    """The right to propose something, and the right to approve it."""

    propose: Right
    approve: Right


NEEDED: Final[Mapping[Kind, Needed]] = {
    **dict.fromkeys(Kind, Needed(Right.PROPOSE, Right.APPROVE)),
    Kind.KEY_LOAD: Needed(Right.PROPOSE_KEYS, Right.APPROVE_KEYS),
}
"""What each kind takes."""


class State(StrEnum):
    """Where a proposal stands; from `proposed` it moves once, and never again."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    """And carried out, in the same transaction."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """Nobody decided in time; no row says so, its age does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProposal:
    """What is to be done, as its kind writes it down."""

    kind: Kind
    payload: str
    """Canonical JSON."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(NewProposal):
    """Something that was proposed."""

    number: int
    digest: str
    """SHA-256 of the payload, in hexadecimal."""
    proposer_key: int
    proposed_by: str
    proposed_at: datetime
    stored_state: State
    decided_by: str | None
    decided_at: datetime | None
    note: str
    """What came of it, or why it was refused."""

    def state_at(self, at: datetime) -> State:
        """Return where it stands at a moment."""
        is_late = self.proposed_at + PROPOSAL_LASTS <= at
        return (
            State.EXPIRED if self.stored_state is State.PROPOSED and is_late else self.stored_state
        )
