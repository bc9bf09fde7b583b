"""Class 2, subclasses 0 to 2 and 5 to 7: settings of one meter.

All six share a payload: random bits, identifier, and 16 bits that each kind reads
in its own way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Self, TypeAlias

from sts.bits import BitLayout, Field
from sts.token_identifier import TokenIdentifier
from sts.tokens.fields import require_16_bits, require_random
from sts.units import PowerLimit

MANAGEMENT_PAYLOAD: Final = BitLayout(  # IEC 62055-41, class 2 with a token identifier
    fields=(
        Field("random", 4),
        Field("token_identifier", 24),
        Field("setting", 16),
    ),
    total=44,
)
ALL_REGISTERS: Final = 0xFFFF
"""The register of ClearCredit that stands for all of them."""


class _Parts(NamedTuple):
    random: int
    token_identifier: TokenIdentifier
    setting: int


def _parts(payload: int) -> _Parts:
    bits = MANAGEMENT_PAYLOAD.unpack(payload)
    return _Parts(bits["random"], TokenIdentifier(bits["token_identifier"]), bits["setting"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementToken(ABC):
    """What the six kinds have in common; not a token by itself.

    Raises InvalidField if `random` does not fit 4 bits.
    """

    token_class: ClassVar[int] = 2

    token_identifier: TokenIdentifier
    random: int

    def __post_init__(self) -> None:
        require_random(self.random)

    @property
    @abstractmethod
    def setting_bits(self) -> int:
        """The 16 bits that each kind reads in its own way."""

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        return MANAGEMENT_PAYLOAD.pack(
            random=self.random,
            token_identifier=self.token_identifier.minutes,
            setting=self.setting_bits,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMaximumPowerLimit(ManagementToken):
    """Set the load at which the meter disconnects."""

    subclass: ClassVar[int] = 0

    power: PowerLimit

    @property
    def setting_bits(self) -> int:
        """The limit in its power code, 16 bits."""
        return self.power.bits

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        random, token_identifier, setting = _parts(payload)
        return cls(
            power=PowerLimit.from_bits(setting),
            token_identifier=token_identifier,
            random=random,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearCredit(ManagementToken):
    """Empty one credit register, or with `ALL_REGISTERS` every one.

    A register from 0 to 7 is meant by its class 0 subclass; that reading is unverified.
    Other numbers have no known meaning and are carried as given. Raises InvalidField
    beyond 16 bits.
    """

    subclass: ClassVar[int] = 1

    register: int

    def __post_init__(self) -> None:
        ManagementToken.__post_init__(self)
        require_16_bits("register", self.register)

    @property
    def setting_bits(self) -> int:
        """The register, 16 bits."""
        return self.register

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        random, token_identifier, setting = _parts(payload)
        return cls(
            register=setting,
            token_identifier=token_identifier,
            random=random,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTariffRate(ManagementToken):
    """Set the tariff rate: 16 raw bits, whose use the STS Association reserves.

    Raises InvalidField beyond 16 bits.
    """

    subclass: ClassVar[int] = 2

    rate: int

    def __post_init__(self) -> None:
        ManagementToken.__post_init__(self)
        require_16_bits("tariff rate", self.rate)

    @property
    def setting_bits(self) -> int:
        """The tariff rate, 16 bits."""
        return self.rate

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        random, token_identifier, setting = _parts(payload)
        return cls(
            rate=setting,
            token_identifier=token_identifier,
            random=random,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearTamperCondition(ManagementToken):
    """Tell the meter to forget that it was opened.

    `pad` is 0 when a token is issued; decoding keeps whatever stood there. Raises
    InvalidField beyond 16 bits.
    """

    subclass: ClassVar[int] = 5

    pad: int = 0

    def __post_init__(self) -> None:
        ManagementToken.__post_init__(self)
        require_16_bits("pad", self.pad)

    @property
    def setting_bits(self) -> int:
        """The pad, 16 bits."""
        return self.pad

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        random, token_identifier, setting = _parts(payload)
        return cls(
            pad=setting,
            token_identifier=token_identifier,
            random=random,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMaximumPhasePowerUnbalanceLimit(ManagementToken):
    """Set how far the phases of a three-phase meter may differ in load."""

    subclass: ClassVar[int] = 6

    power: PowerLimit

    @property
    def setting_bits(self) -> int:
        """The limit in its power code, 16 bits."""
        return self.power.bits

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        random, token_identifier, setting = _parts(payload)
        return cls(
            power=PowerLimit.from_bits(setting),
            token_identifier=token_identifier,
            random=random,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWaterMeterFactor(ManagementToken):
    """Set a water meter's factor: 16 raw bits, whose use the STS Association reserves.

    Raises InvalidField beyond 16 bits.
    """

    subclass: ClassVar[int] = 7

    factor: int

    def __post_init__(self) -> None:
        ManagementToken.__post_init__(self)
        require_16_bits("water meter factor", self.factor)

    @property
    def setting_bits(self) -> int:
        """The water meter factor, 16 bits."""
        return self.factor

    @classmethod
    def from_payload(cls, payload: int) -> Self:
        """Return the token of 44 bits; the counterpart of `payload`."""
        random, token_identifier, setting = _parts(payload)
        return cls(
            factor=setting,
            token_identifier=token_identifier,
            random=random,
        )


Setting: TypeAlias = (
    SetMaximumPowerLimit
    | ClearCredit
    | SetTariffRate
    | ClearTamperCondition
    | SetMaximumPhasePowerUnbalanceLimit
    | SetWaterMeterFactor
)
