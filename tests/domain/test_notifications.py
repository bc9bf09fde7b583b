"""What customers are told: once, sent at least once, tried a bounded number of times."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sts.key_data import TariffIndex
from tests.domain.paying import PHONE, SOON, an_order, in_state, payment, settle, spoil
from tests.support.residents import EMAIL, METER
from tests.support.service import NOON, writing
from vending_api.domain.meters.service import lock_meter, order_key_change
from vending_api.domain.meters.types import KeyData
from vending_api.domain.notifications import service
from vending_api.domain.notifications.tables import NOTIFICATION
from vending_api.domain.notifications.types import (
    SEND_ATTEMPTS,
    Channel,
    Message,
    Notification,
    NotificationKind,
    NotificationState,
)
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.errors import OrderUnknown
from vending_api.domain.payments.messages import message_for
from vending_api.domain.payments.types import Order, OrderState
from vending_api.kit.due import take_due

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

_ONE_SMS = 160


def test_the_same_is_told_once_on_each_channel_that_has_a_recipient(engine: Engine) -> None:
    order = an_order(engine)
    for _ in range(2):
        _do(
            engine,
            lambda connection: service.queue(
                connection,
                order_key=order.key,
                kind=NotificationKind.TOKEN,
                recipients={Channel.SMS: "", Channel.EMAIL: EMAIL},
                at=NOON,
            ),
        )
    (queued,) = _all(engine, order)
    assert (queued.channel, queued.recipient, queued.state) == ("email", EMAIL, "waiting")
    assert EMAIL not in repr(queued)


def test_what_was_sent_is_not_sent_again(engine: Engine) -> None:
    queued = _queued(engine)
    assert _due(engine, SOON) == [queued.key]
    _do(engine, lambda connection: service.mark_sent(connection, queued.key, SOON))
    _fail(engine, queued, SOON)
    _do(engine, lambda connection: service.mark_sent(connection, queued.key, NOON))
    sent = _one(engine, queued)
    assert (sent.state, sent.sent_at, sent.attempts) == (NotificationState.SENT, SOON, 0)
    assert _due(engine, SOON + timedelta(days=365)) == []


def test_what_was_not_taken_is_tried_twelve_times_within_seven_hours(engine: Engine) -> None:
    queued, at, pauses = _queued(engine), SOON, []
    for attempt in range(1, SEND_ATTEMPTS + 1):
        assert _due(engine, at) == [queued.key]
        _fail(engine, queued, at)
        assert _one(engine, queued).attempts == attempt
        if attempt < SEND_ATTEMPTS:
            (due,) = _moments(engine)
            pauses.append(due - at)
            at = due
    assert pauses[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(minutes=1)]
    assert pauses[-1] == timedelta(hours=2)
    assert timedelta(hours=6) < sum(pauses, timedelta(0)) < timedelta(hours=7)
    given_up = _one(engine, queued)
    assert (given_up.state, given_up.problem) == (NotificationState.GIVEN_UP, "down")
    assert _due(engine, at + timedelta(days=365)) == []
    with engine.connect() as connection:
        assert service.counts(connection) == (0, 1)


def test_what_can_never_be_taken_is_given_up_at_once(engine: Engine) -> None:
    queued = _queued(engine)
    with engine.connect() as connection:
        assert service.counts(connection) == (1, 0)
    _fail(engine, queued, SOON, is_final=True, problem="x" * 200)
    given_up = _one(engine, queued)
    assert (given_up.state, len(given_up.problem)) == (NotificationState.GIVEN_UP, 80)
    # It may have been handed over all the same, by whoever was slow.
    _do(engine, lambda connection: service.mark_sent(connection, queued.key, SOON))
    assert _one(engine, queued).state is NotificationState.SENT


def test_a_message_has_the_token_and_what_was_paid_and_shows_none_of_it(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    with engine.connect() as connection:
        sale = payments.sale_of(connection, order)
    assert sale is not None
    digits = [_grouped(token.digits) for token in sale.tokens]
    message = _message(engine, order)
    for part in (*digits, METER, order.reference, "NGN 5,200.00", "5,000.00", "200.00", "kWh"):
        assert part in message.text, part
    assert "in this order" not in message.text
    for part in (*digits, METER, order.reference):
        assert part in message.short_text, part
    assert message.short_text.isascii()
    assert len(message.short_text) <= _ONE_SMS
    assert METER in message.subject
    assert not any(group in repr(message) for group in digits)
    assert "\n" not in message.subject + message.short_text


def test_an_estate_without_a_charge_says_nothing_of_it(engine: Engine) -> None:
    order = in_state(engine, OrderState.VENDED)
    assert "the charge is" in _message(engine, order).text
    spoil(engine, order, charge_minor=0)
    assert "the charge is" not in _message(engine, order).text


def test_tokens_of_a_key_change_come_first_and_in_order(engine: Engine) -> None:
    order = an_order(engine)
    _do(engine, _order_another_key)
    settle(engine, order, payment(order))
    with engine.connect() as connection:
        sale = payments.sale_of(connection, payments.find_order(connection, order.reference))
    assert sale is not None
    assert len(sale.tokens) > 2
    message = _message(engine, order)
    for text in (message.text, message.short_text):
        places = [text.index(_grouped(token.digits)) for token in sale.tokens]
        assert places == sorted(places)
    assert "in this order" in message.text
    assert f"1 of {len(sale.tokens) - 1}" in message.short_text


def test_who_gets_the_money_back_is_told_what_was_paid(engine: Engine) -> None:
    order = an_order(engine)
    settle(engine, order, payment(order, currency="GHS", amount_minor=123_456))
    message = _message(engine, order)
    for text in (message.text, message.short_text):
        assert "GHS 1,234.56" in text
        assert order.reference in text
    assert len(message.short_text) <= _ONE_SMS
    assert message.short_text.isascii()


def test_a_refund_of_what_was_never_seen_names_what_was_ordered(engine: Engine) -> None:
    order = an_order(engine)
    with engine.connect() as connection:
        notification = _for(NotificationKind.REFUND, order.key)
        assert "NGN 5,200.00" in message_for(connection, notification).text


def test_nothing_is_told_of_what_is_not_there(engine: Engine) -> None:
    order = an_order(engine)
    with engine.connect() as connection:
        for order_key in (order.key, order.key + 1):
            with pytest.raises(OrderUnknown):
                message_for(connection, _for(NotificationKind.TOKEN, order_key))


def _order_another_key(connection: Connection) -> None:
    meter = lock_meter(connection, METER)
    held = KeyData.of(meter.configuration)
    order_key_change(connection, meter, held._replace(tariff_index=TariffIndex("07")))


def _grouped(digits: str) -> str:
    return " ".join(digits[place : place + 4] for place in range(0, 20, 4))


def _queued(engine: Engine) -> Notification:
    """Return the e-mail that tells of a vended order; no SMS is to be sent."""
    order = an_order(engine, phone="")
    settle(engine, order, payment(order))
    (queued,) = _all(engine, order)
    return queued


def _message(engine: Engine, order: Order) -> Message:
    """Return what is told of an order: the same on each channel."""
    with engine.connect() as connection:
        queued = service.of_order(connection, order.key)
        assert {one.recipient for one in queued} == {EMAIL, PHONE}
        first, second = (message_for(connection, one) for one in queued)
    assert first == second
    return first


def _for(kind: NotificationKind, order_key: int) -> Notification:
    """Return a notification that nobody has queued."""
    return Notification(
        key=1,
        order_key=order_key,
        kind=kind,
        channel=Channel.EMAIL,
        recipient=EMAIL,
        state=NotificationState.WAITING,
        attempts=0,
        created_at=NOON,
    )


def _do(engine: Engine, act: Callable[[Connection], object]) -> None:
    with writing(engine) as connection, connection.begin():
        act(connection)


def _fail(
    engine: Engine, queued: Notification, at: Any, *, is_final: bool = False, problem: str = "down"
) -> None:
    with writing(engine) as connection, connection.begin():
        service.mark_failed(connection, queued.key, problem, at, is_final=is_final)


def _due(engine: Engine, at: Any) -> list[int]:
    with writing(engine) as connection, connection.begin():
        return take_due(connection, NOTIFICATION, now=at, most=20)


def _one(engine: Engine, queued: Notification) -> Notification:
    with engine.connect() as connection:
        return service.take(connection, queued.key)


def _all(engine: Engine, order: Order) -> list[Notification]:
    with engine.connect() as connection:
        return service.of_order(connection, order.key)


def _moments(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        rows = connection.execute(NOTIFICATION.select()).all()
    return [row.next_step_at for row in rows]
