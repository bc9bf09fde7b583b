"""Why a request to sell is turned down."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class MessageIdUsed(DomainError):
    """The id of the message was used before, or now asks for something else."""

    fault = Fault.CONFLICT
    code = "message_id_used"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"the id {message_id} was used before; a new request needs a new id")
        self.message_id = message_id


class AmountOutsideLimits(DomainError):
    """The sum is smaller or larger than the meter may buy for."""

    fault = Fault.REFUSED
    code = "amount_outside_limits"

    def __init__(self, amount_minor: int, minimum_minor: int, maximum_minor: int) -> None:
        super().__init__(
            f"{amount_minor} is not between {minimum_minor} and {maximum_minor} minor units",
        )
        self.amount_minor = amount_minor
        self.minimum_minor = minimum_minor
        self.maximum_minor = maximum_minor


class CurrencyNotAccepted(DomainError):
    """The sum is in another currency than the utility sells in."""

    fault = Fault.REFUSED
    code = "currency_not_accepted"

    def __init__(self, currency: str, accepted: str) -> None:
        super().__init__(f"currency {currency} is not accepted; this utility sells in {accepted}")
        self.currency = currency
        self.accepted = accepted


class NothingDue(DomainError):
    """A purchase of nothing asks for free units, and none are due."""

    fault = Fault.REFUSED
    code = "nothing_due"

    def __init__(self, external_id: str) -> None:
        super().__init__(f"no free units are due to meter {external_id}")
        self.external_id = external_id


class AmountTooLarge(DomainError):
    """The sum buys more units than one token can carry."""

    fault = Fault.REFUSED
    code = "amount_too_large"

    def __init__(self, amount_minor: int) -> None:
        super().__init__(f"{amount_minor} minor units buy more than one token can carry")
        self.amount_minor = amount_minor
