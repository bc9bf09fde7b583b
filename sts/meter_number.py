"""Meter numbers: manufacturer code, DRN, IIN and the 18-digit MeterPAN.

    MeterPAN  =  IIN (6 or 4)  +  DRN (11 or 13)  +  Luhn digit
    DRN       =  manufacturer code (2 or 4)  +  serial number (8)  +  Luhn digit

IEC 62055-41, clause on the MeterPAN; STS 531 CTSA17 asks that wrong check digits be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from sts.checksums import luhn_check_digit
from sts.errors import CheckDigitWrong, InvalidField
from sts.key_data import require_digits

LONG_DRN_IIN: Final = "0000"
"""The one 4-digit IIN; it announces a 13-digit DRN."""
_PAN_LENGTH: Final = 18
_LONG_DRN_LENGTH: Final = 13


@dataclass(frozen=True, slots=True)
class ManufacturerCode:
    """The STS Association's number of a manufacturer: 2 digits, or 4 in 13-digit DRNs."""

    digits: str

    def __post_init__(self) -> None:
        require_digits("manufacturer code", self.digits, 2, 4)

    def __str__(self) -> str:
        return self.digits


@dataclass(frozen=True, slots=True)
class DecoderSerialNumber:
    """DSN: the manufacturer's own number of a meter; exactly 8 digits."""

    digits: str

    def __post_init__(self) -> None:
        require_digits("decoder serial number", self.digits, 8)


@dataclass(frozen=True, slots=True)
class IssuerIdentificationNumber:
    """IIN: 6 digits (600727 for electricity), or `0000` before a 13-digit DRN."""

    digits: str

    def __post_init__(self) -> None:
        require_digits("issuer identification number", self.digits, 4, 6)
        if len(self.digits) == len(LONG_DRN_IIN) and self.digits != LONG_DRN_IIN:
            raise InvalidField(
                "issuer identification number",
                f"{self.digits} has 4 digits",
                f"6 digits, or {LONG_DRN_IIN} with a 13-digit DRN",
            )


@dataclass(frozen=True, slots=True)
class DecoderReferenceNumber:
    """DRN (the number on the meter's face): 11 or 13 digits, the last by Luhn."""

    digits: str

    def __post_init__(self) -> None:
        require_digits("decoder reference number", self.digits, 11, 13)
        _require_check_digit("decoder reference number", self.digits)

    @classmethod
    def of(cls, manufacturer: ManufacturerCode, serial: DecoderSerialNumber) -> Self:
        """Return the DRN of a manufacturer's meter, check digit included."""
        body = manufacturer.digits + serial.digits
        return cls(body + luhn_check_digit(body))

    @property
    def manufacturer_code(self) -> ManufacturerCode:
        """The manufacturer's 2 or 4 digits."""
        return ManufacturerCode(self.digits[:-9])

    @property
    def serial_number(self) -> DecoderSerialNumber:
        """The manufacturer's 8-digit number."""
        return DecoderSerialNumber(self.digits[-9:-1])

    def __str__(self) -> str:
        return self.digits


@dataclass(frozen=True, slots=True)
class MeterPan:
    """The 18-digit number that a decoder key is made for."""

    issuer: IssuerIdentificationNumber
    decoder: DecoderReferenceNumber

    def __post_init__(self) -> None:
        if len(self.issuer.digits) + len(self.decoder.digits) != _PAN_LENGTH - 1:
            raise InvalidField(
                "meter PAN",
                f"an IIN of {len(self.issuer.digits)} digits with a DRN of "
                f"{len(self.decoder.digits)}",
                "6 with 11, or 4 with 13",
            )

    @classmethod
    def parse(cls, digits: str) -> Self:
        """Return the PAN of 18 digits; both check digits must be right.

        `0000` begins a 13-digit DRN, anything else is a 6-digit IIN. Raises
        InvalidField, or CheckDigitWrong for a wrong Luhn digit.
        """
        require_digits("meter PAN", digits, _PAN_LENGTH)
        issuer_length = 4 if digits.startswith(LONG_DRN_IIN) else 6
        _require_check_digit("meter PAN", digits)
        return cls(
            IssuerIdentificationNumber(digits[:issuer_length]),
            DecoderReferenceNumber(digits[issuer_length:-1]),
        )

    @property
    def digits(self) -> str:
        """All 18 digits, check digit included."""
        body = self.issuer.digits + self.decoder.digits
        return body + luhn_check_digit(body)

    @property
    def has_long_drn(self) -> bool:
        """Whether the DRN has 13 digits."""
        return len(self.decoder.digits) == _LONG_DRN_LENGTH

    def __str__(self) -> str:
        return self.digits


def _require_check_digit(field: str, digits: str) -> None:
    right = luhn_check_digit(digits[:-1])
    if digits[-1] != right:
        raise CheckDigitWrong(field, f"{digits} ends in {digits[-1]}", f"check digit {right}")
