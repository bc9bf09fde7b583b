"""Why a request to sell is turned down."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class SaleGivenUp(DomainError):
    """The point of sale has reversed this id; nothing is sold under it any more."""

    fault = Fault.REFUSED
    code = "sale_given_up"

    def __init__(self, purchase_id: str) -> None:
        super().__init__(f"purchase {purchase_id} was reversed; a new request needs a new id")
        self.purchase_id = purchase_id


class TokensForgotten(DomainError):
    """The sale is older than the digits of tokens are kept."""

    fault = Fault.REFUSED
    code = "tokens_forgotten"

    def __init__(self, purchase_id: str) -> None:
        super().__init__(f"the tokens of purchase {purchase_id} are older than tokens are kept")
        self.purchase_id = purchase_id


class NotForTrials(DomainError):
    """The id is that of a trial, which sold nothing."""

    fault = Fault.NOT_FOUND
    code = "not_for_trials"

    def __init__(self, message_id: str) -> None:
        super().__init__(f"{message_id} was a trial, and a trial sells nothing")
        self.message_id = message_id


class NoKeyChangeDue(DomainError):
    """The meter holds the key data that it should."""

    fault = Fault.REFUSED
    code = "no_key_change_due"

    def __init__(self, external_id: str) -> None:
        super().__init__(f"meter {external_id} holds the key that it should; nothing is to change")
        self.external_id = external_id
