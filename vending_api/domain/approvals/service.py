"""Four eyes: one operator proposes, another approves, and it is done in that very transaction.

The step from `proposed` is one UPDATE that names the state before: a replayed approval, or two at
the same moment, act once. What raises while it is carried out leaves the proposal as it was.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from vending_api.domain.approvals import repository
from vending_api.domain.approvals.errors import (
    NotOwnProposal,
    OwnProposal,
    ProposalAltered,
    ProposalDecided,
    ProposalUnknown,
)
from vending_api.domain.approvals.types import NEEDED, State
from vending_api.domain.operators.service import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.approvals.types import Kind, NewProposal, Proposal
    from vending_api.domain.operators.types import Acting

_LARGEST_NUMBER: Final = (1 << 63) - 1
_LONGEST_NOTE: Final = 200


def propose(connection: Connection, acting: Acting, new: NewProposal, at: datetime) -> int:
    """Store what somebody wants done, and return the number to approve it by.

    Raises NotAllowed, and EntryInvalid for a reason that is too long.
    """
    require(acting, NEEDED[new.kind].propose)
    values = {
        "kind": new.kind.value,
        "payload": new.payload,
        "digest": _digest(new.payload),
        "reason": new.reason,
        "proposer_key": acting.operator.key,
        "proposed_at": at,
        "state": State.PROPOSED.value,
        "note": "",
    }
    return repository.add_proposal(connection, values)


def find_proposal(connection: Connection, number: int) -> Proposal:
    """Return the proposal of a number, which may be any; raises ProposalUnknown."""
    is_possible = 0 < number <= _LARGEST_NUMBER
    found = repository.find_proposal(connection, number) if is_possible else None
    if found is None:
        raise ProposalUnknown(number)
    return found


def waiting(connection: Connection, at: datetime) -> list[Proposal]:
    """Return the proposals that somebody may decide about, the oldest first."""
    found = repository.proposals(connection, State.PROPOSED)
    return [one for one in found if one.state_at(at) is State.PROPOSED]


def all_proposals(connection: Connection) -> list[Proposal]:
    """Return every proposal there ever was, the oldest first."""
    return repository.proposals(connection, None)


def approved(connection: Connection, kind: Kind) -> list[Proposal]:
    """Return the proposals of a kind that were approved, the oldest first."""
    return repository.proposals(connection, State.APPROVED, kind)


def approve(
    connection: Connection,
    acting: Acting,
    number: int,
    at: datetime,
    *,
    carry_out: Callable[[Proposal], str],
) -> Proposal:
    """Approve what somebody else has proposed, and carry it out, once.

    `carry_out` returns what came of it, in words. Raises ProposalUnknown, NotAllowed, OwnProposal,
    ProposalAltered, ProposalDecided, and what `carry_out` raises; then nothing has changed.
    """
    proposal = _of_another(connection, acting, number)
    if not hmac.compare_digest(_digest(proposal.payload), proposal.digest):
        raise ProposalAltered(number)
    _decide(connection, proposal, State.APPROVED, acting, at, "")
    repository.set_note(connection, number, carry_out(proposal)[:_LONGEST_NOTE])
    return find_proposal(connection, number)


def refuse(
    connection: Connection, acting: Acting, number: int, at: datetime, *, note: str
) -> Proposal:
    """Refuse what somebody else has proposed.

    Raises ProposalUnknown, NotAllowed, OwnProposal, ProposalDecided, and EntryInvalid for a note
    that is too long.
    """
    proposal = _of_another(connection, acting, number)
    _decide(connection, proposal, State.REFUSED, acting, at, note)
    return find_proposal(connection, number)


def withdraw(connection: Connection, acting: Acting, number: int, at: datetime) -> None:
    """Take back one's own proposal; raises ProposalUnknown, NotOwnProposal, ProposalDecided."""
    proposal = find_proposal(connection, number)
    if proposal.proposer_key != acting.operator.key:
        raise NotOwnProposal(number)
    _decide(connection, proposal, State.WITHDRAWN, acting, at, "")


def _of_another(connection: Connection, acting: Acting, number: int) -> Proposal:
    """Return a proposal that who acts may decide about."""
    proposal = find_proposal(connection, number)
    require(acting, NEEDED[proposal.kind].approve)
    if proposal.proposer_key == acting.operator.key:
        raise OwnProposal(number)
    return proposal


def _decide(
    connection: Connection,
    proposal: Proposal,
    state: State,
    acting: Acting,
    at: datetime,
    note: str,
) -> None:
    number = proposal.number
    if not repository.decide(connection, number, state, acting.operator.key, at, note):
        raise ProposalDecided(number, find_proposal(connection, number).state_at(at))


def _digest(payload: str) -> str:
    return sha256(payload.encode()).hexdigest()
