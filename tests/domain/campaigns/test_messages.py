"""Tokens of a campaign that go by message: to whoever has registered the meter, and only once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from sts.tokens.digits import grouped
from sts.virtual_meter import Accepted
from tests.domain.campaigns.proposing import (
    NAME,
    disagreements,
    exported,
    listed,
    new,
    refused,
    run,
    states,
)
from tests.support.residents import EMAIL, METER, OTHER_METER, SERIAL, add_resident
from vending_api.domain.campaigns.messages import message_for
from vending_api.domain.campaigns.types import Delivery, RefundOf
from vending_api.domain.notifications.service import take
from vending_api.domain.notifications.tables import NOTIFICATION
from vending_api.domain.notifications.types import (
    Channel,
    Notification,
    NotificationKind,
    NotificationState,
    NotSent,
)
from vending_api.sandbox.virtual_meters import estate_virtual_meter

if TYPE_CHECKING:
    from sqlalchemy import Engine

FOR_RESIDENTS = new(
    delivery=Delivery.MESSAGE,
    selection=listed(METER, OTHER_METER),
    refund=RefundOf(units_tenths=123),
)


def test_who_has_registered_the_meter_is_told_and_others_are_refused(engine: Engine) -> None:
    add_resident(engine)
    run(engine, FOR_RESIDENTS)
    assert states(engine) == {METER: ("delivered", None), OTHER_METER: refused("nobody_to_tell")}
    (row,) = _outbox(engine)
    assert (row.recipient, row.channel, row.state) == (EMAIL, "email", "waiting")
    assert exported(engine) == []
    (given,) = exported(engine, again=True)
    with engine.connect() as connection:
        message = message_for(connection, take(connection, row.key))
    (digits,) = given.tokens
    assert grouped(digits) in message.text
    assert "12.3" in message.text
    assert f"Meter {METER}: {grouped(digits)}" in message.short_text
    assert message.short_text.isascii()
    assert digits[:4] not in repr(message)
    assert isinstance(estate_virtual_meter(SERIAL).enter(digits), Accepted)
    assert disagreements(engine) == []


def test_there_is_nothing_to_tell_of_a_sale_that_is_not_there(engine: Engine) -> None:
    for sale_key in (None, 999):
        notification = Notification(
            key=1,
            order_key=None,
            sale_key=sale_key,
            kind=NotificationKind.TOKEN,
            channel=Channel.EMAIL,
            recipient=EMAIL,
            state=NotificationState.WAITING,
            attempts=0,
            created_at=FOR_RESIDENTS.proposed_at,
        )
        with engine.connect() as connection, pytest.raises(NotSent):
            message_for(connection, notification)
    assert FOR_RESIDENTS.name == NAME


def _outbox(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(NOTIFICATION)).all())
