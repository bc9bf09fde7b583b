"""Why a meter's key is of no use."""

from __future__ import annotations

from vending_api.kit.errors import DomainError, Fault


class MeterKeyUnusable(DomainError):
    """The meter's key cannot make this token: missing, expired, or its base date has ended."""

    fault = Fault.REFUSED
    code = "meter_key_unusable"

    def __init__(self, external_id: str, reason: str) -> None:
        super().__init__(f"no token can be made for meter {external_id}: {reason}")
        self.external_id = external_id
        self.reason = reason


class CardContradicts(DomainError):
    """The card shows another meter, or newer key data than the register has."""

    fault = Fault.REFUSED
    code = "card_contradicts"

    def __init__(self, external_id: str, reason: str) -> None:
        super().__init__(f"the card is not that of meter {external_id} as registered: {reason}")
        self.external_id = external_id
        self.reason = reason
