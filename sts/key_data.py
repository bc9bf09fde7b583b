"""What a meter key is made for: supply group, revision, type, tariff index, expiry.

Each is a value that cannot be constructed wrong; `digits` keeps leading zeros.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, Self

from sts.errors import AlgorithmRefused, InvalidField

MAX_KEY_REVISION_NUMBER: Final = 9
MAX_KEY_EXPIRY_NUMBER: Final = 255


def require_digits(field: str, text: str, *lengths: int) -> str:
    """Return `text` if it is ASCII decimal digits of one of the `lengths`.

    Raises InvalidField that names the field.
    """
    if not (text.isascii() and text.isdigit() and len(text) in lengths):
        wanted = " or ".join(str(length) for length in lengths)
        raise InvalidField(field, f"{text[:24]!r} is not it", f"{wanted} decimal digits")
    return text


@dataclass(frozen=True, slots=True)
class SupplyGroupCode:
    """SGC: the group of meters that share a vending key; exactly 6 digits."""

    digits: str

    def __post_init__(self) -> None:
        require_digits("supply group code", self.digits, 6)

    def __str__(self) -> str:
        return self.digits


@dataclass(frozen=True, slots=True)
class TariffIndex:
    """TI: the number of the tariff that a meter is set to; exactly 2 digits."""

    digits: str

    def __post_init__(self) -> None:
        require_digits("tariff index", self.digits, 2)

    def __str__(self) -> str:
        return self.digits


@dataclass(frozen=True, slots=True, order=True)
class KeyRevisionNumber:
    """KRN: which issue of the supply group's vending key, 1 to 9."""

    value: int

    def __post_init__(self) -> None:
        if not 1 <= self.value <= MAX_KEY_REVISION_NUMBER:
            raise InvalidField("key revision number", f"{self.value} is not one", "1 to 9")

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, order=True)
class KeyExpiryNumber:
    """KEN: the highest high byte of a token identifier that the key may sign, 0 to 255.

    255 never expires.
    """

    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value <= MAX_KEY_EXPIRY_NUMBER:
            raise InvalidField("key expiry number", f"{self.value} is not one", "0 to 255")


class KeyType(IntEnum):
    """KT: what a decoder key is for (IEC 62055-41)."""

    INITIALISATION = 0
    """DITK: a manufacturer's own key."""
    DEFAULT = 1
    """DDTK: the key of a meter not yet assigned; credit is not sold under it."""
    UNIQUE = 2
    """DUTK: the key of one meter in one supply group."""
    COMMON = 3
    """DCTK: one key for a whole group; magnetic cards only."""

    @classmethod
    def parse(cls, value: int | str) -> Self:
        """Return the key type of a number 0 to 3; raises InvalidField."""
        for key_type in cls:
            if str(value) == str(key_type.value):
                return key_type
        raise InvalidField("key type", f"{str(value)[:24]!r} is not one", "0, 1, 2 or 3")


class EncryptionAlgorithm(StrEnum):
    """EA: how the data block of a token is encrypted, by its two-digit code."""

    EA07 = "07"
    """STA: 64-bit keys, substitution and permutation tables."""
    EA09 = "09"
    """DEA: single DES. Deprecated by the 2018 edition; no public test data."""
    EA11 = "11"
    """MISTY1: 128-bit keys, under DKGA04 only."""

    key_octets: int
    """How many octets its decoder keys have: 16 for EA11, else 8."""

    def __init__(self, code: str) -> None:
        self.key_octets = 16 if code == "11" else 8

    @classmethod
    def parse(cls, code: str) -> Self:
        """Return the algorithm of "07", "09" or "11"; raises InvalidField."""
        for algorithm in cls:
            if code == algorithm.value:
                return algorithm
        raise InvalidField("encryption algorithm", f"{code[:24]!r} is not one", "07, 09 or 11")


class DecoderKeyGenerationAlgorithm(StrEnum):
    """DKGA: how a decoder key is derived from a vending key, by its two-digit code."""

    DKGA02 = "02"
    """Single DES over the PAN block and control block; 8-octet vending keys."""
    DKGA04 = "04"
    """HMAC-SHA-256 key derivation; 20-octet vending keys."""

    @classmethod
    def parse(cls, code: str) -> Self:
        """Return the algorithm of "02" or "04".

        Raises AlgorithmRefused for "01" and "03", InvalidField for anything else.
        """
        if code in {"01", "03"}:
            raise AlgorithmRefused(
                f"DKGA{code} is refused: no public test data exists to prove an implementation "
                "right; use DKGA02 or DKGA04",
            )
        for algorithm in cls:
            if code == algorithm.value:
                return algorithm
        raise InvalidField(
            "decoder key generation algorithm", f"{code[:24]!r} is not one", "02 or 04"
        )

    @property
    def key_octets(self) -> int:
        """How many octets its vending keys have: 8 or 20."""
        return 8 if self is DecoderKeyGenerationAlgorithm.DKGA02 else 20


@dataclass(frozen=True, slots=True)
class DateOfExpiry:
    """DOE: when a meter card expires, YYMM with the month 01 to 12."""

    yymm: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{2}(0[1-9]|1[0-2])", self.yymm):
            raise InvalidField("date of expiry", f"{self.yymm[:24]!r} is not one", "YYMM")
