"""Every kind of token as columns see it: which column holds its value, and how that is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sts.batch.kernels.block import CURRENCY, POWER, RAW, TRANSFER
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import FIRST_CURRENCY_SUBCLASS, CurrencyCredit
from sts.tokens.management import (
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.units import CurrencyAmount, PowerLimit, TransferAmount

if TYPE_CHECKING:
    from collections.abc import Callable

    from sts.batch.compiled import Octets
    from sts.tokens.kinds import DatedToken


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of token with an identifier, whose value stands in one column."""

    name: str
    column: str
    reading: int
    """How 16 bits say the value, see `kernels/block.py`."""
    make: Callable[..., DatedToken]
    """Makes the token of a value, `token_identifier` and `random`; raises InvalidField."""
    value_of: Callable[[Any], int]
    """The value of a token, in the unit of the column."""


def _transfer(resource: Resource) -> Kind:
    def make(value: int, **dated: Any) -> TransferCredit:
        return TransferCredit(resource=resource, amount=TransferAmount.covering(value), **dated)

    return Kind(
        "TransferCredit", "amount_tenths", TRANSFER, make, lambda token: token.amount.tenths
    )


def _currency(resource: Resource) -> Kind:
    def make(value: int, *, random: int, **dated: Any) -> CurrencyCredit:
        del random  # sign and exponent take its place
        return CurrencyCredit(resource=resource, amount=CurrencyAmount.covering(value), **dated)

    return Kind(
        "CurrencyCredit",
        "currency_hundred_thousandths",
        CURRENCY,
        make,
        lambda token: token.amount.hundred_thousandths,
    )


def _power(token_type: Callable[..., DatedToken], name: str) -> Kind:
    def make(value: int, **dated: Any) -> DatedToken:
        return token_type(power=PowerLimit.covering(value), **dated)

    return Kind(name, "power_watts", POWER, make, lambda token: token.power.watts)


def _raw(token_type: Callable[..., DatedToken], name: str, column: str) -> Kind:
    def make(value: int, **dated: Any) -> DatedToken:
        return token_type(**{column: value}, **dated)

    return Kind(name, column, RAW, make, lambda token: token.setting_bits)


DATED: Final[dict[tuple[int, int], Kind]] = {
    **{(0, resource.value): _transfer(resource) for resource in Resource},
    **{(0, FIRST_CURRENCY_SUBCLASS + r): _currency(r) for r in Resource},
    (2, 0): _power(SetMaximumPowerLimit, "SetMaximumPowerLimit"),
    (2, 1): _raw(ClearCredit, "ClearCredit", "register"),
    (2, 2): _raw(SetTariffRate, "SetTariffRate", "rate"),
    (2, 5): _raw(ClearTamperCondition, "ClearTamperCondition", "pad"),
    (2, 6): _power(SetMaximumPhasePowerUnbalanceLimit, "SetMaximumPhasePowerUnbalanceLimit"),
    (2, 7): _raw(SetWaterMeterFactor, "SetWaterMeterFactor", "factor"),
}
"""Class and subclass to what the kernels know of tokens with an identifier."""

SECTIONS: Final = {
    (2, 3): "Set1stSectionDecoderKey",
    (2, 4): "Set2ndSectionDecoderKey",
    (2, 8): "Set3rdSectionDecoderKey",
    (2, 9): "Set4thSectionDecoderKey",
}
RESERVED: Final = "ReservedToken"

VALUE_COLUMNS: Final = tuple(dict.fromkeys(kind.column for kind in DATED.values()))
"""amount_tenths, currency_hundred_thousandths, power_watts, register, rate, pad, factor."""

_CODES: Final = 4 << 4


def code_of(token_class: int, subclass: int) -> int:
    """Return class and subclass in one number below 64, which columns are looked up by."""
    return token_class << 4 | subclass


def _by_code(values: dict[tuple[int, int], int]) -> Octets:
    table = np.zeros(_CODES, np.uint8)
    for place, value in values.items():
        table[code_of(*place)] = value
    return table


READING_OF: Final = _by_code({place: kind.reading for place, kind in DATED.items()})
"""By code: how the value is read; NO_VALUE where there is none."""
COLUMN_OF: Final = _by_code(
    {place: 1 + VALUE_COLUMNS.index(kind.column) for place, kind in DATED.items()}
)
"""By code: the place of its column in VALUE_COLUMNS, counted from 1; 0 for none."""
NAMES: Final = tuple(
    {
        place: DATED[place].name if place in DATED else SECTIONS.get(place, RESERVED)
        for place in ((code >> 4, code & 15) for code in range(_CODES))
    }.values()
)
"""By code: what a token of the kernels is called."""
