"""A database in which everything has happened that may happen, to be spoilt on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from tests.domain.advising import (
    accept,
    changed_key,
    confirmation,
    key_change_confirmation,
    on_terms,
    other_client,
    reversal,
    set_rule,
    turned_down,
)
from tests.support.selling import MAKER, refusal, retry, sell
from tests.support.service import NOON, purchase, writing
from vending_api.domain.meters.service import lock_meter
from vending_api.domain.token_queue.service import queue_token, withdraw
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from vending_api.domain.sales.types import SellCredit

_MINUTE: Final = timedelta(minutes=1)
NEXT_YEAR: Final = datetime(2027, 1, 5, 12, 0, tzinfo=UTC)
_WRITERS: Final = ("another", "alone")


def use(engine: Engine) -> None:
    """Do everything once: sell, refuse, retry, confirm, reverse, change a key, queue tokens."""
    sell(engine, _buy("before credit", received_at=NOON - _MINUTE))
    client = on_terms(engine, deposit_minor=200_000, is_prepaid=True)
    stranger = other_client(engine)
    another, alone = (replace(MAKER, log_writer=partial(str, name)) for name in _WRITERS)
    for purchase_id in ("sold", "confirmed", "liable"):
        sell(engine, _buy(purchase_id, client=client))
    retry(engine, _buy("sold", client=client, message_id="retry of sold"))
    sell(engine, _buy("till 2", client=client, terminal_id="TILL0002"))
    sell(engine, _buy("on account", client=stranger, external_meter_id="TST010"), alone)
    accept(engine, confirmation("confirmed"))
    accept(engine, reversal("liable"))
    set_rule(engine, reversal_credit_minutes=5)
    sell(engine, _buy("given back", client=client))
    accept(engine, reversal("given back"))
    for purchase_id in ("refused", "given up"):
        refusal(engine, _buy(purchase_id, amount_minor=1))
    accept(engine, reversal("given up"))
    turned_down(engine, reversal("overtaken"))
    turned_down(engine, confirmation("sold", approved_minor=10**6, currency="710"))
    # Free units, with and without a sale; a sale that pays off two debts.
    sell(engine, _buy("free", client=client, external_meter_id="TST002", amount_minor=0))
    sell(engine, _buy("both", client=client, external_meter_id="TST003"))
    debts = _buy("debts", client=client, external_meter_id="TST008", amount_minor=20_000)
    sell(engine, debts, another)
    changed_key(engine, "TST004", request_id="same id")
    accept(engine, key_change_confirmation("same id"))
    sell(engine, _buy("same id", client=client, external_meter_id="TST004"), another)
    changed_key(engine, "TST010", request_id="key change")
    _queue(engine)
    queued = _buy("queued", client=client, external_meter_id="TST009", amount_minor=20_000)
    sell(engine, queued)
    sell(engine, _buy("next year", client=client, received_at=NEXT_YEAR), another)
    sell(engine, _buy("next year 2", client=client, received_at=NEXT_YEAR + _MINUTE), another)


def _buy(purchase_id: str, **changes: object) -> SellCredit:
    return purchase(**{"purchase_id": purchase_id, "message_id": purchase_id} | changes)


def _queue(engine: Engine) -> None:
    """Order tokens: two that are delivered, one that waits, one that is withdrawn."""
    refund = NewQueuedToken(
        kind=QueuedKind.REFUND, value=738, amount_minor=5_000, reason="fault", ordered_by="Lindiwe"
    )
    limit = replace(refund, kind=QueuedKind.POWER_LIMIT, value=4_000, amount_minor=0)
    with writing(engine) as connection, connection.begin():
        meter = lock_meter(connection, "TST009")
        queue_token(connection, meter, refund, NOON)
        queue_token(connection, meter, limit, NOON)
        meter = lock_meter(connection, "TST007")
        queue_token(connection, meter, limit, NOON)
        key = queue_token(connection, meter, refund, NOON)
        withdraw(connection, meter, key, NOON)


def drop_guards(connection: Connection) -> None:
    """Let the transaction do what the constraints of the tables would not."""
    statements: tuple[str, ...]
    if connection.dialect.name == "sqlite":
        statements = (
            "PRAGMA defer_foreign_keys = ON",
            "ALTER TABLE token RENAME TO guarded_token",
            "CREATE TABLE token AS SELECT * FROM guarded_token",
            "CREATE INDEX token_of_sale ON token (sale_key)",
        )
    else:
        statements = (
            "SET LOCAL session_replication_role = replica",
            "ALTER TABLE token DROP CONSTRAINT token_identifier_is_used_once",
        )
    for statement in statements:
        connection.execute(text(statement))
