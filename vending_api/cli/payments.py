"""`vending payments`: orders that are paid online, their cases, what Paystack told."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Connection

from sts.tokens.digits import grouped
from vending_api.cli.ordering import carry_out
from vending_api.cli.payment_check import check
from vending_api.cli.station import reading, writing
from vending_api.cli.tables import (
    JsonOption,
    print_facts,
    print_json,
    print_table,
    say,
    yes_or_no,
)
from vending_api.domain.actions.types import RefundOrder
from vending_api.domain.notifications import service as notifications
from vending_api.domain.notifications.types import Channel, Notification
from vending_api.domain.payment_events import service as payment_events
from vending_api.domain.payment_events.types import PaymentEvent
from vending_api.domain.payments import cases
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.types import Order, OrderFilter, OrderState, Refund
from vending_api.domain.sales.types import Sale
from vending_api.kit.currencies import letters_of, plain_money
from vending_api.settings import Settings, read_settings

_HIDDEN: Final = "**** **** **** **** ****"
_NOT_IN_TABLES: Final = ("key", "facts", "reference")
_SHOWN: Final = 4
"""How many digits of a token tell it from others, without being of any use."""

ReferenceArgument = Annotated[
    str, typer.Argument(metavar="REFERENCE", help="The order's reference: T and 15 digits.")
]
NoteOption = Annotated[str, typer.Option(metavar="TEXT", help="Why, or how it was settled.")]

payments_app: Final = typer.Typer(
    name="payments",
    help="Orders that are paid online: where each stands, cases, the daily check.",
    no_args_is_help=True,
)
payments_app.command()(check)


@payments_app.command("list")
def list_orders(
    *,
    state: Annotated[
        list[OrderState] | None,
        typer.Option(metavar="STATE", help=f"One of {', '.join(OrderState)}; may be repeated."),
    ] = None,
    is_open: Annotated[
        bool, typer.Option("--open", show_default=False, help="Open cases only.")
    ] = False,
    meter: Annotated[
        str | None, typer.Option(metavar="METER", help="Of the meter that the register calls so.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="ISO-DATE", help="Ordered on that day (UTC) or later."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="ISO-DATE", help="Ordered on that day or earlier.")
    ] = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Show the newest so many.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List orders, the newest first.

    `paid` is the state that must not last: paid, and not vended yet. A problem says why.

    Example: `vending payments list --state paid --state refund_failed`
    """
    wanted = OrderFilter(
        meter_number=meter,
        since=None if since is None else _day(since),
        until=None if until is None else _day(until) + timedelta(days=1),
        states=tuple(state or ()),
        is_open=True if is_open else None,
    )
    with reading() as connection:
        orders, total = payments.find_orders(connection, wanted, 1, size=most)
    if as_json:
        print_json([_order_facts(order) for order in orders])
        return
    print_table(
        ("Reference", "Ordered (UTC)", "Meter", "Amount", "State", "Problem", "Open"),
        [
            (
                *(order.reference, f"{order.ordered_at:%Y-%m-%d %H:%M}", order.meter_number),
                *(_money(order.amount_minor, order), order.state.value, order.problem),
                "yes" if order.is_open else None,
            )
            for order in orders
        ],
    )
    if total > len(orders):
        say(f"There are {total:,}; --most {total} shows them all.")


