"""What a tariff does not sell."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class AmountOutsideLimits(DomainError):
    """The sum is smaller or larger than the meter may buy for now."""

    fault = Fault.REFUSED
    code = "amount_outside_limits"

    def __init__(self, amount_minor: int, minimum_minor: int, maximum_minor: int | None) -> None:
        allowed = (
            f"at least {minimum_minor}"
            if maximum_minor is None
            else f"between {minimum_minor} and {maximum_minor}"
        )
        super().__init__(f"{amount_minor} is not {allowed} minor units")
        self.amount_minor = amount_minor
        self.minimum_minor = minimum_minor
        self.maximum_minor = maximum_minor


class AmountTooLarge(DomainError):
    """The sum buys more units than one token can carry."""

    fault = Fault.REFUSED
    code = "amount_too_large"

    def __init__(self, amount_minor: int) -> None:
        super().__init__(f"{amount_minor} minor units buy more than one token can carry")
        self.amount_minor = amount_minor


class AmountTooSmall(DomainError):
    """Nothing is left of the sum for units: charges and debts take it, or it buys no step."""

    fault = Fault.REFUSED
    code = "amount_too_small"

    def __init__(self, amount_minor: int) -> None:
        super().__init__(f"of {amount_minor} minor units too little is left to buy units with")
        self.amount_minor = amount_minor


class NoPrice(DomainError):
    """The tariff names no price for this customer at this moment."""

    fault = Fault.REFUSED
    code = "no_price"

    def __init__(self, reason: str) -> None:
        super().__init__(f"there is no price: {reason}")
        self.reason = reason
