"""What a campaign is, the life that it leads, and what becomes of each of its meters."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
    from vending_api.domain.meters.types import KeyData


class CampaignKind(StrEnum):
    """What all meters of a campaign get."""

    KEY_CHANGE = "key_change"
    FREE_UNITS = "free_units"
    """What their tariff gives for nothing, once a month."""
    REFUND = "refund"
    """Units that customers were owed."""


class Delivery(StrEnum):
    """How the tokens reach the customers."""

    FILE = "file"
    """Made now, and exported for whoever hands them out."""
    NEXT_PURCHASE = "next_purchase"
    """Ordered now, and made with the meter's next purchase."""
    MESSAGE = "message"
    """Made now, and told by e-mail to the consumer who has registered the meter."""


class CampaignState(StrEnum):
    """Where a campaign stands."""

    PROPOSED = "proposed"
    """Nothing happens until somebody else approves it."""
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    """Every meter has got its due, or was refused."""
    WITHDRAWN = "withdrawn"
    """Meters that were pending get nothing any more."""


class CampaignEvent(StrEnum):
    """What may happen to a campaign."""

    PROPOSE = "propose"
    APPROVE = "approve"
    RUN = "run"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    WITHDRAW = "withdraw"
    EXPORT = "export"


_PROPOSED, _APPROVED, _RUNNING, _PAUSED, _FINISHED, _WITHDRAWN = CampaignState
LIFE: Final[Mapping[tuple[CampaignState, CampaignEvent], CampaignState]] = {
    (_PROPOSED, CampaignEvent.APPROVE): _APPROVED,
    (_PROPOSED, CampaignEvent.WITHDRAW): _WITHDRAWN,
    (_APPROVED, CampaignEvent.RUN): _RUNNING,
    (_APPROVED, CampaignEvent.WITHDRAW): _WITHDRAWN,
    (_RUNNING, CampaignEvent.RUN): _RUNNING,
    (_RUNNING, CampaignEvent.PAUSE): _PAUSED,
    (_RUNNING, CampaignEvent.FINISH): _FINISHED,
    (_PAUSED, CampaignEvent.RESUME): _RUNNING,
    (_PAUSED, CampaignEvent.WITHDRAW): _WITHDRAWN,
    **{
        (state, CampaignEvent.EXPORT): state for state in (_RUNNING, _PAUSED, _FINISHED, _WITHDRAWN)
    },
}
"""State and event to the next state; what is not in it is refused."""


class RowState(StrEnum):
    """What became of a meter in a campaign."""

    PENDING = "pending"
    ORDERED = "ordered"
    """Its next purchase brings it."""
    ISSUED = "issued"
    """Its tokens are made and recorded; nobody was given them yet."""
    DELIVERED = "delivered"
    """Its tokens are in an exported file, or in the outbox."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTarget:
    """What meters are to hold: what is None stays as each holds it.

    With nothing at all, each gets what the register says that it should hold.
    """

    supply_group_code: SupplyGroupCode | None = None
    key_revision_number: KeyRevisionNumber | None = None
    tariff_index: TariffIndex | None = None

    @property
    def is_given(self) -> bool:
        """Whether it names anything."""
        parts = (self.supply_group_code, self.key_revision_number, self.tariff_index)
        return any(part is not None for part in parts)

    def of(self, held: KeyData) -> KeyData:
        """Return what a meter is to hold that holds this."""
        return type(held)(
            self.supply_group_code or held.supply_group_code,
            self.key_revision_number or held.key_revision_number,
            self.tariff_index or held.tariff_index,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOf:
    """What one meter is given back."""

    units_tenths: int
    amount_minor: int = 0
    """What it is worth in money, for the receipt; the customer pays nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMeter:
    """A meter that a file names."""

    external_id: str
    refund: RefundOf | None = None
    """None where the whole campaign has one, or is none of refunds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which meters: those of a list if there is one, and of them those that all else fits."""

    supply_group_code: SupplyGroupCode | None = None
    tariff_name: str = ""
    listed: Sequence[ListedMeter] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign as somebody proposes it."""

    name: str
    """What it is called by ever after; at most 40 characters."""
    kind: CampaignKind
    delivery: Delivery
    selection: Selection
    reason: str
    """Why, in the operator's words; at most 80 characters."""
    target: KeyTarget = field(default_factory=KeyTarget)
    refund: RefundOf | None = None
    """What each meter is given back, unless a list says it for each."""
    may_repeat: bool = False
    """Whether meters may be given back what another campaign gave them back already."""
    proposed_by: str
    proposed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as it is stored."""

    key: int
    """Our own number of the row; its sales are named by it."""
    name: str
    kind: CampaignKind
    delivery: Delivery
    state: CampaignState
    target: KeyTarget
    selection: str
    """Which meters were meant, in words."""
    reason: str
    meters: int
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None

    @property
    def approval(self) -> str:
        """What allows its tokens, as their warrants say it."""
        return f"campaign {self.key} by {self.proposed_by}, approved by {self.approved_by}"

    def reference_of(self, external_id: str) -> str:
        """Return the id under which a meter's tokens are recorded: one, so they are made once."""
        return f"campaign-{self.key}-{external_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that happened to a campaign, and who did it."""

    event: CampaignEvent
    made_by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A meter whose turn it is, its row locked."""

    position: int
    external_id: str
    refund: RefundOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a meter."""

    position: int
    state: RowState
    refusal_code: str | None = None
    sale_key: int | None = None
    queued_token_key: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Which meters a runner takes next: some of those that are pending, after a position."""

    campaign_key: int
    after: int
    most: int
    terminal_id: str
    """Whose series of numbers is used: 8 characters."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a turn came to."""

    state: CampaignState
    last: int | None = None
    """The position of its last meter; None if it found none."""
    settled: int = 0
    is_limit_reached: bool = False
    """Whether the security module makes no more for now; its meters are pending still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How far a campaign has come."""

    campaign: Campaign
    events: Sequence[Happened]
    rows: Mapping[RowState, int]
    """How many meters are in each state."""
    brought: int
    """Of those ordered, how many have had their purchase since."""
    refusals: Mapping[str, int]
    """By code."""
    units_tenths: int
    """Of refunds, all meters together."""
    amount_minor: int
    largest_tenths: int
    """Of refunds, the largest of one meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A meter's tokens, as they are handed out; its repr hides the digits."""

    position: int
    external_id: str
    reference: str
    units_tenths: int
    tokens: Sequence[str] = field(repr=False)
    """Of 20 digits each, in the order in which they are keyed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMeter:
    """A meter that got nothing, and why."""

    external_id: str
    code: str
