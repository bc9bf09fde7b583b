"""Making the token that a vector describes, from the vector's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from sts.errors import InvalidField
from sts.key_data import KeyExpiryNumber, KeyRevisionNumber, KeyType, SupplyGroupCode, TariffIndex
from sts.meter_number import ManufacturerCode
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.currency_credit import FIRST_CURRENCY_SUBCLASS, CurrencyCredit
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
from sts.units import CurrencyAmount, PowerLimit, TransferAmount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sts.conformance.vector import Vector
    from sts.keys.decoder_key import DecoderKey
    from sts.token_identifier import TokenIdentifier
    from sts.tokens.kinds import Token
    from sts.tokens.reserved import ReservedToken

_Value = TypeVar("_Value")
_Source: TypeAlias = "Callable[[Inputs], Any]"
_NumberSource: TypeAlias = "Callable[[Inputs], int | None]"
_Sources: TypeAlias = "Mapping[str, _Source]"

_HALF_OF_SGC: Final = 12
_HALF_OF_KEN: Final = 4


@dataclass(frozen=True, slots=True)
class Inputs:
    """A vector with what was computed from it."""

    vector: Vector
    token_identifier: TokenIdentifier | None
    new_key: DecoderKey | None


def make_token(
    inputs: Inputs, kind: tuple[int, int], read_back: Token | ReservedToken | None
) -> Token | None:
    """Return the token that a vector of this class and subclass describes.

    An input that the vector leaves out is taken from the token that was read back, so
    that the rest is still checked. None if an input stays missing or is refused.
    """
    if kind not in _KINDS:
        inputs.vector.fail(
            "subclass",
            "a kind of token that the engine knows",
            f"class {kind[0]} subclass {kind[1]}",
        )
        return None
    token_type, sources = _KINDS[kind]
    values: dict[str, Any] = {}
    for name, source in sources.items():
        value = source(inputs)
        if value is None and isinstance(read_back, token_type):
            value = getattr(read_back, name)
        if value is None:
            return None
        values[name] = value
    return inputs.vector.attempt("token", lambda: token_type(**values))


def _always(value: Resource) -> _Source:
    return lambda _: value


def _number(name: str) -> _NumberSource:
    return lambda inputs: inputs.vector.number(name)


def _amount(inputs: Inputs) -> TransferAmount | None:
    vector = inputs.vector
    if "amount_tenths" in vector:
        return vector.number_as("amount_tenths", TransferAmount.covering)
    return vector.number_as("amount_bits", TransferAmount.from_bits)


def _currency(inputs: Inputs) -> CurrencyAmount | None:
    vector = inputs.vector
    if "currency_amount" in vector:
        return vector.text_as("currency_amount", CurrencyAmount.parse)
    sign, exponent, mantissa = (
        vector.number(f"currency_{part}") for part in ("sign", "exponent", "mantissa")
    )
    if sign is None or exponent is None or mantissa is None:
        return None
    return vector.attempt(
        "currency_exponent", lambda: CurrencyAmount(bool(sign), exponent, mantissa)
    )


def _power(name: str) -> Callable[[Inputs], PowerLimit | None]:
    def power(inputs: Inputs) -> PowerLimit | None:
        if name in inputs.vector:
            return inputs.vector.number_as(name, PowerLimit.covering)
        return inputs.vector.number_as(f"{name}_bits", PowerLimit.from_bits)

    return power


def _key_word(first_octet: int) -> Callable[[Inputs], int | None]:
    """Return the source of 4 octets of the new key, counted from its end if negative."""

    def word(inputs: Inputs) -> int | None:
        if inputs.new_key is None:
            return None
        octets = inputs.new_key.octets
        start = first_octet % len(octets)
        return int.from_bytes(octets[start : start + 4], "big")

    return word


def _of_new_key(
    stated: str, name: str, read: Callable[[Vector, str], _Value | None]
) -> Callable[[Inputs], _Value | None]:
    """Return the source of a fact about the new key, stated as `new_...` or else in `new`."""

    def fact(inputs: Inputs) -> _Value | None:
        if stated in inputs.vector:
            return read(inputs.vector, stated)
        new = inputs.vector.part("new")
        return None if new is None else read(new, name)

    return fact


def _half(source: Callable[[Inputs], int | None], *, shift: int, high: bool) -> _NumberSource:
    """Return the source of the high or the low half of a number that two tokens share."""

    def half(inputs: Inputs) -> int | None:
        number = source(inputs)
        if number is None:
            return None
        return number >> shift if high else number & (1 << shift) - 1

    return half


def _flag(name: str) -> Callable[[Inputs], bool | None]:
    return lambda inputs: inputs.vector.number_as(name, _to_flag)


def _to_flag(number: int) -> bool:
    if number not in {0, 1}:
        raise InvalidField("flag", f"{number} is not one", "0 or 1")
    return bool(number)


_expiry: Final = _of_new_key(
    "new_ken", "ken", lambda place, name: place.number_as(name, lambda n: KeyExpiryNumber(n).value)
)
_supply_group: Final = _of_new_key(
    "new_sgc",
    "sgc",
    lambda place, name: place.text_as(name, lambda t: int(str(SupplyGroupCode(t)))),
)
_WITH_IDENTIFIER: Final[_Sources] = {
    "token_identifier": lambda inputs: inputs.token_identifier,
    "random": _number("rnd"),
}
_METER_TEST: Final[_Sources] = {
    "control": _number("control"),
    "manufacturer_code": lambda inputs: inputs.vector.text_as(
        "manufacturer_code", ManufacturerCode
    ),
}
_KINDS: Final[Mapping[tuple[int, int], tuple[type[Token], _Sources]]] = {
    **{
        (0, resource.value): (
            TransferCredit,
            {"resource": _always(resource), "amount": _amount, **_WITH_IDENTIFIER},
        )
        for resource in Resource
    },
    **{
        (0, FIRST_CURRENCY_SUBCLASS + resource): (
            CurrencyCredit,
            {
                "resource": _always(resource),
                "amount": _currency,
                "token_identifier": _WITH_IDENTIFIER["token_identifier"],
            },
        )
        for resource in Resource
    },
    (1, 0): (InitiateMeterTest, _METER_TEST),
    (1, 1): (InitiateMeterTest, _METER_TEST),
    (2, 0): (SetMaximumPowerLimit, {"power": _power("mpl"), **_WITH_IDENTIFIER}),
    (2, 1): (ClearCredit, {"register": _number("register"), **_WITH_IDENTIFIER}),
    (2, 2): (SetTariffRate, {"rate": _number("rate"), **_WITH_IDENTIFIER}),
    (2, 3): (
        Set1stSectionDecoderKey,
        {
            "key_expiry_number_high": _half(_expiry, shift=_HALF_OF_KEN, high=True),
            "key_revision_number": _of_new_key(
                "new_krn", "krn", lambda place, name: place.number_as(name, KeyRevisionNumber)
            ),
            "rollover": _flag("ro"),
            "third_key_change_token": _flag("three_kct"),
            "key_type": _of_new_key(
                "new_key_type",
                "key_type",
                lambda place, name: place.number_as(name, KeyType.parse),
            ),
            "key_word": _key_word(0),
        },
    ),
    (2, 4): (
        Set2ndSectionDecoderKey,
        {
            "key_expiry_number_low": _half(_expiry, shift=_HALF_OF_KEN, high=False),
            "tariff_index": _of_new_key(
                "new_tariff_index",
                "tariff_index",
                lambda place, name: place.text_as(name, TariffIndex),
            ),
            "key_word": _key_word(-4),
        },
    ),
    (2, 5): (ClearTamperCondition, {"pad": _number("pad"), **_WITH_IDENTIFIER}),
    (2, 6): (
        SetMaximumPhasePowerUnbalanceLimit,
        {"power": _power("mppul"), **_WITH_IDENTIFIER},
    ),
    (2, 7): (SetWaterMeterFactor, {"factor": _number("wmf"), **_WITH_IDENTIFIER}),
    (2, 8): (
        Set3rdSectionDecoderKey,
        {
            "supply_group_low": _half(_supply_group, shift=_HALF_OF_SGC, high=False),
            "key_word": _key_word(4),
        },
    ),
    (2, 9): (
        Set4thSectionDecoderKey,
        {
            "supply_group_high": _half(_supply_group, shift=_HALF_OF_SGC, high=True),
            "key_word": _key_word(8),
        },
    ),
}
