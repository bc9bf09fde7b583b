"""What the surface needs done: functions that commit before they return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from vending_api.domain.consumers.types import Consumer, RegistrationFacts, Staff
    from vending_api.domain.estates.types import Estate
    from vending_api.domain.meters.types import ServiceType
    from vending_api.domain.payments.types import Expected, Order, OrderFilter, Refund
    from vending_api.domain.readings.types import ReadingTask
    from vending_api.domain.receipts.types import OrderReceipt, Page, PaidOrder, TokenReceipt
    from vending_api.domain.sales.types import Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRegistration:
    """What a resident fills in to register, the password included."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    password: str = field(repr=False)
    estate_key: int
    flat_number: str = field(repr=False)
    meter_type_id: int
    meter_phase_type_id: int
    meter_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """A page of orders, and what stands about their meter beside each of them."""

    page: Page[OrderReceipt]
    orders: Sequence[PaidOrder]
    """The newest of the meter, the oldest of them first."""
    receipts: Sequence[TokenReceipt]
    """Likewise."""
    readings: Sequence[ReadingTask]
    """Those with a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrestflowServices:
    """What the surface needs done; each commits before it returns and raises DomainError.

    An `address` is the network address of who asks; attempts are counted by it.
    """

    options: Callable[[], Awaitable[Sequence[Estate]]]
    registration_problems: Callable[[RegistrationFacts, str], Awaitable[Mapping[str, str]]]
    """Facts and address to a FieldProblem by field, empty if there is none.

    It counts the attempt, and raises TooManyAttempts; `register` is only called after it.
    """
    register: Callable[[NewRegistration], Awaitable[None]]
    """Raises MeterNotOfEstate, EstateUnknown, RegistrationRefused."""
    log_in: Callable[[str, str, str], Awaitable[str]]
    """E-mail, password and address to a new API key; raises LoginRejected, TooManyAttempts."""
    who: Callable[[str], Awaitable[Consumer | Staff]]
    """API key to who holds it; raises ApiKeyRejected."""
    rename: Callable[[Consumer, str], Awaitable[None]]
    change_password: Callable[[Consumer, str, str, str], Awaitable[None]]
    """Consumer, current and new password, address; raises PasswordIncorrect, TooManyAttempts."""
    tokens: Callable[[Consumer, int], Awaitable[Page[TokenReceipt]]]
    """Consumer and number of the page; that the tokens were shown is noted before it returns."""
    transactions: Callable[[Consumer, int], Awaitable[Transactions]]
    """Likewise."""
    readings: Callable[[Consumer], Awaitable[Sequence[ReadingTask]]]
    """The items of which a value was read, in any order."""
    ask_reading: Callable[[Consumer, str], Awaitable[ReadingTask]]
    """Consumer and label; raises DataItemUnknown, ReadingPending, MetersNotConnected."""
    reading_tasks: Callable[[Consumer, int], Awaitable[Page[ReadingTask]]]
    order: Callable[[Consumer, int, str], Awaitable[tuple[Order, Expected, ServiceType]]]
    """Consumer, sum to pay in minor units, phone or nothing; raises what refuses a purchase."""
    find_order: Callable[
        [Consumer | Staff, str], Awaitable[tuple[Order, Sale | None, Sequence[Refund]]]
    ]
    """Who asks and a reference; an order that is not paid yet is settled first.

    That its token was shown to its consumer is noted before it returns. Raises OrderUnknown,
    also for an order of somebody else.
    """
    find_orders: Callable[[Consumer | Staff, OrderFilter, int], Awaitable[Page[Any]]]
    """Who asks, what for, number of the page: of a consumer only the own orders.

    The items are such triples as `find_order` returns, in whatever class the service has for them.
    """
