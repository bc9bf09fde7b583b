"""What may be done with an order: place it, find it, plan its steps.

What its payment makes of it stands in `settling.py`, money that goes back in `refunds.py`, what
operators do in `cases.py`, what customers are told in `messages.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vending_api.domain.clients.service import house_client
from vending_api.domain.consumers.service import find_consumer
from vending_api.domain.offers.service import prepare, require_means
from vending_api.domain.offers.types import AskForCredit
from vending_api.domain.payments import repository, schedule
from vending_api.domain.payments.errors import (
    AmountNotAboveCharge,
    OrderUnknown,
    PaymentsNotOffered,
)
from vending_api.domain.payments.moves import (
    LONGEST_PROBLEM,
    UNPAID,
    change,
    find_locked,
    follow_refund,
    in_vain,
    is_reference,
    locked,
    open_case,
    plan,
)
from vending_api.domain.payments.types import (
    FIRST_VERIFY,
    PAGE_SIZE,
    TERMINAL_ID,
    VERIFY_FOR,
    Expected,
    OrderState,
    PaymentProblem,
)
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.domain.sales import service as sales
from vending_api.domain.sales.types import SaleKind
from vending_api.kit.currencies import letters_of
from vending_api.kit.errors import MessageIdUsed
from vending_api.kit.idempotency import find_claim

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.security_module import SecurityModule
    from vending_api.domain.clients.types import Client
    from vending_api.domain.payments.gateway import Checkout
    from vending_api.domain.payments.types import (
        Order,
        OrderFilter,
        PlaceOrder,
        Refund,
    )
    from vending_api.domain.sales.types import Sale

CURRENCIES: Final = frozenset({"GHS", "KES", "NGN", "ZAR", "USD"})
"""What Paystack takes."""
_AT_ONCE: Final = 500
"""How many references one statement names."""
_COUNTED: Final = (
    OrderState.ORDERED,
    OrderState.PAID,
    OrderState.REFUND_DUE,
    OrderState.REFUNDING,
    OrderState.REFUND_FAILED,
)


def place_order(
    connection: Connection, security_module: SecurityModule, command: PlaceOrder
) -> tuple[Order, Expected]:
    """Store an order for the meter of a consumer, and return it with what it would bring now.

    It is due to be verified in two minutes, whatever becomes of the call that announces it.
    Raises PaymentsNotOffered, AmountNotAboveCharge, then the first of the offers' REFUSALS
    (limits with the estate's charge on them), then MessageIdUsed for a reference that is taken.
    """
    consumer = find_consumer(connection, command.consumer_key)
    estate, house = consumer.estate, house_client(connection)
    _require_offered(estate.currency, house)
    charge_minor = estate.transaction_charge_minor
    if command.amount_minor <= charge_minor:
        raise AmountNotAboveCharge(command.amount_minor, charge_minor)
    ask = AskForCredit(
        external_meter_id=consumer.meter_number,
        amount_minor=command.amount_minor - charge_minor,
        currency=estate.currency,
        terminal_id=TERMINAL_ID,
        client=house,
        received_at=command.received_at,
    )
    expected = _expected(connection, security_module, ask, charge_minor)
    values = {
        "consumer_key": consumer.key,
        "estate_key": estate.key,
        "meter_key": consumer.meter_key,
        "account_code": estate.account_code,
        "charge_minor": charge_minor,
        "currency": estate.currency,
    }
    if not _add_order(connection, command, values):
        raise MessageIdUsed(command.reference)
    return find_order(connection, command.reference), expected


def store_checkout(
    connection: Connection, reference: str, checkout: Checkout, at: datetime
) -> Order:
    """Store where the customer pays for an order; raises OrderUnknown."""
    return change(
        connection,
        locked(connection, reference),
        at,
        authorization_url=checkout.authorization_url,
        access_code=checkout.access_code,
    )


def find_order(connection: Connection, reference: str) -> Order:
    """Return the order of a reference, which may be any text; raises OrderUnknown."""
    order = repository.find_order(connection, reference) if is_reference(reference) else None
    if order is None:
        raise OrderUnknown(reference)
    return order


def find_orders(
    connection: Connection, wanted: OrderFilter, page: int, *, size: int = PAGE_SIZE
) -> tuple[list[Order], int]:
    """Return a page (from 1) of the orders looked for, the newest first, and how many there are."""
    return repository.find_orders(connection, wanted, first=(page - 1) * size, most=size)


def orders_of(connection: Connection, references: Collection[str]) -> dict[str, Order]:
    """Return the orders of some references, those that there are, by reference."""
    known = sorted(filter(is_reference, references))
    orders = (
        order
        for first in range(0, len(known), _AT_ONCE)
        for order in repository.orders_of(connection, known[first : first + _AT_ONCE])
    )
    return {order.reference: order for order in orders}


def reference_of(connection: Connection, key: int) -> str:
    """Return the reference of the order of a key; raises OrderUnknown."""
    order = repository.order_of_key(connection, key)
    if order is None:
        raise OrderUnknown(f"number {key}")
    return order.reference


def refunds_of(connection: Connection, order: Order) -> list[Refund]:
    """Return what has gone back for an order, or is to, the oldest first."""
    return repository.refunds_of(connection, order.key)


def sale_of(connection: Connection, order: Order) -> Sale | None:
    """Return the sale of an order with its tokens; None if nothing was vended."""
    if order.state is not OrderState.VENDED:
        return None
    return sales.find_sale(connection, None, order.reference)


def put_off(connection: Connection, reference: str, at: datetime, *, problem: str = "") -> None:
    """Plan the step of an order again whose call got no answer; `problem` is the code of why.

    One that is not paid as far as anybody knows, and could not be asked after until its time
    was up, becomes a case; it is asked after all the same. Raises OrderUnknown.
    """
    order = locked(connection, reference)
    attempts = order.attempts + 1
    if order.state is OrderState.REFUNDING:
        # The problem says why the money goes back, and goes on to say it.
        follow_refund(connection, order, at, attempts=attempts)
        return
    due = schedule.after_failed_call(order.state, order.ordered_at, attempts, at)
    if order.state is OrderState.PAID and not order.is_open:
        in_vain(connection, order, problem or order.problem, at)
    if due is None:
        return
    if order.state not in UNPAID:
        # The problem says why the money goes back, and goes on to say it.
        plan(connection, order, attempts=attempts, next_step_at=due)
        return
    due = schedule.unless_hastened(due, order.next_step_at, at)
    is_late = order.state is OrderState.ORDERED and at - order.ordered_at >= VERIFY_FOR
    if is_late and not order.is_open and order.closed_at is None:
        order = open_case(connection, order, PaymentProblem.NOT_VERIFIED, at)
    elif not order.is_open:
        plan(connection, order, problem=problem[:LONGEST_PROBLEM])
    plan(connection, order, attempts=attempts, next_step_at=due)


def hasten(connection: Connection, reference: str, at: datetime) -> bool:
    """Let an order that is not paid, as far as we know, be verified at once.

    Return whether there is an order of this reference.
    """
    order = find_locked(connection, reference)
    if order is not None and order.state in UNPAID:
        plan(connection, order, next_step_at=at)
    return order is not None


def note_shown(
    connection: Connection, order_keys: Collection[int], through: str, at: datetime
) -> None:
    """Note when, and through what ("api", "return"), tokens of orders were first shown.

    It is the proof of delivery, so it is stored before the tokens leave the service.
    """
    if order_keys:
        repository.note_shown(connection, sorted(order_keys), at=at, through=through)


def counts(connection: Connection) -> tuple[datetime | None, dict[OrderState, int], int]:
    """Return since when the oldest paid order waits, how many orders wait, and the open cases."""
    return (
        repository.oldest_paid_at(connection),
        repository.count_by_state(connection, _COUNTED),
        repository.count_open(connection),
    )


def _require_offered(currency: str, house: Client) -> None:
    letters = letters_of(currency)
    if letters not in CURRENCIES:
        raise PaymentsNotOffered(f"Paystack takes no {letters}")
    if not house.is_active:
        raise PaymentsNotOffered(f"the client {house.user_name} is switched off")


def _expected(
    connection: Connection,
    security_module: SecurityModule,
    ask: AskForCredit,
    charge_minor: int,
) -> Expected:
    try:
        offer = prepare(connection, security_module, ask, lock=False)
        require_means(connection, ask, offer.meter)
    except AmountOutsideLimits as reason:
        # The customer pays the charge, too, so the limits of what is paid are higher by it.
        maximum = reason.maximum_minor
        raise AmountOutsideLimits(
            reason.amount_minor + charge_minor,
            reason.minimum_minor + charge_minor,
            None if maximum is None else maximum + charge_minor,
        ) from None
    bought = offer.bought
    return Expected(
        units_tenths=bought.units_tenths,
        free_units_tenths=bought.free_units_tenths,
        bill=bought.bill,
    )


def _add_order(connection: Connection, command: PlaceOrder, values: dict[str, Any]) -> bool:
    """Store an order, and return whether its reference was free: as an order's and a sale's."""
    kind, at = SaleKind.PURCHASE.value, command.received_at
    if find_claim(connection, kind=kind, message_id=command.reference) is not None:
        return False
    empty = ("problem", "authorization_url", "access_code", "dispute")
    more = ("first_shown_through", "closing_note")
    return repository.add_order(
        connection,
        values
        | dict.fromkeys((*empty, *more), "")
        | {
            "reference": command.reference,
            "amount_minor": command.amount_minor,
            "phone": command.phone,
            "state": OrderState.ORDERED.value,
            "ordered_at": at,
            "updated_at": at,
            "attempts": 0,
            "next_step_at": at + FIRST_VERIFY,
            "is_open": False,
        },
    )
