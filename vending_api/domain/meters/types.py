"""What the register tells about a meter, its customer and its utility."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sts.base_date import BaseDate
    from sts.security_module import MeterConfiguration
    from sts.token_identifier import TokenIdentifier
    from tariffs.tariff import Tariff


class ServiceType(StrEnum):
    """What a meter measures, in the word that is stored and printed."""

    ELECTRICITY = "Electricity"
    WATER = "Water"
    GAS = "Gas"
    TIME = "Time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Utility:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who lives with the meter: personal data, so its repr shows none of it."""

    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLimits:
    """The smallest and largest purchase that a meter may make, inclusive, in minor units."""

    minimum_minor: int
    maximum_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A registered meter as points of sale know it, with what its tokens need."""

    key: int
    """Our own number of the row; never leaves the service."""
    external_id: str
    """The number that points of sale send; for most utilities the DRN."""
    configuration: MeterConfiguration
    base_date: BaseDate
    service_type: ServiceType
    token_technology_code: str
    """TCT, 2 digits: "02" is a keypad."""
    limits: PurchaseLimits
    is_blocked: bool
    last_token_identifier: TokenIdentifier | None
    """The newest one made for it under `base_date`; trustworthy while the row is locked."""
    tariff: Tariff
    customer: Customer
    utility: Utility


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
