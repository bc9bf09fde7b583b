"""What was sold under an id, and what may still become of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vending_api.domain.accounts.service import account_of, store_account
from vending_api.domain.issuing.service import tokens_of_sale
from vending_api.domain.meters.service import (
    find_meter,
    lock_meter,
    order_key_change,
    record_key_data,
)
from vending_api.domain.meters.types import KeyData
from vending_api.domain.numbers.service import parse_receipt
from vending_api.domain.pricing.service import undo
from vending_api.domain.sales import repository
from vending_api.domain.sales.errors import TokensForgotten
from vending_api.domain.sales.references import asked_for
from vending_api.domain.sales.types import (
    HeldKey,
    Sale,
    SaleEvent,
    SaleKind,
    SaleState,
    next_state,
)
from vending_api.kit.idempotency import claim, find_claim

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.sales.types import NewSale, StoredSale

GIVEN_UP: Final = ""
"""Whom an id belongs to that was reversed before anything was sold under it."""
_NOTHING_SOLD: Final = (SaleState.REFUSED, SaleState.GIVEN_UP)
_REPRINTABLE: Final = [
    state for state in SaleState if next_state(state, SaleEvent.REPRINT) is not None
]


def store_sale(connection: Connection, sale: NewSale, *, is_known: bool) -> int:
    """Store a request and what came of it; return our key of it.

    `is_known` says that it was refused before, and this is its new outcome.
    """
    if is_known:
        return repository.replace_sale(connection, sale)
    return repository.add_sale(connection, sale)


def take_sale_keys(connection: Connection, count: int) -> None:
    """Take the keys of so many sales that the group of a connection is about to store."""
    repository.take_keys(connection, count)


def lock_stored(connection: Connection, kind: SaleKind, purchase_id: str) -> StoredSale | None:
    """Return what is stored under an id, locked until the transaction ends, or None."""
    return repository.lock_sale(connection, kind, purchase_id)


def lock_request(connection: Connection, kind: SaleKind, message_id: str) -> StoredSale | None:
    """Return what is stored under an id, or under the request that a retry's id is of, locked.

    None if the id is unknown, or given up before anything was asked under it.
    """
    purchase_id = find_claim(connection, kind=kind.value, message_id=message_id)
    return lock_stored(connection, kind, purchase_id) if purchase_id else None


def give_up(connection: Connection, kind: SaleKind, message_id: str, at: datetime) -> bool:
    """Take an id so that nothing is ever sold under it; return whether that is so.

    It is not where a request holds the id already: then `lock_request` tells what came of it. One
    that is just being made is waited for.
    """
    taken = claim(connection, kind=kind.value, message_id=message_id, subject=GIVEN_UP, at=at)
    return taken.subject == GIVEN_UP


def move(connection: Connection, sale: Sale | StoredSale, event: SaleEvent) -> None:
    """Take a locked request to the state that an event leads to, by the table of its life.

    Raises ValueError for an event that is not in the table; ask `next_state` first.
    """
    state = next_state(sale.state, event)
    if state is None:
        raise ValueError(f"a sale that is {sale.state} knows no {event}")
    repository.move(connection, sale.key, state)


def restore_account(connection: Connection, sale: Sale) -> None:
    """Undo what a sale did to the account of its meter, as a reversal that is credited does.

    Units of the month, debts, charges and what was carried are as if it had not been sold,
    whatever was sold since. Its caller sees that this is done once.
    """
    meter = lock_meter(connection, sale.meter.external_id)
    account = account_of(connection, meter.key)
    day = meter.tariff.local_date(sale.sold_at)
    before = undo(account, sale.bill, sale.amount_minor, day)
    store_account(connection, meter.key, before, before=account)


def order_key_change_again(connection: Connection, sale: Sale) -> None:
    """Let the next purchase of a meter bring the key change of a sale once more.

    For a sale that was reversed: its tokens were not handed over, as far as anybody knows, so
    the meter still holds its old key. A meter that has changed since is left alone.
    """
    if sale.new_key_data is None:
        return
    meter = lock_meter(connection, sale.meter.external_id)
    if KeyData.of(meter.configuration) != sale.new_key_data:
        return
    held = HeldKey.of(sale.meter)
    record_key_data(connection, meter, held.key_data, held.base_date)
    order_key_change(connection, sale.meter, sale.new_key_data)


def find_last_sale(connection: Connection, meter: Meter) -> Sale | None:
    """Return the newest sale of a meter whose tokens may be handed out again, or None."""
    stored = repository.find_newest(connection, meter.external_id, _REPRINTABLE)
    return None if stored is None else sale_of(connection, stored)


def find_sale(connection: Connection, meter: Meter | None, reference: str) -> Sale | None:
    """Return the sale of a purchase id, a key change request id or a receipt number, or None.

    What a slip calls a sale is understood as well. With a `meter`, only if it was sold to that
    one. What was refused is no sale.
    """
    stored = _find_stored(connection, reference) or _find_stored(connection, asked_for(reference))
    if stored is None or stored.state in _NOTHING_SOLD:
        return None
    if meter is not None and stored.external_meter_id != meter.external_id:
        return None
    return sale_of(connection, stored)


def sale_of_key(connection: Connection, key: int) -> Sale | None:
    """Return the sale of our own number of it, or None."""
    stored = repository.find_by_key(connection, key)
    return None if stored is None else sale_of(connection, stored)


def sale_of(connection: Connection, stored: StoredSale) -> Sale:
    """Return a stored sale with its tokens and its meter, which has the key data of that day."""
    meter = find_meter(connection, stored.external_meter_id)
    if stored.held is not None:
        key_data = stored.held.key_data
        configuration = replace(
            meter.configuration,
            supply_group_code=key_data.supply_group_code,
            key_revision_number=key_data.key_revision_number,
            tariff_index=key_data.tariff_index,
        )
        meter = meter._replace(configuration=configuration, base_date=stored.held.base_date)
    return made_sale(stored, meter=meter, tokens=tokens_of_sale(connection, stored.key))


def require_tokens(sale: Sale) -> Sale:
    """Return a sale whose tokens can be handed out again; raises TokensForgotten."""
    if not all(token.digits for token in sale.tokens):
        raise TokensForgotten(sale.purchase_id)
    return sale


def made_sale(stored: StoredSale, *, meter: Meter, tokens: tuple[SoldToken, ...]) -> Sale:
    """Return a sale of what is stored of it, the meter with the key data it had, and the tokens."""
    return Sale(
        key=stored.key,
        kind=stored.kind,
        purchase_id=stored.purchase_id,
        state=stored.state,
        client_key=stored.client_key,
        terminal_id=stored.terminal_id,
        amount_minor=stored.amount_minor,
        currency=stored.currency,
        sold_at=stored.received_at,
        meter=meter,
        new_key_data=stored.new,
        tokens=tokens,
        bill=stored.bill,
        invoice_number=stored.invoice_number,
    )


def _find_stored(connection: Connection, reference: str) -> StoredSale | None:
    receipt = parse_receipt(reference)
    if receipt is not None:
        found = repository.find_by_receipt(connection, *receipt)
        if found is not None:
            return found
    for kind in SaleKind:
        purchase_id = find_claim(connection, kind=kind.value, message_id=reference)
        if purchase_id:
            return repository.find_sale(connection, kind, purchase_id)
    return None
