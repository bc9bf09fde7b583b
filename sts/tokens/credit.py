"""Class 0, subclasses 0 to 3: credit in kWh, m3 or minutes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final, Self

from sts.bits import BitLayout, Field
from sts.token_identifier import TokenIdentifier
from sts.tokens.fields import require_random
from sts.units import TransferAmount

CREDIT_PAYLOAD: Final = BitLayout(  # IEC 62055-41, TransferCredit
    fields=(
        Field("random", 4),
        Field("token_identifier", 24),
        Field("amount", 16),
    ),
    total=44,
)


class Resource(IntEnum):
    """What a credit token pays for; the low two bits of its subclass."""

    ELECTRICITY = 0
    WATER = 1
    GAS = 2
    TIME = 3

    @property
    def unit(self) -> str:
        """The unit that ten tenths of it are: kWh, m3 or min."""
        return ("kWh", "m3", "m3", "min")[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCredit:
    """Credit for one resource: tenths of a kWh, of a cubic metre, or of a minute.

    `random` is RND, 4 bits. Raises InvalidField if they do not fit.
    """

    token_class: ClassVar[int] = 0

    resource: Resource
    amount: TransferAmount
    token_identifier: TokenIdentifier
    random: int

    def __post_init__(self) -> None:
        require_random(self.random)

    @property
    def subclass(self) -> int:
        """0 to 3, by the resource."""
        return int(self.resource)

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        return CREDIT_PAYLOAD.pack(
            random=self.random,
            token_identifier=self.token_identifier.minutes,
            amount=self.amount.bits,
        )

    def is_said_by(self, payload: int) -> bool:
        """Return whether 44 bits say what this token says, field by field.

        Raises ValueError if there are more bits, as `from_payload` does.
        """
        bits = CREDIT_PAYLOAD.unpack(payload)
        return (
            self.amount.is_said_by(bits["amount"])
            and self.token_identifier.minutes == bits["token_identifier"]
            and self.random == bits["random"]
        )

    @classmethod
    def from_payload(cls, payload: int, *, resource: Resource) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        bits = CREDIT_PAYLOAD.unpack(payload)
        return cls(
            resource=resource,
            amount=TransferAmount.from_bits(bits["amount"]),
            token_identifier=TokenIdentifier(bits["token_identifier"]),
            random=bits["random"],
        )
