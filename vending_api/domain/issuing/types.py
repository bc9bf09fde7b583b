"""What a token was made for, and what it carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from sts.token_identifier import TokenIdentifier
    from vending_api.domain.pricing.types import TaxedAmount


class TokenKind(StrEnum):
    """What a token is for."""

    STANDARD = "standard"
    """Credit that was paid for."""
    FREE = "free"
    """Free basic service."""
    REFUND = "refund"
    KEY_CHANGE = "key_change"
    POWER_LIMIT = "power_limit"
    CLEAR_TAMPER = "clear_tamper"
    CLEAR_CREDIT = "clear_credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldToken:
    """One token of a sale, as it is keyed in and printed.

    Its repr hides the digits: whoever reads them can use them.
    """

    kind: TokenKind
    digits: str = field(repr=False)
    """20 decimal digits without separators."""
    units_tenths: int
    """What the token truly carries, in tenths of a unit (0.1 kWh, 0.1 m3)."""
    token_identifier: TokenIdentifier | None
    """None for the sections of a key change, which have none."""
    charge: TaxedAmount
    setting: int | None = None
    """The watts of a power limit, the register of a clear credit."""
    receipt_number: str | None = None
    warrant: str = field(default="", compare=False)
    """What the log says it was made for; empty where it is read again, and never logged so."""

    @property
    def identifier_minutes(self) -> int | None:
        """The token identifier as records keep it: minutes since the base date."""
        identifier = self.token_identifier
        return None if identifier is None else identifier.minutes


class Payer(NamedTuple):
    """Who asks for tokens, and what is paid for them: what every warrant begins with."""

    client_key: int
    amount_minor: int
    """0 for what is free."""
    currency: str
    """ISO 4217 number, 3 digits."""


class MadeFor(NamedTuple):
    """The sale that tokens were made for."""

    sale_key: int
    reference: str
    """What the token log calls it: the id of the purchase or key change request."""
    at: datetime


class TokenOrder(NamedTuple):
    """One token to make: credit, paid for or free, or a setting."""

    kind: TokenKind
    charge: TaxedAmount
    units_tenths: int = 0
    """Of credit; what a token can carry."""
    setting: int | None = None
    """The watts of a power limit, the register of a clear credit."""
    approval: str = ""
    """What allows a token that is not paid for: free units of which tariff, whose order."""
