"""Makes the tokens of the meters of a turn by the column, and records them as sales."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sts.errors import IssueLimitReached, StsError
from vending_api.domain.accounts.service import store_account
from vending_api.domain.campaigns.eligibility import REFUSALS
from vending_api.domain.campaigns.service import order_of
from vending_api.domain.campaigns.types import RowState, Settled
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.service import (
    make_key_changes,
    newest_identifiers,
    order_tokens,
    reason_of,
    record_tokens,
)
from vending_api.domain.issuing.types import MadeFor, Payer, TokenKind
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.service import record_key_data
from vending_api.domain.notifications.service import queue_of_sales
from vending_api.domain.numbers.service import take_numbers
from vending_api.domain.sales.service import store_sale, take_sale_keys
from vending_api.domain.sales.types import HeldKey, NewSale, SaleKind
from vending_api.domain.token_queue.service import note_delivered
from vending_api.kit.errors import MessageIdUsed
from vending_api.kit.idempotency import claim_ahead, claim_new

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from sts.token_identifier import TokenIdentifier
    from vending_api.domain.campaigns.eligibility import Asked, ToChange, ToGive
    from vending_api.domain.campaigns.types import Campaign, Turn
    from vending_api.domain.clients.types import Client
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import KeyData, Meter
    from vending_api.domain.numbers.types import Numbers
    from vending_api.domain.pricing.types import Bill
    from vending_api.kit.errors import DomainError

_Ready = TypeVar("_Ready")
_One = TypeVar("_One", "ToChange", "ToGive")
_TOO_MANY: Final = 16
"""So many tokens that do not read back, and none that does, are the security module's fault."""


