"""Why nothing is offered."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


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
