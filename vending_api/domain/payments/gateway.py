"""What the domain needs of Paystack; `vending_api.gateways.paystack` offers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.domain.payments.types import Payment, RefundState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """A payment that a customer is to make."""

    reference: str
    email: str = field(repr=False)
    amount_minor: int
    currency: str
    """Letters."""
    account_code: str
    """The subaccount; empty for the main account."""
    charge_minor: int
    """What stays with the main account of a payment to a subaccount."""
    callback_url: str
    metadata: dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Where the customer pays."""

    authorization_url: str
    access_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRefund:
    """A refund as Paystack tells of it."""

    refund_id: str
    amount_minor: int
    state: RefundState


class PaymentGateway(Protocol):
    """The calls of Paystack that are used.

    All raise PaymentGatewayUnavailable when there was no usable answer, and
    PaymentGatewayRefused when the answer was no.
    """

    async def initialize(self, payment: NewPayment) -> Checkout:
        """Announce a payment; sent again only if it surely did not arrive."""
        ...

    async def verify(self, reference: str) -> Payment | None:
        """Return what is known of a payment; None if Paystack does not know the reference."""
        ...

    async def refund(self, transaction_id: int, *, note: str) -> AskedRefund:
        """Ask for all of a payment to be given back; asked twice, Paystack refuses."""
        ...

    async def find_refund(self, refund_id: str) -> AskedRefund:
        """Return where a refund stands."""
        ...

    async def payments(self, begin: datetime, end: datetime) -> list[Payment]:
        """Return the payments created from one moment to another, of every status."""
        ...
