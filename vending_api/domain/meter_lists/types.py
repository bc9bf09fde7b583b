"""What a list of meters says, and how the register differs from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sts.base_date import BaseDate
    from sts.key_data import EncryptionAlgorithm, KeyRevisionNumber, SupplyGroupCode, TariffIndex
    from sts.meter_number import MeterPan
    from tariffs.account import Debt
    from vending_api.domain.meters.types import PurchaseLimits, ServiceType


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterEntry:
    """A meter on a list, its customer and account; personal data, so its repr shows none of it.

    What it is made of may be None for a meter that is registered already: it never changes here.
    """

    external_id: str
    pan: MeterPan | None = None
    supply_group_code: SupplyGroupCode | None = None
    key_revision_number: KeyRevisionNumber | None = None
    tariff_index: TariffIndex | None = None
    base_date: BaseDate | None = None
    encryption_algorithm: EncryptionAlgorithm | None = None
    service_type: ServiceType | None = None
    """None for a new meter is electricity."""
    token_technology_code: str = "02"  # noqa: S105 (a keypad, not a password)
    tariff: str | None = None
    """The name of a registered tariff; None, for a registered meter, leaves it under its own."""
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    customer_class: str = ""
    is_exempt: bool = False
    gets_free_units: bool = False
    is_blocked: bool = False
    limits: PurchaseLimits | None = None
    """Its own limits, or None for those of its utility."""
    debts: tuple[Debt, ...] = ()
    """What a new meter owes; a registered meter keeps what it owes by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A field of an entry that cannot be entered; `position` counts the entries from 0."""

    position: int
    field: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterChange:
    """A registered meter that differs from its entry in these fields."""

    entry: MeterEntry
    meter_key: int
    customer_key: int
    tariff: str
    """The name of the tariff that it should be under."""
    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a list of meters differs from the register."""

    fields: frozenset[str]
    """What the list says of registered meters; the rest stays as it is."""
    new: tuple[MeterEntry, ...] = ()
    changed: tuple[MeterChange, ...] = ()
    unchanged: int = 0
    conflicts: tuple[Conflict, ...] = ()
