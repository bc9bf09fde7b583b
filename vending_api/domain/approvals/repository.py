"""The SQL of the approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from vending_api.domain.approvals.tables import PROPOSAL
from vending_api.domain.approvals.types import PROPOSAL_LASTS, Kind, Proposal, State
from vending_api.domain.operators.tables import OPERATOR
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

_DECIDER: Final = OPERATOR.alias("decider")
_PROPOSALS: Final = (
    select(PROPOSAL, OPERATOR.c.name.label("proposed_by"), _DECIDER.c.name.label("decided_by"))
    .join(OPERATOR, OPERATOR.c.key == PROPOSAL.c.proposer_key)
    .join(_DECIDER, _DECIDER.c.key == PROPOSAL.c.decider_key, isouter=True)
    .order_by(PROPOSAL.c.key)
)


def add_proposal(connection: Connection, values: dict[str, Any]) -> int:
    """Store a proposal and return its number; raises EntryInvalid for a text too long."""
    require_fit(PROPOSAL, values)
    new = insert(PROPOSAL).values(values).returning(PROPOSAL.c.key)
    return int(connection.execute(new).scalar_one())


def find_proposal(connection: Connection, number: int) -> Proposal | None:
    """Return the proposal of a number, or None."""
    row = connection.execute(_PROPOSALS.where(PROPOSAL.c.key == number)).one_or_none()
    return None if row is None else _proposal(row)


def proposals(
    connection: Connection, state: State | None, kind: Kind | None = None
) -> list[Proposal]:
    """Return the proposals in a stored state, of a kind, or all of them, the oldest first."""
    wanted = _PROPOSALS
    if state is not None:
        wanted = wanted.where(PROPOSAL.c.state == state.value)
    if kind is not None:
        wanted = wanted.where(PROPOSAL.c.kind == kind.value)
    return [_proposal(row) for row in connection.execute(wanted)]


def decide(
    connection: Connection, number: int, state: State, decider_key: int, at: datetime, note: str
) -> bool:
    """Move a proposal that waits to another state; False where it waits no more.

    One statement, so of two at the same moment the database lets one through.
    """
    values = {"decider_key": decider_key, "decided_at": at, "note": note, "state": state.value}
    require_fit(PROPOSAL, values)
    decided = update(PROPOSAL).where(
        PROPOSAL.c.key == number,
        PROPOSAL.c.state == State.PROPOSED.value,
        PROPOSAL.c.proposed_at > at - PROPOSAL_LASTS,
    )
    return bool(connection.execute(decided.values(values)).rowcount)


def set_note(connection: Connection, number: int, note: str) -> None:
    """Store what came of a proposal that was approved in this transaction."""
    connection.execute(update(PROPOSAL).where(PROPOSAL.c.key == number).values(note=note))


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        number=row.key,
        kind=Kind(row.kind),
        payload=row.payload,
        digest=row.digest,
        reason=row.reason,
        proposer_key=row.proposer_key,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        stored_state=State(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
    )