@payments_app.command()
def show(
    reference: ReferenceArgument,
    *,
    with_token: Annotated[
        bool, typer.Option("--token", show_default=False, help="Show the digits of tokens.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show all that is known of an order: payment, sale, refunds, events, notifications.

    Example: `vending payments show T012345678901234`
    """
    with reading() as connection:
        order = payments.find_order(connection, reference)
        facts = _order_facts(order) | _records(connection, order, with_token=with_token)
    if as_json:
        print_json(facts)
        return
    print_facts(_shown(order, facts))
    for heading, name in (
        ("Token", "tokens"),
        ("Refund", "refunds"),
        ("Event", "events"),
        ("Notification", "notifications"),
    ):
        if rows := facts[name]:
            typer.echo()
            columns = [column for column in rows[0] if column not in _NOT_IN_TABLES]
            titles = [column.replace("_", " ").capitalize() for column in columns]
            print_table(
                (heading, *titles),
                [(number, *(row[one] for one in columns)) for number, row in enumerate(rows, 1)],
            )


@payments_app.command()
def events(
    *,
    close: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Put this event to rest.")
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What you found; goes with --close.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what Paystack told that somebody must look at, or close one with a note.

    Signed webhooks end here whose reference or kind is unknown, or that make no sense.

    Example: `vending payments events --close 17 --note "another shop's payment"`
    """
    if (close is None) != (note is None):
        raise typer.BadParameter("give both or neither", param_hint="--close and --note")
    if close is not None:
        with writing() as connection:
            payment_events.close_event(connection, close, note or "")
        say(f"Event {close} is closed.")
        return
    with reading() as connection:
        found = [_event_facts(one) for one in payment_events.for_review(connection)]
    if as_json:
        print_json(found)
        return
    if not found:
        say("No event waits for review.")
        return
    print_table(
        ("Number", "Received (UTC)", "Event", "Reference", "Problem"),
        [
            (one["key"], one["received_at"], one["event"], one["reference"], one["problem"])
            for one in found
        ],
    )


@payments_app.command()
def vend(reference: ReferenceArgument) -> None:
    """Take the next step to a token at once: verify what is not paid yet, vend what is.

    The running service does it, within seconds. An order whose money goes back is never vended.

    Example: `vending payments vend T012345678901234`
    """
    with writing() as connection:
        order = cases.hurry(connection, reference, datetime.now(UTC))
    what = "vended" if order.state is OrderState.PAID else "verified with Paystack"
    say(f"{reference} is {order.state}, and is {what} as soon as the service runs.")


@payments_app.command()
def refund(reference: ReferenceArgument, *, note: NoteOption) -> None:
    """Give back the money of an order that is paid and not vended, or whose refund failed.

    The whole sum goes back; from now on nothing is vended for it. The customer is told.

    Example: `vending payments refund T012345678901234 --note "meter was removed"`
    """
    channels = _channels(read_settings())
    order = RefundOrder(reference=reference, note=note, channels=tuple(channels))
    if carry_out(order, reason=note) is None:
        return
    say(f"The money of {reference} goes back as soon as the service runs.")


@payments_app.command()
def close(reference: ReferenceArgument, *, note: NoteOption) -> None:
    """Close the case of an order; one that is paid goes on to be vended.

    Example: `vending payments close T012345678901234 --note "settled with the bank, case 991"`
    """
    with writing() as connection:
        order = cases.close_case(connection, reference, note, datetime.now(UTC))
    more = ", and is vended as soon as the service runs" if order.state is OrderState.PAID else ""
    say(f"The case of {reference} is closed{more}.")


def _channels(settings: Settings) -> list[Channel]:
    """Return how customers are told, by what is configured."""
    is_configured = {
        Channel.EMAIL: settings.smtp_host is not None,
        Channel.SMS: settings.sms_url is not None,
    }
    return [channel for channel, has in is_configured.items() if has]


def _day(moment: datetime) -> datetime:
    """Return the beginning of a day in UTC."""
    return datetime.combine(date(moment.year, moment.month, moment.day), time.min, UTC)


def _order_facts(order: Order) -> dict[str, Any]:
    payment = order.payment
    return {
        "reference": order.reference,
        "state": order.state.value,
        "problem": order.problem,
        "is_open": order.is_open,
        "meter_number": order.meter_number,
        "utility": order.utility_name,
        "consumer": order.consumer_key,
        "currency": letters_of(order.currency),
        "amount_minor": order.amount_minor,
        "charge_minor": order.charge_minor,
        "vended_minor": order.vended_minor,
        "paid_minor": order.paid_minor,
        "ordered_at": order.ordered_at.isoformat(),
        "paid_at": _text(order.paid_at),
        "next_step_at": _text(order.next_step_at),
        "attempts": order.attempts,
        "dispute": order.dispute,
        "first_shown_at": _text(order.first_shown_at),
        "first_shown_through": order.first_shown_through,
        "closed_at": _text(order.closed_at),
        "closing_note": order.closing_note,
        "payment": None
        if payment is None
        else {
            "transaction_id": payment.transaction_id,
            "mode": payment.mode,
            "status": payment.status,
            "currency": payment.currency,
            "amount_minor": payment.amount_minor,
            "requested_minor": payment.requested_minor,
            "fees_minor": payment.fees_minor,
            "channel": payment.channel,
            "gateway_response": payment.gateway_response,
            "created_at": _text(payment.created_at),
            "paid_at": _text(payment.paid_at),
        },
    }


def _records(connection: Connection, order: Order, *, with_token: bool) -> dict[str, Any]:
    sale = payments.sale_of(connection, order)
    return {
        "tokens": [] if sale is None else list(_token_facts(sale, with_token=with_token)),
        "refunds": [_refund_facts(one) for one in payments.refunds_of(connection, order)],
        "events": [
            _event_facts(one) for one in payment_events.events_of(connection, order.reference)
        ],
        "notifications": [
            _notification_facts(one) for one in notifications.of_order(connection, order.key)
        ],
    }


def _token_facts(sale: Sale, *, with_token: bool) -> Iterator[dict[str, Any]]:
    for token in sale.tokens:
        masked = f"{_HIDDEN[:-_SHOWN]}{token.digits[-_SHOWN:]}"
        yield {
            "kind": token.kind.value,
            "digits": grouped(token.digits) if with_token else masked,
            "units_tenths": token.units_tenths,
            "receipt": token.receipt_number,
            "sold_at": sale.sold_at.isoformat(),
        }


def _refund_facts(refund: Refund) -> dict[str, Any]:
    return {
        "amount_minor": refund.amount_minor,
        "state": refund.state.value,
        "refund_id": refund.refund_id,
        "refund_reference": refund.refund_reference,
        "reason": refund.reason,
        "asked_at": refund.asked_at.isoformat(),
    }


def _event_facts(event: PaymentEvent) -> dict[str, Any]:
    return {
        "key": event.key,
        "event": event.event,
        "reference": event.reference,
        "state": event.state.value,
        "problem": event.problem,
        "received_at": event.received_at.isoformat(),
        "facts": dict(event.facts),
    }


def _notification_facts(notification: Notification) -> dict[str, Any]:
    # To whom is personal, and known by the order.
    return {
        "kind": notification.kind.value,
        "channel": notification.channel.value,
        "state": notification.state.value,
        "attempts": notification.attempts,
        "problem": notification.problem,
        "sent_at": _text(notification.sent_at),
    }


def _shown(order: Order, facts: dict[str, Any]) -> Iterator[tuple[str, object]]:
    yield "Order", order.reference
    yield "State", f"{order.state}{f', {order.problem}' if order.problem else ''}"
    yield "Open case", yes_or_no(order.is_open)
    yield "Meter", f"{order.meter_number}, {order.utility_name}"
    yield "Amount", _money(order.amount_minor, order)
    yield "Charge", _money(order.charge_minor, order)
    yield "Credit", _money(order.vended_minor, order)
    yield "Ordered", facts["ordered_at"]
    if (payment := order.payment) is not None:
        sums = f"{plain_money(payment.amount_minor, payment.currency)} {payment.currency}"
        yield "Payment", f"{payment.status}, {sums}, {payment.mode}, {payment.channel}"
        yield "Transaction", str(payment.transaction_id)
    for name, fact in (
        ("Paid", "paid_at"),
        ("Next step", "next_step_at"),
        ("Dispute", "dispute"),
        ("First shown", "first_shown_at"),
        ("Closed", "closed_at"),
        ("Note", "closing_note"),
    ):
        if facts[fact]:
            yield name, facts[fact]
    if order.attempts:
        yield "Attempts in vain", order.attempts


def _money(amount_minor: int, order: Order) -> str:
    return f"{plain_money(amount_minor, order.currency)} {letters_of(order.currency)}"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
