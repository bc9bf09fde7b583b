"""What the register tells about a meter, its customer and its utility."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date, datetime

    from sts.base_date import BaseDate
    from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
    from sts.security_module import MeterConfiguration
    from sts.token_identifier import TokenIdentifier
    from tariffs.tariff import Tariff


class ServiceType(StrEnum):
    """What a meter measures, in the word that is stored and printed."""

    ELECTRICITY = "Electricity"
    WATER = "Water"
    GAS = "Gas"
    TIME = "Time"


class Utility(NamedTuple):
    """Who supplies the meter and issues the invoice."""

    name: str
    address: str
    vat_registration_number: str
    client_id: str
    """The id that the utility gave to this service."""
    message: str
    """A line for the customer's receipt; may be empty."""
    currency: str
    """ISO 4217 number, 3 digits: "710" is the rand."""
    time_zone: str
    """IANA name; decides the utility's days and months."""

    def local_date(self, at: datetime) -> date:
        """Return the day, in the utility's time zone, of an aware moment."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityRules:
    """What a utility's site file says about selling to its meters."""

    meter_day_maximum_minor: int | None = None
    """The most that one meter may buy for in one day; None is no limit."""
    reprints_a_day: int = 20
    """How often the tokens of one meter may be printed again in one day."""
    reversal_credit_minutes: int | None = None
    """A sale reversed within so many minutes, and not confirmed, is given back to the client.

    None is the rule `merchant-liable`: nothing is given back, since a token cannot be revoked.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who lives with the meter: personal data, so its repr shows none of it."""

    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    address: str = field(repr=False)


class PurchaseLimits(NamedTuple):
    """The smallest and largest purchase that a meter may make, inclusive, in minor units."""

    minimum_minor: int
    maximum_minor: int


class KeyData(NamedTuple):
    """What a key change changes, and what tells a meter's key from its others."""

    supply_group_code: SupplyGroupCode
    key_revision_number: KeyRevisionNumber
    tariff_index: TariffIndex

    @classmethod
    def of(cls, configuration: MeterConfiguration) -> Self:
        """Return the key data of a meter that is configured so."""
        return cls(
            configuration.supply_group_code,
            configuration.key_revision_number,
            configuration.tariff_index,
        )


class Meter(NamedTuple):
    """A registered meter as points of sale know it, with what its tokens need."""

    key: int
    """Our own number of the row; never leaves the service."""
    external_id: str
    """The number that points of sale send; for most utilities the DRN."""
    configuration: MeterConfiguration
    """With the key data that the meter holds."""
    key_data_to_hold: KeyData
    """What it should hold: by order of an operator, else by its group's revision, else as is."""
    base_date: BaseDate
    service_type: ServiceType
    token_technology_code: str
    """TCT, 2 digits: "02" is a keypad."""
    limits: PurchaseLimits
    is_blocked: bool
    last_token_identifier: TokenIdentifier | None
    """The newest one made for it under `base_date`; trustworthy while the row is locked."""
    has_queued_tokens: bool
    """Whether operators' tokens wait for its next purchase."""
    tariff: Tariff
    customer: Customer
    utility_key: int
    utility: Utility
    rules: UtilityRules
    tariff_name: str = ""
    """What the register calls the tariff, whatever its document calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeter:
    """A meter to register, with the customer who lives with it."""

    external_id: str
    configuration: MeterConfiguration
    base_date: BaseDate
    service_type: ServiceType
    token_technology_code: str
    limits: PurchaseLimits | None
    """Its own limits, or None for those of its utility."""
    customer: Customer
    tariff_key: int
    is_blocked: bool = False
