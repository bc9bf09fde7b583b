"""What is asked for, and what would be sold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sts.id_record import IdRecord
    from tariffs.account import Account
    from vending_api.domain.clients.types import Client
    from vending_api.domain.issuing.types import TokenOrder
    from vending_api.domain.key_changes.types import KeyChangeDue
    from vending_api.domain.meters.types import KeyData, Meter
    from vending_api.domain.pricing.types import Priced


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForCredit:
    """Ask for credit worth a sum of money, tax and charges included."""

    external_meter_id: str
    """Empty if the card alone says which."""
    card: IdRecord | None = None
    """What the customer's card says, if one was read."""
    amount_minor: int
    currency: str
    """ISO 4217 number, 3 digits."""
    terminal_id: str
    client: Client
    received_at: datetime
    """When the service received it, in UTC."""


class Offer(NamedTuple):
    """What a request would bring: every rule has let it pass, and nothing is changed yet."""

    registered: Meter
    """As the register has it."""
    key_change: KeyChangeDue | None
    """Its key change tokens come first; all others are made under the new key."""
    account: Account
    """As it is before the sale."""
    bought: Priced
    orders: tuple[TokenOrder, ...]
    """The tokens after the key change: credit, free units, then what operators queued."""
    queued_keys: tuple[int, ...]
    """Which of the queue the last of them are."""

    @property
    def meter(self) -> Meter:
        """The meter with the key data that it holds before the sale, by register or card."""
        due = self.key_change
        return self.registered if due is None else due.meter_before(self.registered)

    @property
    def new_key_data(self) -> KeyData | None:
        """What key change tokens give the meter; None if there are none."""
        return None if self.key_change is None else self.key_change.new

    @property
    def receipts(self) -> int:
        """How many receipt numbers the sale takes: one a credit token, one a debt paid of."""
        return self._numbered_tokens + len(self.bought.bill.debts_recovered)

    def split_receipts(self, numbers: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """Return the receipt numbers of the tokens, then those of the debts."""
        return numbers[: self._numbered_tokens], numbers[self._numbered_tokens :]

    @property
    def _numbered_tokens(self) -> int:
        return len(self.orders) - len(self.queued_keys)
