"""Class 0, subclasses 4 to 7: credit in money, for meters that do their own pricing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from sts.bits import BitLayout, Field
from sts.token_identifier import TokenIdentifier
from sts.units import CurrencyAmount

if TYPE_CHECKING:
    from sts.tokens.credit import Resource

FIRST_CURRENCY_SUBCLASS: Final = 4
_LOW_EXPONENT_BITS: Final = 2

CURRENCY_PAYLOAD: Final = BitLayout(  # IEC 62055-41, TransferCredit in currency: S&E, TID, amount
    fields=(
        Field("negative", 1),
        Field("exponent_high", 3),
        Field("token_identifier", 24),
        Field("exponent_low", 2),
        Field("mantissa", 14),
    ),
    total=44,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyCredit:
    """Money for one resource; the sign and exponent take the place of the random bits."""

    token_class: ClassVar[int] = 0

    resource: Resource
    amount: CurrencyAmount
    token_identifier: TokenIdentifier

    @property
    def subclass(self) -> int:
        """4 to 7, by the resource."""
        return FIRST_CURRENCY_SUBCLASS + self.resource

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        exponent = self.amount.exponent
        return CURRENCY_PAYLOAD.pack(
            negative=int(self.amount.negative),
            exponent_high=exponent >> _LOW_EXPONENT_BITS,
            token_identifier=self.token_identifier.minutes,
            exponent_low=exponent & (1 << _LOW_EXPONENT_BITS) - 1,
            mantissa=self.amount.mantissa,
        )

    @classmethod
    def from_payload(cls, payload: int, *, resource: Resource) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        bits = CURRENCY_PAYLOAD.unpack(payload)
        exponent = bits["exponent_high"] << _LOW_EXPONENT_BITS | bits["exponent_low"]
        return cls(
            resource=resource,
            amount=CurrencyAmount(bool(bits["negative"]), exponent, bits["mantissa"]),
            token_identifier=TokenIdentifier(bits["token_identifier"]),
        )