class Making:
    """The tokens of one turn: made for those meters that may have them, and recorded.

    Everything is decided and made before the first row is written.
    """

    def __init__(
        self,
        connection: Connection,
        maker: TokenMaker,
        campaign: Campaign,
        client: Client,
        turn: Turn,
    ) -> None:
        self._connection = connection
        self._maker = maker
        self._campaign = campaign
        self._client = client
        self._turn = turn
        self._not_proven: list[TokenNotProven] = []
        self.settled: list[Settled] = []
        """What became of the meters; those that are not in it are pending still."""
        self.is_limit_reached = False

    def sort_out(self, asked: Sequence[Asked], decide: Callable[[Asked], _Ready]) -> list[_Ready]:
        """Return what is decided for the meters that may have it; the others are refused."""
        ready = []
        for one in asked:
            try:
                ready.append(decide(one))
            except REFUSALS as reason:
                self._refuse(one, reason)
        return ready

    def order(self, asked: Asked, queued_token_key: int | None = None) -> None:
        """Note that a meter gets its due with its next purchase."""
        self._settle(asked, RowState.ORDERED, queued_token_key=queued_token_key)

    def change_keys(self, ready: Sequence[ToChange]) -> None:
        """Make the key change tokens of meters, and let the register say what they leave."""
        warrant = f"client {self._client.key}: {self._campaign.approval}"
        outcomes = make_key_changes(self._maker, [(one.due, warrant) for one in ready])
        proven: list[tuple[ToChange, tuple[SoldToken, ...]]] = []
        for one, outcome in zip(ready, outcomes, strict=True):
            if isinstance(outcome, StsError):
                reason = reason_of(one.asked.meter.external_id, outcome)
                self._turn_down(one.asked, reason, outcome)
            else:
                proven.append((one, outcome))
        made = self._claimed(SaleKind.KEY_CHANGE, proven)
        newest = self._newest_where_base_dates_change([one for one, _ in made])
        for one, tokens in made:
            meter, due = one.asked.meter, one.due
            before = due.meter_before(meter)
            sale_key = self._store(SaleKind.KEY_CHANGE, before, new=due.new)
            record_key_data(
                *(self._connection, meter, due.new, due.new_base_date),
                newest=newest.get(meter.key),
                is_last=True,
            )
            self._record(one.asked, before, sale_key, tokens)

    def give(self, ready: Sequence[ToGive]) -> None:
        """Make a token for each meter: free units, or a refund."""
        made = self._claimed(SaleKind.PURCHASE, self._proven(ready))
        refunds = []
        for one, tokens in made:
            meter, order = one.asked.meter, one.order
            is_free = order.kind is TokenKind.FREE
            numbers = self._take_numbers(meter, receipts=int(is_free))
            sale_key = self._store(SaleKind.PURCHASE, meter, bill=one.bill, numbers=numbers)
            if not is_free:
                refunds.append((meter, order_of(self._campaign, one.asked.row.refund), sale_key))
            receipt = numbers.receipts[0] if is_free else None
            numbered = [replace(token, receipt_number=receipt) for token in tokens]
            self._record(one.asked, meter, sale_key, numbered)
            if one.after is not None and one.before is not None:
                store_account(self._connection, meter.key, one.after, before=one.before)
        note_delivered(self._connection, refunds, self._turn.at)

    def _proven(self, ready: Sequence[ToGive]) -> list[tuple[ToGive, tuple[SoldToken, ...]]]:
        """Return the tokens of meters, all asked for before the first is waited for."""
        ordered = []
        for one in ready:
            payer = Payer(self._client.key, 0, one.asked.meter.utility.currency)
            try:
                tokens = order_tokens(
                    *(self._connection, self._maker, one.asked.meter, [one.order]),
                    payer=payer,
                    now=self._turn.at,
                )
            except MeterKeyUnusable as reason:
                self._turn_down(one.asked, reason, reason.__cause__)
            else:
                ordered.append((one, tokens))
        proven = []
        for one, tokens in ordered:
            try:
                proven.append((one, tokens.made([])))
            except (MeterKeyUnusable, TokenNotProven) as reason:
                self._turn_down(one.asked, reason, reason.__cause__)
        return proven

    def _claimed(
        self, kind: SaleKind, proven: list[tuple[_One, tuple[SoldToken, ...]]]
    ) -> list[tuple[_One, tuple[SoldToken, ...]]]:
        """Take the ids and keys of the sales to be; what has its id taken already is refused.

        Raises TokenNotProven where no token of many was right: that is no fault of the meters.
        """
        if not proven and len(self._not_proven) >= _TOO_MANY:
            raise self._not_proven[0]
        at = self._turn.at
        ids = [self._campaign.reference_of(one.asked.meter.external_id) for one, _ in proven]
        claim_ahead(self._connection, kind=kind.value, message_ids=dict.fromkeys(ids, at))
        claimed = []
        for message_id, pair in zip(ids, proven, strict=True):
            try:
                claim_new(self._connection, kind=kind.value, message_id=message_id, at=at)
            except MessageIdUsed as reason:
                self._turn_down(pair[0].asked, reason)
            else:
                claimed.append(pair)
        take_sale_keys(self._connection, len(claimed))
        return claimed

    def _newest_where_base_dates_change(
        self, ready: Sequence[ToChange]
    ) -> dict[int, TokenIdentifier]:
        # A meter may have been on its new base date before, if a key change was reversed.
        after = [one.due.meter_after(one.asked.meter) for one in ready]
        anew = [meter for meter in after if meter.last_token_identifier is None]
        return newest_identifiers(self._connection, anew)

    def _take_numbers(self, meter: Meter, *, receipts: int) -> Numbers:
        return take_numbers(
            self._connection,
            utility_key=meter.utility_key,
            client_key=self._client.key,
            terminal_id=self._turn.terminal_id,
            receipts=receipts,
            invoice_year=None,  # nothing is paid
        )

    def _store(
        self,
        kind: SaleKind,
        meter: Meter,
        *,
        bill: Bill | None = None,
        new: KeyData | None = None,
        numbers: Numbers | None = None,
    ) -> int:
        """Store the sale of a meter, which is as it was before, and return the sale's key."""
        sale = NewSale(
            kind=kind,
            purchase_id=self._campaign.reference_of(meter.external_id),
            client_key=self._client.key,
            terminal_id=self._turn.terminal_id,
            external_meter_id=meter.external_id,
            amount_minor=0,
            currency=meter.utility.currency,
            received_at=self._turn.at,
            bill=bill,
            held=HeldKey.of(meter),
            new=new,
            numbers=numbers,
        )
        return store_sale(self._connection, sale, is_known=False)

    def _record(
        self, asked: Asked, meter: Meter, sale_key: int, tokens: Sequence[SoldToken]
    ) -> None:
        """Record the tokens of a meter, which has the key data that they were made under."""
        made_for = MadeFor(
            sale_key=sale_key,
            reference=self._campaign.reference_of(meter.external_id),
            at=self._turn.at,
        )
        record_tokens(self._connection, self._maker, tokens, meter=meter, made_for=made_for)
        if asked.recipient is None:
            self._settle(asked, RowState.ISSUED, sale_key=sale_key)
        else:
            queue_of_sales(self._connection, [(sale_key, asked.recipient)], self._turn.at)
            self._settle(asked, RowState.DELIVERED, sale_key=sale_key)

    def _turn_down(
        self, asked: Asked, reason: DomainError, cause: BaseException | None = None
    ) -> None:
        """Refuse a meter, unless the security module only makes no more for today."""
        if isinstance(cause, IssueLimitReached):
            self.is_limit_reached = True
            return
        if isinstance(reason, TokenNotProven):
            self._not_proven.append(reason)
        self._refuse(asked, reason)

    def _refuse(self, asked: Asked, reason: DomainError) -> None:
        self._settle(asked, RowState.REFUSED, refusal_code=reason.code)

    def _settle(self, asked: Asked, state: RowState, **more: Any) -> None:
        self.settled.append(Settled(position=asked.row.position, state=state, **more))
