"""What a tariff says: its versions, and in each the prices, charges, levies, taxes and rules.

These are values only. `document` reads them from a TOML file and refuses what makes no
sense; `price` works out what a unit costs; `quote` sells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tariffs.errors import NoVersion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

MOST_DECIMALS: Final = 10
"""How many decimals a number in a tariff may have; all arithmetic is exact for as many."""
ENERGY: Final = "energy"
"""The part of a purchase that is the units themselves, in the lists of levies and taxes."""


class Every(StrEnum):
    """How often a fixed charge falls due."""

    MONTH = "month"
    """Once a calendar month, also in months without a purchase."""
    DAY = "day"
    """For each day since the last purchase."""
    FIRST_PURCHASE = "first-purchase"
    """With the first purchase of a month; months without a purchase are free."""


class Step(StrEnum):
    """One of the deductions, in the order that the utility prescribes."""

    CHANNEL_FEE = "channel-fee"
    DEBT = "debt"
    CHARGES = "charges"
    TAX = "tax"
    """Where tax begins: what is taken before it carries none."""
    ENERGY = "energy"


class Direction(StrEnum):
    """Which way the units are rounded to what a token can carry."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


class Remainder(StrEnum):
    """Who gets the difference between the money paid and the price of the units carried."""

    CUSTOMER = "customer"
    """It is let go: with `up` the customer gains it."""
    CARRY = "carry"
    """The account keeps it, and the next purchase gets or pays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Units of a calendar month up to a bound, and the rate of each."""

    rate: Decimal
    """Minor units of the price currency per unit."""
    up_to: Decimal | None = None
    """The last unit of the month that has this rate; None for all the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFee:
    """What the channel of payment takes from each purchase: flat, a percentage, or both."""

    name: str
    flat_minor: int = 0
    percent: Decimal = Decimal(0)
    minimum_minor: int = 0
    maximum_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A fixed charge."""

    name: str
    every: Every
    amount_minor: Decimal
    """For each month, day or first purchase; with tax or without as the version says."""
    share_percent: Decimal | None = None
    """At most this share of a purchase is taken; the rest is owed. None takes what it can."""
    accrues: bool = True
    """Whether it falls due in months without a purchase (`every` month or first purchase)."""
    exempt_customers_pay: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """A price on each unit beside the energy itself: fuel, forex, inflation, regulator."""

    name: str
    rate: Decimal
    """Minor units of the price currency per unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levy:
    """A percentage of other parts."""

    name: str
    percent: Decimal
    on: tuple[str, ...]
    """Names of parts: energy, charges, prices per unit, other levies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax on the parts that it names."""

    name: str
    percent: Decimal
    on: tuple[str, ...]
    """Names of parts: energy, charges, prices per unit, levies."""
    exempt_customers_pay: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtRule:
    """How much of a purchase goes to old debts: the smaller of what is given."""

    share_percent: Decimal | None = None
    fixed_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeUnits:
    """Units that an eligible customer gets once a calendar month; they lapse at its end."""

    units: Decimal
    counts_towards_blocks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """From the exact quotient to the units that a token carries."""

    step: Decimal = Decimal("0.1")
    """0.1 for STS unit tokens, 0.00001 for currency tokens."""
    direction: Direction = Direction.UP
    remainder: Remainder = Remainder.CUSTOMER


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be bought, in minor units of the payment currency; None is no limit."""

    minimum_minor: int | None = None
    maximum_minor: int | None = None
    month_maximum_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Version:
    """What a tariff says from a date on, until the next version.

    Compared by identity: it is made once, when its file is read, and then looked up often.
    """

    valid_from: date
    blocks: Mapping[str, tuple[Block, ...]]
    """The blocks of each customer class; a tariff without classes has the one class ""."""
    tax_inclusive: bool = False
    """Whether rates and charges are stated with the taxes on them."""
    channel_fee: ChannelFee | None = None
    charges: tuple[Charge, ...] = ()
    per_unit: tuple[PerUnit, ...] = ()
    levies: tuple[Levy, ...] = ()
    taxes: tuple[Tax, ...] = ()
    debt: DebtRule | None = None
    free_units: FreeUnits | None = None
    rounding: Rounding = field(default_factory=Rounding)
    limits: Limits = field(default_factory=Limits)
    order: tuple[Step, ...] = (Step.CHANNEL_FEE, Step.DEBT, Step.TAX, Step.CHARGES, Step.ENERGY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tariff:
    """A tariff with all its versions, the oldest first."""

    name: str
    unit: str
    """What one unit is: kWh, m3."""
    price_currency: str
    """ISO 4217 letters: the currency of the rates."""
    payment_currency: str
    """ISO 4217 letters: the currency of the money; another one needs the day's rate."""
    time_zone: str
    """IANA name; decides its days and months."""
    source: str
    """Where the figures come from."""
    versions: tuple[Version, ...]

    def local_date(self, at: datetime) -> date:
        """Return the day, in the tariff's time zone, of an aware moment."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()

    def version_on(self, day: date) -> Version:
        """Return the version in force on a day; raises NoVersion before the first."""
        for version in reversed(self.versions):
            if version.valid_from <= day:
                return version
        raise NoVersion(self.name, day, self.versions[0].valid_from)
