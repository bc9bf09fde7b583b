"""What approvals refuse."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class ProposalUnknown(DomainError):
    """There is no proposal of this number."""

    fault = Fault.NOT_FOUND
    code = "proposal_unknown"

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no proposal {number}; see `vending approvals list`")
        self.number = number


class ProposalDecided(DomainError):
    """The proposal was decided before, withdrawn, or has expired."""

    fault = Fault.CONFLICT
    code = "proposal_decided"

    def __init__(self, number: int, state: str) -> None:
        super().__init__(f"proposal {number} is {state}; nothing was done")
        self.number = number
        self.state = state


class OwnProposal(DomainError):
    """Nobody approves what they have proposed themselves."""

    fault = Fault.REFUSED
    code = "proposal_is_own"

    def __init__(self, number: int) -> None:
        super().__init__(f"proposal {number} is your own; somebody else must decide about it")
        self.number = number


class NotOwnProposal(DomainError):
    """Only who made a proposal withdraws it."""

    fault = Fault.REFUSED
    code = "proposal_is_not_own"

    def __init__(self, number: int) -> None:
        super().__init__(f"proposal {number} is not yours; refuse it, if you may")
        self.number = number


class ProposalAltered(DomainError):
    """What stands in the proposal now is not what was proposed."""

    fault = Fault.REFUSED
    code = "proposal_altered"

    def __init__(self, number: int) -> None:
        super().__init__(f"proposal {number} is not what was proposed; look at the database")
        self.number = number
