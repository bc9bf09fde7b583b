"""A token's contents under the names that vector files use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sts.tokens.credit import TransferCredit
from sts.tokens.currency_credit import CurrencyCredit
from sts.tokens.key_change import (
    Set1stSectionDecoderKey,
    Set2ndSectionDecoderKey,
    Set3rdSectionDecoderKey,
    Set4thSectionDecoderKey,
)
from sts.tokens.management import (
    ClearCredit,
    ClearTamperCondition,
    SetMaximumPhasePowerUnbalanceLimit,
    SetMaximumPowerLimit,
    SetTariffRate,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest
from sts.tokens.reserved import ReservedToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sts.tokens.kinds import Token

Facts = dict[str, int | str]
_CONTROL_BITS: Final = (36, 28)
"""The width of the control field, by subclass."""


def facts(token: Token | ReservedToken) -> Facts:
    """Return what a token says, but for the part of a key in a key change.

    A name with a remark in brackets is a part of the field of a vector.
    """
    known: Facts = {"class": token.token_class, "subclass": token.subclass}
    identifier = getattr(token, "token_identifier", None)
    if identifier is not None:
        known["tid"] = identifier.minutes
    if hasattr(token, "random"):
        known["rnd"] = token.random
    return known | _FACTS[type(token)](token)


_FACTS: Final[Mapping[type, Callable[[Any], Facts]]] = {
    TransferCredit: lambda token: {
        "amount_bits": token.amount.bits,
        "amount_transferred_tenths": token.amount.tenths,
    },
    CurrencyCredit: lambda token: {
        "currency_sign": int(token.amount.negative),
        "currency_exponent": token.amount.exponent,
        "currency_mantissa": token.amount.mantissa,
    },
    InitiateMeterTest: lambda token: {
        "manufacturer_code": token.manufacturer_code.digits,
        "control": token.control,
        "control_bits": _CONTROL_BITS[token.subclass],
    },
    SetMaximumPowerLimit: lambda token: {"mpl_bits": token.power.bits},
    SetMaximumPhasePowerUnbalanceLimit: lambda token: {"mppul_bits": token.power.bits},
    ClearCredit: lambda token: {"register": token.register},
    SetTariffRate: lambda token: {"rate": token.rate},
    ClearTamperCondition: lambda token: {"pad": token.pad},
    SetWaterMeterFactor: lambda token: {"wmf": token.factor},
    Set1stSectionDecoderKey: lambda token: {
        "new_ken (high half)": token.key_expiry_number_high,
        "new_krn": token.key_revision_number.value,
        "new_key_type": int(token.key_type),
        "ro": int(token.rollover),
        "three_kct": int(token.third_key_change_token),
    },
    Set2ndSectionDecoderKey: lambda token: {
        "new_ken (low half)": token.key_expiry_number_low,
        "new_tariff_index": token.tariff_index.digits,
    },
    Set3rdSectionDecoderKey: lambda token: {"new_sgc (low half)": token.supply_group_low},
    Set4thSectionDecoderKey: lambda token: {"new_sgc (high half)": token.supply_group_high},
    ReservedToken: lambda _: {},
}
