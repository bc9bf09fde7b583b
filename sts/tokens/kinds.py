"""Every kind of token that this engine knows, and how each is read.

A new kind is one dataclass with `token_class`, `subclass`, `payload` and a reader,
one name in a union of its file (`Setting`, `KeyChangeToken`) or here, and one line in `READERS`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import FIRST_CURRENCY_SUBCLASS, CurrencyCredit
from sts.tokens.key_change import (
    KeyChangeToken,
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
    Setting,
    SetWaterMeterFactor,
)
from sts.tokens.meter_test import InitiateMeterTest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DatedToken: TypeAlias = TransferCredit | CurrencyCredit | Setting
"""The tokens with an identifier: a meter takes each of them once."""

Token: TypeAlias = DatedToken | InitiateMeterTest | KeyChangeToken

READERS: Final[Mapping[tuple[int, int], Callable[[int], Token]]] = {
    **{(0, r.value): partial(TransferCredit.from_payload, resource=r) for r in Resource},
    **{
        (0, FIRST_CURRENCY_SUBCLASS + r): partial(CurrencyCredit.from_payload, resource=r)
        for r in Resource
    },
    (1, 0): InitiateMeterTest.from_short_code_payload,
    (1, 1): InitiateMeterTest.from_long_code_payload,
    (2, 0): SetMaximumPowerLimit.from_payload,
    (2, 1): ClearCredit.from_payload,
    (2, 2): SetTariffRate.from_payload,
    (2, 3): Set1stSectionDecoderKey.from_payload,
    (2, 4): Set2ndSectionDecoderKey.from_payload,
    (2, 5): ClearTamperCondition.from_payload,
    (2, 6): SetMaximumPhasePowerUnbalanceLimit.from_payload,
    (2, 7): SetWaterMeterFactor.from_payload,
    (2, 8): Set3rdSectionDecoderKey.from_payload,
    (2, 9): Set4thSectionDecoderKey.from_payload,
}
"""(class, subclass) to what reads the 44 bits after it; everything else is reserved.

A reader raises InvalidField when a field holds what cannot exist.
"""
