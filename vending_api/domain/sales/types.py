"""What is asked of a sale, and what it is once made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vending_api.domain.issuing.types import TokenKind

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.domain.clients.types import Client
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.pricing.types import Bill, TariffBlock
    from vending_api.kit.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpMeter:
    """Ask for a registered meter, under an id that is used once."""

    lookup_id: str
    external_meter_id: str
    client: Client
    received_at: datetime
    """When the service received it, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellCredit:
    """Ask for credit worth a sum of money, tax and charges included."""

    purchase_id: str
    """The id of the sale; once used, used for ever."""
    message_id: str
    """The id of the message that asks: equal to `purchase_id`, except in some retries."""
    external_meter_id: str
    amount_minor: int
    currency: str
    """ISO 4217 number, 3 digits."""
    terminal_id: str
    client: Client
    received_at: datetime
    """When the service received it, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A sale that is committed."""

    purchase_id: str
    amount_minor: int
    """What was paid, in minor units, tax included."""
    currency: str
    sold_at: datetime
    meter: Meter
    tokens: tuple[SoldToken, ...]
    bill: Bill
    """Where the money went."""

    @property
    def purchase_total_minor(self) -> int:
        """What the tokens cost, without tax, service charges and debts."""
        return sum(token.charge.net_minor for token in self.tokens)

    @property
    def tax_total_minor(self) -> int:
        """All tax of the sale, on tokens and service charges."""
        on_tokens = sum(token.charge.tax_minor for token in self.tokens)
        return on_tokens + sum(line.charge.tax_minor for line in self.bill.service_charges)

    def blocks_of(self, token: SoldToken) -> tuple[TariffBlock, ...]:
        """Return how the price of a token of this sale came about; nothing for a gift."""
        return self.bill.blocks if token.kind is TokenKind.STANDARD else ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that a business rule turned down; committed, so that its id stays used."""

    reason: DomainError
