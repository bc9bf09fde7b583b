"""What is asked of a sale, what it is once made, and the life it leads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.types import KeyData
from vending_api.domain.offers.types import AskForCredit
from vending_api.domain.pricing.types import Bill
from vending_api.kit.sent import sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sts.base_date import BaseDate
    from sts.id_record import IdRecord
    from vending_api.domain.clients.types import Client
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.numbers.types import Numbers
    from vending_api.domain.pricing.types import TariffBlock


class SaleKind(StrEnum):
    """What was asked for."""

    PURCHASE = "purchase"
    KEY_CHANGE = "key_change"
    """Key change tokens alone, for nothing."""


class SaleState(StrEnum):
    """Where a sale stands."""

    REFUSED = "refused"
    """A rule of business turned it down; a retry is decided anew."""
    ISSUED = "issued"
    """Sold; whether the tokens were handed over is not known."""
    CONFIRMED = "confirmed"
    """Handed over and paid."""
    REVERSED = "reversed"
    """Given up in time by the point of sale, which got the money back."""
    REVERSAL_REFUSED = "not_reversed"
    """Given up by the point of sale, which bears the cost: the tokens stay good."""
    GIVEN_UP = "given_up"
    """Given up before anything was sold; nothing will be."""


class SaleEvent(StrEnum):
    """What may happen to a sale."""

    RETRY = "retry"
    REPRINT = "reprint"
    CONFIRM = "confirm"
    REVERSE_AND_CREDIT = "reverse_and_credit"
    """A reversal for which the utility's rule gives the money back."""
    REVERSE = "reverse"
    """Any other reversal."""


_SAME: Final = {
    (state, event): state
    for state in (SaleState.ISSUED, SaleState.CONFIRMED, SaleState.REVERSAL_REFUSED)
    for event in (SaleEvent.RETRY, SaleEvent.REPRINT)
}
LIFE: Final[Mapping[tuple[SaleState, SaleEvent], SaleState]] = {
    **_SAME,
    (SaleState.REFUSED, SaleEvent.RETRY): SaleState.REFUSED,
    (SaleState.REFUSED, SaleEvent.REVERSE): SaleState.GIVEN_UP,
    (SaleState.ISSUED, SaleEvent.CONFIRM): SaleState.CONFIRMED,
    (SaleState.ISSUED, SaleEvent.REVERSE_AND_CREDIT): SaleState.REVERSED,
    (SaleState.ISSUED, SaleEvent.REVERSE): SaleState.REVERSAL_REFUSED,
}
"""State and event to the next state; what is not in it is refused."""


