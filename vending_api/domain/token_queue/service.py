"""Tokens that operators order for a meter; its next purchase delivers all that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.errors import InvalidField
from sts.tokens.management import ALL_REGISTERS
from sts.units import PowerLimit, TransferAmount
from vending_api.domain.meters.service import note_queued, set_queued
from vending_api.domain.token_queue import repository
from vending_api.domain.token_queue.errors import QueuedTokenUnknown
from vending_api.domain.token_queue.types import QueuedKind
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.meters.types import Meter
    from vending_api.domain.token_queue.types import NewQueuedToken, QueuedToken

_REGISTERS: Final = (*range(8), ALL_REGISTERS)
_LARGEST_REFUND_MINOR: Final = 10**15 - 1
"""15 digits, the most that points of sale can say of any sum."""


def queue_token(connection: Connection, meter: Meter, order: NewQueuedToken, at: datetime) -> int:
    """Order a token for a locked meter's next purchase, and return the key to withdraw it by.

    Raises EntryInvalid for what no token can carry, and for texts that are missing or too long.
    """
    require_sound(order)
    key = repository.add_token(connection, meter.key, order, at)
    set_queued(connection, meter.key, has_queued_tokens=True)
    return key


def queue_tokens(
    connection: Connection, orders: Sequence[tuple[Meter, NewQueuedToken]], at: datetime
) -> list[int]:
    """Order tokens for the next purchases of locked meters, and return their keys, in order.

    The orders are sound, and nothing more is done to the meters in this transaction.
    """
    wanted = [(meter.key, order, None) for meter, order in orders]
    keys = repository.add_tokens(connection, wanted, at)
    note_queued(connection, [meter.key for meter, _ in orders])
    return keys


def note_delivered(
    connection: Connection, orders: Sequence[tuple[Meter, NewQueuedToken, int]], at: datetime
) -> list[int]:
    """Note orders that sales deliver at once, each with the sale's key, and return their keys.

    The orders are sound.
    """
    wanted = [(meter.key, order, sale_key) for meter, order, sale_key in orders]
    return repository.add_tokens(connection, wanted, at)


def require_sound(order: NewQueuedToken) -> None:
    """Raise EntryInvalid for what no token can carry, and for texts that are missing."""
    _require_value(order)
    _require_amount(order)
    for field, text in (("reason", order.reason), ("ordered_by", order.ordered_by)):
        if not text.strip():
            raise EntryInvalid(f"queued_token.{field}", "is empty; the log of orders needs it")


def waiting(connection: Connection, meter: Meter) -> tuple[QueuedToken, ...]:
    """Return the tokens that wait for a meter, oldest first."""
    if not meter.has_queued_tokens:
        return ()
    return repository.waiting_tokens(connection, meter.key)


def deliver(connection: Connection, meter: Meter, keys: Sequence[int], sale_key: int) -> None:
    """Note that a sale has delivered tokens that waited for a locked meter."""
    if not keys:
        return
    repository.mark_delivered(connection, meter.key, keys, sale_key)
    _clear_flag_if_none_waits(connection, meter)


def withdraw(connection: Connection, meter: Meter, key: int, at: datetime) -> None:
    """Take back the order of a token that waits for a locked meter; raises QueuedTokenUnknown."""
    if not repository.mark_withdrawn(connection, meter.key, key, at):
        raise QueuedTokenUnknown(meter.external_id, key)
    _clear_flag_if_none_waits(connection, meter)


def _clear_flag_if_none_waits(connection: Connection, meter: Meter) -> None:
    if not repository.is_any_waiting(connection, meter.key):
        set_queued(connection, meter.key, has_queued_tokens=False)


def _require_value(order: NewQueuedToken) -> None:
    value, problem = order.value, None
    try:
        match order.kind:
            case QueuedKind.REFUND:
                TransferAmount(value)
                if not value:
                    problem = "a refund of no units; write 1 tenth of a unit or more"
            case QueuedKind.POWER_LIMIT:
                PowerLimit(value)
            case QueuedKind.CLEAR_TAMPER:
                if value:
                    problem = f"{value}; a tamper condition has no value, write 0"
            case QueuedKind.CLEAR_CREDIT:
                if value not in _REGISTERS:
                    problem = f"register {value}; write 0 to 7, or {ALL_REGISTERS} for all"
    except InvalidField as error:
        problem = f"{error.problem}; write {error.expected}"
    if problem is not None:
        raise EntryInvalid("queued_token.value", problem)


def _require_amount(order: NewQueuedToken) -> None:
    amount_minor = order.amount_minor
    if order.kind is QueuedKind.REFUND:
        if not 0 <= amount_minor <= _LARGEST_REFUND_MINOR:
            raise EntryInvalid(
                "queued_token.amount_minor",
                f"{amount_minor}; write 0 to {_LARGEST_REFUND_MINOR} minor units",
            )
    elif amount_minor:
        raise EntryInvalid(
            "queued_token.amount_minor", f"{amount_minor}; only a refund is worth money, write 0"
        )
