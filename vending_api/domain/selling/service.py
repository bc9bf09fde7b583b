"""Look up, try, sell, and sell again only if it was not sold: claim the id first, then act.

Each function runs inside a transaction that its caller commits before it answers. In a group,
a purchase is recorded with its tokens once those of all its sales are made (`kit.group`).
What a business rule turns down is returned as a Refusal and committed, so that its id
stays used; what is raised leaves no trace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vending_api.domain.accounts.service import account_of, read_accounts, store_account
from vending_api.domain.clients.service import read_terminals
from vending_api.domain.issuing.service import (
    make_key_change_tokens,
    newest_identifier,
    order_tokens,
    record_tokens,
)
from vending_api.domain.issuing.types import MadeFor, Payer
from vending_api.domain.key_changes.service import due_key_change
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.service import lock_meters, record_key_data
from vending_api.domain.numbers.service import expect_numbers, take_numbers
from vending_api.domain.numbers.types import Place
from vending_api.domain.offers.service import (
    REFUSALS,
    meter_of,
    prepare,
    require_means,
    require_served,
    use_means,
)
from vending_api.domain.pricing.service import are_free_units_due, arrears_of, limits_of
from vending_api.domain.sales.errors import NoKeyChangeDue, NotForTrials, SaleGivenUp
from vending_api.domain.sales.service import (
    GIVEN_UP,
    lock_stored,
    made_sale,
    require_tokens,
    sale_of,
    store_sale,
    take_sale_keys,
)
from vending_api.domain.sales.types import (
    FoundMeter,
    HeldKey,
    NewSale,
    Sale,
    SaleEvent,
    SaleKind,
    SaleState,
    Trial,
    next_state,
)
from vending_api.domain.token_queue.service import deliver
from vending_api.kit.errors import MessageIdUsed, Refusal
from vending_api.kit.group import finish_later
from vending_api.kit.idempotency import claim, claim_ahead, claim_new, find_claim
from vending_api.kit.statements import undoable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.key_changes.types import KeyChangeDue
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.numbers.types import Numbers
    from vending_api.domain.offers.types import Offer
    from vending_api.domain.sales.types import (
        ChangeKey,
        LookUpMeter,
        SellCredit,
        StoredSale,
        TryCredit,
    )
    from vending_api.kit.group import Unfinished

_LOOKUP: Final = "lookup"
_TRIAL: Final = "trial"


def look_up(connection: Connection, command: LookUpMeter) -> FoundMeter | Refusal:
    """Return a registered meter with what it may buy for now, or the refusal of an unknown one.

    Raises MessageIdUsed when another lookup had this id.
    """
    at = command.received_at
    claim_new(connection, kind=_LOOKUP, message_id=command.lookup_id, at=at)
    try:
        meter = meter_of(connection, command.external_meter_id, command.card, lock=False)
    except UnknownMeter as reason:
        return Refusal(reason)
    account = account_of(connection, meter.key)
    return FoundMeter(
        meter=meter._replace(limits=limits_of(meter, at)),
        arrears_minor=arrears_of(account),
        free_units_due=are_free_units_due(meter.tariff, account, at),
    )


def try_out(connection: Connection, maker: TokenMaker, command: TryCredit) -> Trial | Refusal:
    """Return what a sum would bring; nothing is stored but that the id is used.

    Raises MessageIdUsed when another trial had this id.
    """
    at = command.received_at
    claim_new(connection, kind=_TRIAL, message_id=command.trial_id, at=at)
    try:
        offer = prepare(connection, maker.security_module, command, lock=False)
        require_means(connection, command, offer.meter)
    except REFUSALS as reason:
        return Refusal(reason)
    return Trial(
        amount_minor=command.amount_minor,
        currency=command.currency,
        tried_at=at,
        meter=offer.meter,
        new_key_data=offer.new_key_data,
        units_tenths=offer.bought.units_tenths,
        free_units_tenths=offer.bought.free_units_tenths,
        bill=offer.bought.bill,
    )


def foresee(connection: Connection, commands: Sequence[SellCredit]) -> None:
    """Do at once, for purchases that a group is about to `sell`, what each begins with.

    Their ids are taken, their meters locked and read with their accounts and terminals: as many
    statements for all of them as for one. Ids first, then meters, each kind in one order; keys of
    sales come after the locks, so that a meter's newest sale has the highest.
    """
    claim_ahead(
        connection,
        kind=SaleKind.PURCHASE.value,
        message_ids={command.purchase_id: command.received_at for command in commands},
    )
    named = {command.external_meter_id for command in commands if command.external_meter_id}
    meters = {meter.external_id: meter for meter in lock_meters(connection, named)}
    read_accounts(connection, [meter.key for meter in meters.values()])
    read_terminals(connection, [(command.client, command.terminal_id) for command in commands])
    expect_numbers(
        connection,
        [
            Place(meter.utility_key, command.client.key, command.terminal_id)
            for command in commands
            if (meter := meters.get(command.external_meter_id)) is not None
        ],
    )
    take_sale_keys(connection, len(commands))


def sell(
    connection: Connection, maker: TokenMaker, command: SellCredit
) -> Sale | Unfinished[Sale] | Refusal:
    """Sell credit under an id that nothing was sold under before.

    Raises MessageIdUsed when the id is known, SaleGivenUp when it was reversed before it
    came, TokenNotProven when the token was bad.
    """
    earlier = _claim_purchase(connection, command, command.purchase_id)
    if earlier == GIVEN_UP:
        raise SaleGivenUp(command.purchase_id)
    if earlier is not None:
        raise MessageIdUsed(command.purchase_id)
    return _decide(connection, maker, command, is_known=False)


def retry(
    connection: Connection, maker: TokenMaker, command: SellCredit
) -> Sale | Unfinished[Sale] | Refusal:
    """Return what was sold under the id, or sell now if nothing was.

    What was refused is decided anew. Raises MessageIdUsed when the id belongs to another
    client, when it was sold for another meter or sum, or when the message's own id belongs
    to another sale; SaleGivenUp when it was reversed; NotForTrials; TokenNotProven.
    """
    earlier = _claim_purchase(connection, command, command.purchase_id)
    if earlier is None and find_claim(connection, kind=_TRIAL, message_id=command.purchase_id):
        raise NotForTrials(command.purchase_id)
    # The path may name the sale by the id that an earlier retry of it had.
    command = replace(command, purchase_id=earlier or command.purchase_id)
    holder = _claim_purchase(connection, command, command.message_id)
    if GIVEN_UP in {earlier, holder}:
        raise SaleGivenUp(command.message_id)
    if holder not in {None, command.purchase_id}:
        raise MessageIdUsed(command.message_id)
    if earlier is None:
        return _decide(connection, maker, command, is_known=False)
    stored = lock_stored(connection, SaleKind.PURCHASE, command.purchase_id)
    if stored is None or stored.client_key != command.client.key:
        raise MessageIdUsed(command.purchase_id)
    if next_state(stored.state, SaleEvent.RETRY) is None:
        raise SaleGivenUp(command.purchase_id)
    if stored.state is SaleState.REFUSED:
        return _decide(connection, maker, command, is_known=True)
    if not _asks_the_same(connection, stored, command):
        raise MessageIdUsed(command.purchase_id)
    return require_tokens(sale_of(connection, stored))


def change_key(connection: Connection, maker: TokenMaker, command: ChangeKey) -> Sale | Refusal:
    """Return the key change tokens that a meter needs; its register switches with them.

    Raises MessageIdUsed when another request had this id, TokenNotProven.
    """
    request = NewSale(
        kind=SaleKind.KEY_CHANGE,
        purchase_id=command.request_id,
        client_key=command.client.key,
        terminal_id=command.terminal_id,
        external_meter_id=command.external_meter_id,
        amount_minor=0,
        currency="",
        received_at=command.received_at,
    )
    claim_new(
        connection,
        kind=request.kind.value,
        message_id=request.purchase_id,
        at=request.received_at,
    )
    try:
        with undoable(connection):
            return _change_key(connection, maker, command, request)
    except (*REFUSALS, NoKeyChangeDue) as reason:
        store_sale(connection, request._replace(refusal_code=reason.code), is_known=False)
        return Refusal(reason)


def _change_key(
    connection: Connection, maker: TokenMaker, command: ChangeKey, request: NewSale
) -> Sale:
    meter = meter_of(connection, command.external_meter_id, command.card, lock=True)
    require_served(connection, meter, command.client, command.terminal_id)
    due = due_key_change(maker.security_module, meter, command.card, command.received_at)
    if due is None:
        raise NoKeyChangeDue(meter.external_id)
    before = due.meter_before(meter)
    sold = request._replace(
        external_meter_id=meter.external_id,
        currency=meter.utility.currency,
        held=HeldKey.of(before),
        new=due.new,
    )
    payer = Payer(sold.client_key, sold.amount_minor, sold.currency)
    tokens = make_key_change_tokens(maker, meter.external_id, due, payer)
    _switch_key(connection, meter, due)
    sale_key = store_sale(connection, sold, is_known=False)
    made_for = MadeFor(sale_key=sale_key, reference=sold.purchase_id, at=sold.received_at)
    record_tokens(connection, maker, tokens, meter=before, made_for=made_for)
    return made_sale(sold.stored(sale_key), meter=before, tokens=tokens)


def _claim_purchase(connection: Connection, command: SellCredit, message_id: str) -> str | None:
    """Take an id for the sale; return None, or the purchase id that it belonged to already."""
    taken = claim(
        connection,
        kind=SaleKind.PURCHASE.value,
        message_id=message_id,
        subject=command.purchase_id,
        at=command.received_at,
    )
    return None if taken.is_new else taken.subject


def _asks_the_same(connection: Connection, stored: StoredSale, command: SellCredit) -> bool:
    # The clock and the terminal do not count: an honest retry comes later, maybe from elsewhere.
    if (stored.amount_minor, stored.currency) != (command.amount_minor, command.currency):
        return False
    if command.external_meter_id:
        return stored.external_meter_id == command.external_meter_id
    meter = meter_of(connection, stored.external_meter_id, None, lock=False)
    return command.card is not None and command.card.pan == meter.configuration.pan


def _decide(
    connection: Connection, maker: TokenMaker, command: SellCredit, *, is_known: bool
) -> Sale | Unfinished[Sale] | Refusal:
    """Sell or refuse under a claimed id, and store which of the two.

    What was done before a rule said no is undone, so a refusal leaves nothing but its record.
    """
    request = NewSale(
        kind=SaleKind.PURCHASE,
        purchase_id=command.purchase_id,
        client_key=command.client.key,
        terminal_id=command.terminal_id,
        external_meter_id=command.external_meter_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        received_at=command.received_at,
    )
    try:
        with undoable(connection):
            offer = prepare(connection, maker.security_module, command, lock=True)
            use_means(connection, command, offer.meter, reference=command.purchase_id)
            return _carry_out(connection, maker, offer, request, is_known=is_known)
    except REFUSALS as reason:
        store_sale(connection, request._replace(refusal_code=reason.code), is_known=is_known)
        return Refusal(reason)


def _carry_out(
    connection: Connection, maker: TokenMaker, offer: Offer, request: NewSale, *, is_known: bool
) -> Sale | Unfinished[Sale]:
    """Have the tokens of an offer made, store the sale with all that it changes, and return it."""
    at = request.received_at
    payer = Payer(request.client_key, request.amount_minor, request.currency)
    key_tokens, meter = _make_key_change(connection, maker, offer, payer)
    ordered = order_tokens(connection, maker, meter, offer.orders, payer=payer, now=at)
    numbers = _take_numbers(connection, offer, request)
    on_tokens, on_debts = offer.split_receipts(numbers.receipts)
    sold = request._replace(
        external_meter_id=meter.external_id,
        bill=offer.bought.bill.with_receipts(on_debts),
        held=HeldKey.of(offer.meter),
        new=offer.new_key_data,
        numbers=numbers,
    )
    sale_key = store_sale(connection, sold, is_known=is_known)
    if offer.queued_keys:
        deliver(connection, meter, offer.queued_keys, sale_key)
    store_account(connection, meter.key, offer.bought.account, before=offer.account)

    def record() -> Sale:
        made_for = MadeFor(sale_key=sale_key, reference=request.purchase_id, at=at)
        if key_tokens:
            record_tokens(connection, maker, key_tokens, meter=offer.meter, made_for=made_for)
        tokens = ordered.made(on_tokens)
        record_tokens(connection, maker, tokens, meter=meter, made_for=made_for)
        return made_sale(sold.stored(sale_key), meter=offer.meter, tokens=(*key_tokens, *tokens))

    return finish_later(connection, record)


def _make_key_change(
    connection: Connection, maker: TokenMaker, offer: Offer, payer: Payer
) -> tuple[tuple[SoldToken, ...], Meter]:
    """Return the key change tokens of an offer, if any, and the meter as they leave it.

    The register switches with them.
    """
    due = offer.key_change
    if due is None:
        return (), offer.registered
    tokens = make_key_change_tokens(maker, offer.registered.external_id, due, payer)
    return tokens, _switch_key(connection, offer.registered, due)


def _switch_key(connection: Connection, meter: Meter, due: KeyChangeDue) -> Meter:
    """Let the register say what a key change leaves, and return the meter so."""
    after = due.meter_after(meter)
    if after.last_token_identifier is None:
        # It may have been on this base date before, if a key change was reversed.
        after = after._replace(last_token_identifier=newest_identifier(connection, after))
    record_key_data(
        connection, meter, due.new, due.new_base_date, newest=after.last_token_identifier
    )
    return after


def _take_numbers(connection: Connection, offer: Offer, request: NewSale) -> Numbers:
    utility = offer.meter.utility
    is_invoiced = bool(utility.vat_registration_number and request.amount_minor)
    year = utility.local_date(request.received_at).year if is_invoiced else None
    return take_numbers(
        connection,
        utility_key=offer.meter.utility_key,
        client_key=request.client_key,
        terminal_id=request.terminal_id,
        receipts=offer.receipts,
        invoice_year=year,
    )
