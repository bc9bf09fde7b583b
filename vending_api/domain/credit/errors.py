"""What a client may not spend."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class InsufficientFunds(DomainError):
    """The client's credit is smaller than the sale; nothing was issued."""

    fault = Fault.REFUSED
    code = "insufficient_funds"

    def __init__(self, amount_minor: int) -> None:
        super().__init__(f"the client's credit does not cover {amount_minor} minor units")
        self.amount_minor = amount_minor


class LimitExceeded(DomainError):
    """A limit of the client or of the utility would be exceeded; nothing was issued."""

    fault = Fault.REFUSED
    code = "limit_exceeded"

    def __init__(self, what: str, maximum: int) -> None:
        super().__init__(f"{what} is limited to {maximum}")
        self.what = what
        self.maximum = maximum


class DepositKnown(DomainError):
    """A deposit of this reference is on the client's statement already."""

    fault = Fault.CONFLICT
    code = "deposit_known"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"a deposit with reference {reference!r} was recorded before; nothing was added"
        )
        self.reference = reference
