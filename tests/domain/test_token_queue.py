"""What operators order for a meter waits until one purchase delivers it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from sts.units import MAX_POWER_WATTS, MAX_TRANSFER_TENTHS
from tests.support.service import NOON, writing
from tests.support.statements import recorded
from vending_api.domain.meters.service import find_meter, lock_meter
from vending_api.domain.token_queue import service
from vending_api.domain.token_queue.errors import QueuedTokenUnknown
from vending_api.domain.token_queue.tables import QUEUED_TOKEN
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind, QueuedToken
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

REFUND = NewQueuedToken(
    kind=QueuedKind.REFUND,
    value=738,
    amount_minor=10_000,
    reason="Meter was changed",
    ordered_by="ann",
)


def _setting(kind: QueuedKind, value: int) -> NewQueuedToken:
    return replace(REFUND, kind=kind, value=value, amount_minor=0)


def _queue(engine: Engine, order: NewQueuedToken = REFUND, external_id: str = "TST001") -> int:
    with writing(engine) as connection, connection.begin():
        return service.queue_token(connection, lock_meter(connection, external_id), order, NOON)


def _deliver(engine: Engine, *keys: int, external_id: str = "TST001") -> None:
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, external_id)
        service.deliver(connection, meter, keys, sale_key=7)


def _withdraw(engine: Engine, key: int, external_id: str = "TST001") -> None:
    with writing(engine) as connection, connection.begin():
        service.withdraw(connection, lock_meter(connection, external_id), key, NOON)


def _waiting(engine: Engine, external_id: str = "TST001") -> tuple[QueuedToken, ...]:
    with engine.connect() as connection:
        return service.waiting(connection, find_meter(connection, external_id))


def _has_queued(engine: Engine, external_id: str = "TST001") -> bool:
    with engine.connect() as connection:
        return find_meter(connection, external_id).has_queued_tokens


def test_tokens_wait_in_the_order_in_which_they_were_ordered(engine: Engine) -> None:
    limit = _setting(QueuedKind.POWER_LIMIT, 4_600)
    keys = [_queue(engine, limit), _queue(engine), _queue(engine, limit)]
    waiting = _waiting(engine)
    assert [token.key for token in waiting] == keys
    assert [token.kind for token in waiting] == [limit.kind, REFUND.kind, limit.kind]
    assert waiting[1] == QueuedToken(
        key=keys[1],
        kind=QueuedKind.REFUND,
        value=738,
        amount_minor=10_000,
        reason="Meter was changed",
        ordered_by="ann",
    )
    assert _has_queued(engine)
    assert _waiting(engine, "TST002") == ()


def test_a_meter_without_queued_tokens_costs_no_look(engine: Engine) -> None:
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST001")
        with recorded(engine) as sent:
            assert service.waiting(connection, meter) == ()
            service.deliver(connection, meter, [], sale_key=1)
        assert sent == []


def test_what_is_delivered_waits_no_more(engine: Engine) -> None:
    first, second, third = (_queue(engine) for _ in range(3))
    _deliver(engine, first, third)
    assert [token.key for token in _waiting(engine)] == [second]
    assert _has_queued(engine)
    _deliver(engine, second)
    assert _waiting(engine) == ()
    assert not _has_queued(engine)
    with engine.connect() as connection:
        rows = connection.execute(
            select(QUEUED_TOKEN.c.sale_key).where(QUEUED_TOKEN.c.key.in_([first, second, third]))
        )
        assert rows.scalars().all() == [7, 7, 7]


def test_what_is_withdrawn_waits_no_more(engine: Engine) -> None:
    first, second = _queue(engine), _queue(engine)
    _withdraw(engine, first)
    assert [token.key for token in _waiting(engine)] == [second]
    assert _has_queued(engine)
    _withdraw(engine, second)
    assert not _has_queued(engine)


def test_only_what_waits_for_the_meter_is_withdrawn(engine: Engine) -> None:
    delivered, withdrawn, waits = (_queue(engine) for _ in range(3))
    _deliver(engine, delivered)
    _withdraw(engine, withdrawn)
    for key, external_id in (
        (delivered, "TST001"),
        (withdrawn, "TST001"),
        (waits, "TST002"),
        (4711, "TST001"),
    ):
        with pytest.raises(QueuedTokenUnknown) as refused:
            _withdraw(engine, key, external_id)
        assert (refused.value.key, refused.value.external_id) == (key, external_id)
    assert [token.key for token in _waiting(engine)] == [waits]
    assert _has_queued(engine)


def test_a_sale_delivers_only_what_waits_for_its_meter(engine: Engine) -> None:
    withdrawn, waits = _queue(engine), _queue(engine)
    _withdraw(engine, withdrawn)
    _deliver(engine, withdrawn)
    _deliver(engine, waits, external_id="TST002")
    assert [token.key for token in _waiting(engine)] == [waits]
    assert _has_queued(engine)


def test_an_order_that_is_rolled_back_leaves_nothing(engine: Engine) -> None:
    with writing(engine) as connection:
        transaction = connection.begin()
        service.queue_token(connection, lock_meter(connection, "TST001"), REFUND, NOON)
        transaction.rollback()
    assert not _has_queued(engine)


def test_what_a_token_can_carry_is_queued(engine: Engine) -> None:
    orders = (
        replace(REFUND, value=1, amount_minor=0),
        replace(REFUND, value=16_384, amount_minor=10**15 - 1),
        replace(REFUND, value=MAX_TRANSFER_TENTHS),
        replace(REFUND, reason="R" * 80, ordered_by="O" * 40),
        _setting(QueuedKind.POWER_LIMIT, 0),
        _setting(QueuedKind.POWER_LIMIT, 16_394),
        _setting(QueuedKind.POWER_LIMIT, MAX_POWER_WATTS),
        _setting(QueuedKind.CLEAR_TAMPER, 0),
        _setting(QueuedKind.CLEAR_CREDIT, 0),
        _setting(QueuedKind.CLEAR_CREDIT, 7),
        _setting(QueuedKind.CLEAR_CREDIT, 65_535),
    )
    for order in orders:
        _queue(engine, order)
    carried = [(token.kind, token.value) for token in _waiting(engine)]
    assert carried == [(order.kind, order.value) for order in orders]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": 0}, "value"),
        ({"value": -1}, "value"),
        ({"value": 16_385}, "value"),
        ({"value": MAX_TRANSFER_TENTHS + 1}, "value"),
        ({"amount_minor": -1}, "amount_minor"),
        ({"amount_minor": 10**15}, "amount_minor"),
        ({"reason": ""}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "R" * 81}, "reason"),
        ({"ordered_by": ""}, "ordered_by"),
        ({"ordered_by": "O" * 41}, "ordered_by"),
        ({"kind": QueuedKind.POWER_LIMIT, "value": -1, "amount_minor": 0}, "value"),
        ({"kind": QueuedKind.POWER_LIMIT, "value": 16_385, "amount_minor": 0}, "value"),
        ({"kind": QueuedKind.POWER_LIMIT, "value": 4_600, "amount_minor": 1}, "amount_minor"),
        ({"kind": QueuedKind.CLEAR_TAMPER, "value": 1, "amount_minor": 0}, "value"),
        ({"kind": QueuedKind.CLEAR_TAMPER, "value": 0, "amount_minor": 1}, "amount_minor"),
        ({"kind": QueuedKind.CLEAR_CREDIT, "value": -1, "amount_minor": 0}, "value"),
        ({"kind": QueuedKind.CLEAR_CREDIT, "value": 8, "amount_minor": 0}, "value"),
        ({"kind": QueuedKind.CLEAR_CREDIT, "value": 65_534, "amount_minor": 0}, "value"),
        ({"kind": QueuedKind.CLEAR_CREDIT, "value": 65_536, "amount_minor": 0}, "value"),
    ],
)
def test_what_no_token_can_carry_is_refused(
    engine: Engine, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(EntryInvalid) as refused:
        _queue(engine, replace(REFUND, **changes))
    assert refused.value.field == f"queued_token.{field}"
    assert not _has_queued(engine)


def test_what_cannot_be_carried_exactly_names_what_can(engine: Engine) -> None:
    with pytest.raises(EntryInvalid, match=r"16385 tenths .* write 16394 tenths"):
        _queue(engine, replace(REFUND, value=16_385))
