"""What is refused of an advice."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class SaleUnknown(DomainError):
    """No request of this id is known; the advice is remembered and may be sent again."""

    fault = Fault.NOT_FOUND
    code = "sale_unknown"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"no request {request_id} is known here")
        self.request_id = request_id


class AdviceDeclined(DomainError):
    """What became of the sale before does not allow what the advice says."""

    fault = Fault.REFUSED
    code = "advice_declined"

    def __init__(self, request_id: str, reason: str) -> None:
        super().__init__(f"the advice on {request_id} is declined: {reason}")
        self.request_id = request_id
        self.reason = reason


class AdvisedAmountWrong(DomainError):
    """The advice names a sum that is larger than the sale, or in another currency."""

    fault = Fault.REFUSED
    code = "advised_amount_wrong"

    def __init__(self, request_id: str, amount_minor: int) -> None:
        super().__init__(
            f"the sum of sale {request_id} is {amount_minor}; an advice cannot name more than "
            "that, nor another currency"
        )
        self.request_id = request_id
        self.amount_minor = amount_minor


class CaseUnknown(DomainError):
    """No reversal of this sale is open."""

    fault = Fault.NOT_FOUND
    code = "case_unknown"

    def __init__(self, purchase_id: str) -> None:
        super().__init__(f"no reversal of sale {purchase_id} is open; see `vending reconcile`")
        self.purchase_id = purchase_id
