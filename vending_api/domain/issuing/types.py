"""What a token was made for, and what it carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sts.token_identifier import TokenIdentifier
    from vending_api.domain.pricing.types import TaxedAmount


class TokenKind(StrEnum):
    """What a token that was sold is for."""

    STANDARD = "standard"
    """Credit that was paid for."""
    FREE = "free"
    """Free basic service."""
    REFUND = "refund"
    KEY_CHANGE = "key_change"
    POWER_LIMIT = "power_limit"


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
    token_identifier: TokenIdentifier
    charge: TaxedAmount
