"""The actions that need four eyes, as they are kept in a proposal, and what comes of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from vending_api.domain.approvals.types import Kind
from vending_api.domain.notifications.types import Channel
from vending_api.domain.token_queue.types import QueuedKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from vending_api.domain.meter_lists.types import MeterEntry
    from vending_api.domain.sites.types import Site

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""


class Action(BaseModel):
    """Something that an operator wants done."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    fixed_kind: ClassVar[Kind]

    @property
    def kind(self) -> Kind:
        """What of all that needs four eyes it is."""
        return self.fixed_kind


class QueueToken(Action):
    """Queue a token for a meter's next purchase."""

    meter: str
    token: QueuedKind
    value: int
    amount_minor: int = 0
    reason: str

    @property
    def kind(self) -> Kind:
        """Units that nobody pays for, or an engineering token."""
        is_free = self.token is QueuedKind.REFUND
        return Kind.FREE_UNITS if is_free else Kind.ENGINEERING_TOKEN


class ChangeKeyData(Action):
    """Order a meter to hold other key data; what is None stays as the meter holds it."""

    fixed_kind = Kind.KEY_CHANGE
    meter: str
    supply_group: str | None = None
    revision: int | None = None
    tariff_index: str | None = None


class Deposit(Action):
    """Add a payment to the credit of a client."""

    fixed_kind = Kind.CLIENT_DEPOSIT
    user_name: str
    amount_minor: int
    reference: str
    note: str = ""


class RefundOrder(Action):
    """Give back the money of an order that was paid online."""

    fixed_kind = Kind.REFUND
    reference: str
    note: str
    channels: tuple[Channel, ...] = ()
    """On which the customer is told."""


class SetEstate(Action):
    """Let the residents of a utility buy online, or change the terms; None stays as it is."""

    fixed_kind = Kind.ESTATE
    utility: str
    account_code: str | None = None
    charge_minor: int | None = None


class EnterSite(Action):
    """Enter a site file that who approves must have, too."""

    fixed_kind = Kind.SITE
    file: str
    digest: Digest
    """Of what it says, its tariffs included: `digest_of_site`."""
    changes: tuple[str, ...]
    """What it would change, in words."""


class EnterMeters(Action):
    """Enter a list of meters that who approves must have, too."""

    fixed_kind = Kind.METERS
    file: str
    digest: Digest
    """Of the octets of the file."""
    new: int
    changed: int


class LoadKeys(Action):
    """Let the service use a sealed key file."""

    fixed_kind = Kind.KEY_LOAD
    file: str
    digest: Digest
    """Of the octets of the file."""
    keys: tuple[str, ...]
    """Supply group, revision and type of each key in it."""


MODELS: Final[Mapping[Kind, type[Action]]] = {
    Kind.FREE_UNITS: QueueToken,
    Kind.ENGINEERING_TOKEN: QueueToken,
    Kind.KEY_CHANGE: ChangeKeyData,
    Kind.CLIENT_DEPOSIT: Deposit,
    Kind.REFUND: RefundOrder,
    Kind.SITE: EnterSite,
    Kind.METERS: EnterMeters,
    Kind.ESTATE: SetEstate,
    Kind.KEY_LOAD: LoadKeys,
}
"""How the payload of each kind is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMaterial:
    """A site file as who approves it has it, with the passwords of its new clients."""

    site: Site
    passwords: Mapping[str, str] = field(repr=False)

    @property
    def digest(self) -> str:
        """What the proposal must name."""
        return digest_of_site(self.site)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetersMaterial:
    """A list of meters as who approves it has it."""

    entries: Sequence[MeterEntry] = field(repr=False)
    fields: frozenset[str]
    digest: str


Material = SiteMaterial | MetersMaterial


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """Who stands for an action."""

    ordered_by: str
    approved_by: str = ""
    """Empty where there are no operators to approve anything."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action."""

    words: str
    result: Any = None
    """What the command prints more of; each action has its own."""


def digest_of_site(site: Site) -> str:
    """Return the SHA-256 of all that a site file says, in hex digits."""
    return sha256(dumps(asdict(site), sort_keys=True, default=str).encode()).hexdigest()