def next_state(state: SaleState, event: SaleEvent) -> SaleState | None:
    """Return where an event takes a sale; None if it is not allowed in this state."""
    return LIFE.get((state, event))


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpMeter:
    """Ask for a registered meter, under an id that is used once."""

    lookup_id: str
    external_meter_id: str
    """Empty if the card alone says which."""
    card: IdRecord | None = None
    client: Client
    received_at: datetime
    """When the service received it, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMeter:
    """A registered meter, with what it may buy for now and what it owes."""

    meter: Meter
    """Its limits are those of its tariff, too."""
    arrears_minor: int
    """Debts and fixed charges that have fallen due."""
    free_units_due: bool


@sent
@dataclass(frozen=True, slots=True, kw_only=True)
class SellCredit(AskForCredit):
    """Ask for credit under an id."""

    purchase_id: str
    """The id of the sale; once used, used for ever."""
    message_id: str
    """The id of the message that asks: equal to `purchase_id`, except in some retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCredit(AskForCredit):
    """Ask what a sum would bring, under an id of its own."""

    trial_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKey:
    """Ask for the key change tokens of a meter, under an id that is used once."""

    request_id: str
    external_meter_id: str
    """Empty if the card alone says which."""
    card: IdRecord | None = None
    terminal_id: str
    client: Client
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a sum would bring; nothing was stored."""

    amount_minor: int
    currency: str
    tried_at: datetime
    meter: Meter
    new_key_data: KeyData | None
    units_tenths: int
    free_units_tenths: int
    bill: Bill

    @property
    def purchase_total_minor(self) -> int:
        """What the tokens would cost, without tax, service charges and debts."""
        return self.bill.credit.net_minor

    @property
    def tax_total_minor(self) -> int:
        """All tax, on tokens and service charges."""
        services = sum(line.charge.tax_minor for line in self.bill.service_charges)
        return self.bill.credit.tax_minor + services


class Sale(NamedTuple):
    """A sale that is committed; a key change is one, too, of nothing but its tokens."""

    key: int
    """Our own number of the row; never leaves the service."""
    kind: SaleKind
    purchase_id: str
    state: SaleState
    client_key: int
    terminal_id: str
    amount_minor: int
    """What was paid, in minor units, tax included."""
    currency: str
    sold_at: datetime
    meter: Meter
    """With the key data that it held before the sale."""
    new_key_data: KeyData | None
    """What its key change tokens gave it; None if there are none."""
    tokens: tuple[SoldToken, ...]
    """In the order in which they are keyed in: key change, credit, free units, the rest."""
    bill: Bill
    """Where the money went."""
    invoice_number: str | None

    @property
    def purchase_total_minor(self) -> int:
        """What the tokens cost, without tax, service charges and debts."""
        return sum(token.charge.net_minor for token in self._paid_tokens)

    @property
    def tax_total_minor(self) -> int:
        """All tax of the sale, on tokens and service charges."""
        on_tokens = sum(token.charge.tax_minor for token in self._paid_tokens)
        return on_tokens + sum(line.charge.tax_minor for line in self.bill.service_charges)

    @property
    def _paid_tokens(self) -> Iterator[SoldToken]:
        # What a refund is worth stands at its token, too, and was not paid.
        return (token for token in self.tokens if token.kind is TokenKind.STANDARD)

    def blocks_of(self, token: SoldToken) -> tuple[TariffBlock, ...]:
        """Return how the price of a token of this sale came about; nothing for a gift."""
        return self.bill.blocks if token.kind is TokenKind.STANDARD else ()


class HeldKey(NamedTuple):
    """The key of a meter before a sale, and the base date that its identifiers counted from."""

    key_data: KeyData
    base_date: BaseDate

    @classmethod
    def of(cls, meter: Meter) -> Self:
        """Return what a meter holds."""
        return cls(KeyData.of(meter.configuration), meter.base_date)


class NewSale(NamedTuple):
    """A request and what came of it, to be stored."""

    kind: SaleKind
    purchase_id: str
    client_key: int
    terminal_id: str
    external_meter_id: str
    amount_minor: int
    currency: str
    received_at: datetime
    refusal_code: str | None = None
    """Why it was refused; then all that follows is empty."""
    bill: Bill | None = None
    held: HeldKey | None = None
    """What the meter held before the sale."""
    new: KeyData | None = None
    """What its key change tokens give it."""
    numbers: Numbers | None = None

    @property
    def state(self) -> SaleState:
        """Where it stands when it is stored."""
        return SaleState.ISSUED if self.refusal_code is None else SaleState.REFUSED

    def stored(self, key: int) -> StoredSale:
        """Return it as it is stored in the row of a key."""
        return StoredSale(
            key=key,
            kind=self.kind,
            purchase_id=self.purchase_id,
            state=self.state,
            client_key=self.client_key,
            terminal_id=self.terminal_id,
            external_meter_id=self.external_meter_id,
            amount_minor=self.amount_minor,
            currency=self.currency,
            received_at=self.received_at,
            bill=self.bill or Bill(),
            held=self.held,
            new=self.new,
            invoice_number=None if self.numbers is None else self.numbers.invoice,
        )


class StoredSale(NamedTuple):
    """What is stored of a request, without its tokens."""

    key: int
    kind: SaleKind
    purchase_id: str
    state: SaleState
    client_key: int
    terminal_id: str
    external_meter_id: str
    amount_minor: int
    currency: str
    received_at: datetime
    bill: Bill
    held: HeldKey | None
    """None for what was refused, and for what was sold before key data were kept."""
    new: KeyData | None
    invoice_number: str | None
