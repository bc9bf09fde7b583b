"""What points of sale say became of a sale, and what follows from it.

Rows are locked in one order: the claim of the id, the sale, its meter, what was counted of the
day, the client's credit. The claim decides between a purchase and the reversal that overtakes
it: whoever takes the id first wins, and the other one waits until that is committed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vending_api.domain.advices import repository
from vending_api.domain.advices.errors import (
    AdviceDeclined,
    AdvisedAmountWrong,
    CaseUnknown,
    SaleUnknown,
)
from vending_api.domain.advices.types import AdviceKind, Outcome
from vending_api.domain.credit.service import give_back, uncount
from vending_api.domain.credit.types import Scope
from vending_api.domain.sales.service import (
    give_up,
    lock_request,
    move,
    order_key_change_again,
    restore_account,
    sale_of,
)
from vending_api.domain.sales.types import SaleEvent, SaleKind, SaleState, next_state
from vending_api.kit.entries import EntryInvalid
from vending_api.kit.errors import MessageIdUsed, Refusal
from vending_api.kit.idempotency import claim

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.advices.types import Advise, NoteSale, ReversalCase
    from vending_api.domain.sales.types import Sale, StoredSale
    from vending_api.kit.errors import DomainError

_EVENT: Final = "event"
_KINDS: Final = {
    AdviceKind.CONFIRMATION: SaleKind.PURCHASE,
    AdviceKind.REVERSAL: SaleKind.PURCHASE,
    AdviceKind.KEY_CHANGE_CONFIRMATION: SaleKind.KEY_CHANGE,
}
_NOTHING_SOLD: Final = (SaleState.REFUSED, SaleState.GIVEN_UP)
_WORDS: Final = {
    SaleState.REFUSED: "nothing was sold",
    SaleState.CONFIRMED: "the sale is confirmed",
    SaleState.REVERSED: "the sale is reversed",
    SaleState.REVERSAL_REFUSED: "the sale is reversed",
    SaleState.GIVEN_UP: "the request is reversed",
}


def advise(connection: Connection, command: Advise) -> Refusal | None:
    """Record what became of a sale and do what follows, or return why it is turned down.

    What refers to an unknown request is remembered: after a reversal, nothing is ever sold under
    that id. Raises MessageIdUsed when the advice was decided on before, SaleUnknown for what
    another client has sold.
    """
    stored = _lock_original(connection, command)
    if stored is None:
        repository.remember_unknown(connection, command)
        return Refusal(SaleUnknown(command.request_id))
    if stored.client_key != command.client.key:
        raise SaleUnknown(command.request_id)
    reason = _objection(command, stored)
    is_accepted = reason is None
    is_new = repository.record(
        connection,
        command,
        outcome=Outcome.ACCEPTED if is_accepted else Outcome.DECLINED,
        sale_key=stored.key,
        is_open=is_accepted and _opens_case(command, stored),
    )
    if not is_new:
        raise MessageIdUsed(command.advice_id)
    if reason is not None:
        return Refusal(reason)
    _carry_out(connection, command, stored)
    return None


def note_sale(connection: Connection, command: NoteSale) -> None:
    """Record the id of a message that makes a sale known elsewhere; a repeat changes nothing.

    Raises SaleUnknown for a purchase id under which this client was sold nothing.
    """
    claim(
        connection,
        kind=_EVENT,
        message_id=command.message_id,
        subject=command.purchase_id,
        at=command.received_at,
    )
    stored = lock_request(connection, SaleKind.PURCHASE, command.purchase_id)
    is_sold = stored is not None and stored.state not in _NOTHING_SOLD
    if stored is None or not is_sold or stored.client_key != command.client.key:
        raise SaleUnknown(command.purchase_id)


def open_cases(connection: Connection) -> list[ReversalCase]:
    """Return the reversals of sold sales that nobody has settled yet, oldest first."""
    return repository.open_cases(connection)


def close_case(connection: Connection, purchase_id: str, *, note: str, at: datetime) -> None:
    """Settle the open reversal of a sale, with a note that says how.

    Raises CaseUnknown; EntryInvalid for a note that is empty or too long.
    """
    if not note.strip():
        raise EntryInvalid("closing_note", "is empty; write how the reversal was settled")
    if not repository.close_case(connection, purchase_id, note=note, at=at):
        raise CaseUnknown(purchase_id)


def _lock_original(connection: Connection, command: Advise) -> StoredSale | None:
    """Return what is stored of the request, locked, or None; a reversal then takes the id."""
    kind = _KINDS[command.kind]
    if command.kind is AdviceKind.REVERSAL and give_up(
        connection, kind, command.request_id, command.received_at
    ):
        return None
    return lock_request(connection, kind, command.request_id)


def _objection(command: Advise, stored: StoredSale) -> DomainError | None:
    """Return why an advice on a request is turned down, or None."""
    is_reversal = command.kind is AdviceKind.REVERSAL
    event = SaleEvent.REVERSE if is_reversal else SaleEvent.CONFIRM
    if next_state(stored.state, event) is None:
        return AdviceDeclined(command.request_id, _WORDS[stored.state])
    approved_minor = command.approved_minor
    if approved_minor is None:
        return None
    is_possible = 0 <= approved_minor <= stored.amount_minor
    if not is_possible or command.currency not in {None, stored.currency}:
        return AdvisedAmountWrong(command.request_id, stored.amount_minor)
    if is_reversal and approved_minor:
        return AdviceDeclined(command.request_id, "a sale is reversed whole, not in part")
    return None


def _opens_case(command: Advise, stored: StoredSale) -> bool:
    """Return whether an accepted advice leaves something to settle: tokens stay good."""
    return command.kind is AdviceKind.REVERSAL and stored.state is SaleState.ISSUED


def _carry_out(connection: Connection, command: Advise, stored: StoredSale) -> None:
    """Do what an accepted advice says to the locked sale."""
    if stored.state is SaleState.REFUSED:
        move(connection, stored, SaleEvent.REVERSE)
    elif command.kind is AdviceKind.REVERSAL:
        _reverse(connection, sale_of(connection, stored), command.received_at)
    else:
        move(connection, stored, SaleEvent.CONFIRM)


def _reverse(connection: Connection, sale: Sale, at: datetime) -> None:
    """Reverse a sale, and give its money back if the utility's rule says so.

    Free units and tokens that operators had queued stay delivered; who settles the case decides.
    """
    minutes = sale.meter.rules.reversal_credit_minutes
    is_credited = minutes is not None and at - sale.sold_at <= timedelta(minutes=minutes)
    move(connection, sale, SaleEvent.REVERSE_AND_CREDIT if is_credited else SaleEvent.REVERSE)
    order_key_change_again(connection, sale)
    if is_credited:
        _undo(connection, sale, at)


def _undo(connection: Connection, sale: Sale, at: datetime) -> None:
    """Give back what a sale took: the meter's account, the day's limits, the client's credit."""
    restore_account(connection, sale)
    day = sale.meter.utility.local_date(sale.sold_at)
    for scope, scope_key in ((Scope.METER, sale.meter.key), (Scope.CLIENT, sale.client_key)):
        uncount(connection, scope, scope_key, day, sale.amount_minor)
    give_back(connection, sale.client_key, reference=sale.purchase_id, at=at)
