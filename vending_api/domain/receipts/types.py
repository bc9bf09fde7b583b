"""What a consumer sees of the past."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from sts.security_module import MeterConfiguration
    from vending_api.domain.issuing.types import TokenKind
    from vending_api.domain.meters.types import ServiceType
    from vending_api.domain.payments.types import OrderState

T = TypeVar("T")

PAGE_SIZE = 15
NESTED = 100
"""How many of the newest stand in the lists inside a transaction's meter."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some records of many, the newest first."""

    items: Sequence[T]
    number: int
    """From 1."""
    total: int
    """Records on all pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOrder:
    """An order as consumers know it."""

    key: int
    reference: str
    amount_minor: int
    currency: str
    state: OrderState
    ordered_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReceipt:
    """A token of a meter with what was paid for it, from whatever sale."""

    key: int
    """The number of the token."""
    kind: TokenKind
    digits: str = field(repr=False)
    units_tenths: int
    paid_minor: int
    """What the sale was paid with; 0 for tokens that cost nothing."""
    tax_minor: int
    price_minor: Decimal
    """For each unit, what was paid over what was bought; 0 for tokens that cost nothing."""
    currency: str
    sold_at: datetime
    meter_number: str
    service_type: ServiceType
    time_zone: str
    order: PaidOrder | None
    """None if it was not bought online."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceipt:
    """An order with its credit token, once there is one."""

    order: PaidOrder
    receipt: TokenReceipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedToken:
    """A token as it is keyed into its meter."""

    digits: str = field(repr=False)
    sold_at: datetime
    configuration: MeterConfiguration
    """With the key data that the meter held before the token."""
