"""Amounts as tokens carry them: a value here is exactly what 16 or 19 bits can say.

    value  =  mantissa * 10^exponent  +  16384 * (10^exponent - 1) / 9

The offset makes every code a value of its own: exponent 0 covers 0 to 16383 in
steps of 1, exponent 1 goes on at 16384 in steps of 10, and so forth. What lies
between two codes is rounded up, in the customer's favour (IEC 62055-41, amounts).

    TransferAmount   tenths of a kWh, m3 or minute    2-bit exponent   credit tokens
    PowerLimit       watts                            2-bit exponent   power limits
    CurrencyAmount   hundred-thousandths of currency  5-bit exponent   currency tokens
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from sts.errors import InvalidField

MANTISSA_BITS: Final = 14
_TOP_MANTISSA: Final = (1 << MANTISSA_BITS) - 1
_EXPONENTS_OF_16_BITS: Final = range(4)
_EXPONENTS_OF_CURRENCY: Final = range(32)
_SCALES: Final[tuple[int, ...]] = tuple(10**exponent for exponent in _EXPONENTS_OF_CURRENCY)
_OFFSETS: Final = tuple((_TOP_MANTISSA + 1) * (scale - 1) // 9 for scale in _SCALES)
_LAST_VALUES: Final = tuple(
    offset + _TOP_MANTISSA * scale for offset, scale in zip(_OFFSETS, _SCALES, strict=True)
)

MAX_TRANSFER_TENTHS: Final = _LAST_VALUES[_EXPONENTS_OF_16_BITS[-1]]
"""18201624: the largest amount, 1 820 162.4 units."""
MAX_POWER_WATTS: Final = MAX_TRANSFER_TENTHS
MAX_CURRENCY_HUNDRED_THOUSANDTHS: Final = _LAST_VALUES[-1]

_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,31})(?:\.([0-9]{1,31}))?")


@dataclass(frozen=True, slots=True, order=True)
class TransferAmount:
    """Credit of a token in tenths of its unit: 0.1 kWh, 0.1 m3 or 0.1 minute.

    Raises InvalidField for a number of tenths that has no code of its own; use
    `covering` to round up to one that has.
    """

    tenths: int

    def __post_init__(self) -> None:
        _require_exact("transfer amount", self.tenths, "tenths")

    @classmethod
    def covering(cls, tenths: int) -> Self:
        """Return the smallest amount that is not below `tenths`.

        Raises InvalidField below 0 and above 18201624 tenths.
        """
        return cls.from_bits(_bits_covering("transfer amount", tenths, "tenths"))

    @classmethod
    def parse(cls, units: str) -> Self:
        """Return the smallest amount that covers decimal text in whole units, as "25.6".

        Exact: "0.01" kWh becomes one tenth, never none. Raises InvalidField, also for
        any text with a minus: rounding up would make "-0.01" nothing.
        """
        if units.startswith("-"):
            raise InvalidField("transfer amount", f"{units[:24]!r} is negative", "0 or more")
        return cls.covering(_scaled_up("transfer amount", units, decimals=1))

    @classmethod
    def from_bits(cls, bits: int) -> Self:
        """Return the amount of a 16-bit field; raises InvalidField if it has more bits."""
        return cls(_value_of("transfer amount", bits))

    @property
    def bits(self) -> int:
        """The 16-bit field: exponent (2), mantissa (14)."""
        return _bits_at_or_above(self.tenths)

    def is_said_by(self, bits: int) -> bool:
        """Return whether a 16-bit field says this amount; raises InvalidField as `from_bits`."""
        return _value_of("transfer amount", bits) == self.tenths

    def __str__(self) -> str:
        return f"{self.tenths // 10}.{self.tenths % 10}"


@dataclass(frozen=True, slots=True, order=True)
class PowerLimit:
    """A power limit in watts, coded like an amount.

    Raises InvalidField for watts that have no code of their own; `covering` rounds up.
    """

    watts: int

    def __post_init__(self) -> None:
        _require_exact("power limit", self.watts, "watts")

    @classmethod
    def covering(cls, watts: int) -> Self:
        """Return the smallest limit not below `watts`; raises InvalidField past 18201624."""
        return cls.from_bits(_bits_covering("power limit", watts, "watts"))

    @classmethod
    def from_bits(cls, bits: int) -> Self:
        """Return the limit of a 16-bit field; raises InvalidField if it has more bits."""
        return cls(_value_of("power limit", bits))

    @property
    def bits(self) -> int:
        """The 16-bit field: exponent (2), mantissa (14)."""
        return _bits_at_or_above(self.watts)

    def __str__(self) -> str:
        return str(self.watts)


@dataclass(frozen=True, slots=True)
class CurrencyAmount:
    """An amount of money in units of 0.00001 of the meter's base currency, of either sign.

    The fields are those of the token. A negative zero exists, because the token
    can carry one; it counts as nothing. Raises InvalidField for a field out of range.
    """

    negative: bool
    exponent: int
    mantissa: int

    def __post_init__(self) -> None:
        if self.exponent not in _EXPONENTS_OF_CURRENCY:
            raise InvalidField("currency exponent", f"{self.exponent} is not one", "0 to 31")
        if not 0 <= self.mantissa <= _TOP_MANTISSA:
            raise InvalidField("currency mantissa", f"{self.mantissa} is not one", "0 to 16383")

    @classmethod
    def covering(cls, hundred_thousandths: int) -> Self:
        """Return the smallest amount that is not below `hundred_thousandths`.

        So credit is rounded up and a debit towards zero. That a debit between two
        exponents also goes towards zero is unverified: no test data has the case.

        Raises InvalidField beyond what exponent 31 can say, on either side.
        """
        size = abs(hundred_thousandths)
        if size > MAX_CURRENCY_HUNDRED_THOUSANDTHS:
            raise InvalidField(
                "currency amount",
                f"{hundred_thousandths} hundred-thousandths is too much",
                f"at most {MAX_CURRENCY_HUNDRED_THOUSANDTHS} of either sign",
            )
        if hundred_thousandths < 0:
            return cls._towards_zero(size)
        exponent, mantissa = _code_at_or_above(size)
        return cls(negative=False, exponent=exponent, mantissa=mantissa)

    @classmethod
    def _towards_zero(cls, size: int) -> Self:
        exponent = max(e for e in _EXPONENTS_OF_CURRENCY if _OFFSETS[e] <= size)
        mantissa = (size - _OFFSETS[exponent]) // _SCALES[exponent]
        is_zero = exponent == mantissa == 0
        return cls(negative=not is_zero, exponent=exponent, mantissa=mantissa)

    @classmethod
    def parse(cls, currency: str) -> Self:
        """Return the smallest amount not below decimal text in whole currency, as "-12.50".

        Raises InvalidField.
        """
        return cls.covering(_scaled_up("currency amount", currency, decimals=5))

    @property
    def hundred_thousandths(self) -> int:
        """The signed amount in units of 0.00001 of the base currency."""
        size = self.mantissa * _SCALES[self.exponent] + _OFFSETS[self.exponent]
        return -size if self.negative else size

    def __str__(self) -> str:
        size = abs(self.hundred_thousandths)
        return f"{'-' if self.negative else ''}{size // 100_000}.{size % 100_000:05}"


def _code_at_or_above(number: int) -> tuple[int, int]:
    """Return exponent and mantissa of the smallest carried value not below `number`."""
    exponent = 0
    while number > _LAST_VALUES[exponent]:
        exponent += 1
    above_offset = number - _OFFSETS[exponent]
    return exponent, max(0, -(-above_offset // _SCALES[exponent]))


def _bits_at_or_above(number: int) -> int:
    if 0 <= number <= _TOP_MANTISSA:
        return number  # exponent 0, which is nearly every sale
    exponent, mantissa = _code_at_or_above(number)
    return exponent << MANTISSA_BITS | mantissa


def _bits_covering(field: str, number: int, unit: str) -> int:
    if not 0 <= number <= MAX_TRANSFER_TENTHS:
        raise InvalidField(
            field, f"{number} {unit} cannot be carried", f"0 to {MAX_TRANSFER_TENTHS} {unit}"
        )
    return _bits_at_or_above(number)


def _value_of(field: str, bits: int) -> int:
    if not 0 <= bits < len(_EXPONENTS_OF_16_BITS) << MANTISSA_BITS:
        raise InvalidField(field, f"{bits} is wider than its field", "16 bits")
    exponent = bits >> MANTISSA_BITS
    return (bits & _TOP_MANTISSA) * _SCALES[exponent] + _OFFSETS[exponent]


def _require_exact(field: str, number: int, unit: str) -> None:
    if 0 <= number <= _TOP_MANTISSA:
        return  # exponent 0 carries every number
    carried = _value_of(field, _bits_covering(field, number, unit))
    if carried != number:
        raise InvalidField(
            field,
            f"{number} {unit} has no code of its own",
            f"{carried} {unit}, the next that has (`covering` rounds up to it)",
        )


def _scaled_up(field: str, text: str, *, decimals: int) -> int:
    """Return decimal text times 10^decimals, rounded up, by whole-number arithmetic."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidField(field, f"{text[:24]!r} is not a decimal number", "digits, as in 25.6")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    size = int(whole + fraction) * _SCALES[decimals]
    unscaled = -size if sign else size
    return -(-unscaled // _SCALES[len(fraction)])
