"""Class 1, subclasses 0 and 1: ask a meter to test itself or to show something.

These tokens are not encrypted and carry no identifier, so one of them works in
every meter of a manufacturer, any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from sts.bits import BitLayout, Field
from sts.errors import InvalidField
from sts.meter_number import ManufacturerCode

SHORT_CODE_PAYLOAD: Final = BitLayout(  # IEC 62055-41, subclass 0: 2-digit manufacturer codes
    fields=(Field("control", 36), Field("manufacturer_code", 8)),
    total=44,
)
LONG_CODE_PAYLOAD: Final = BitLayout(  # IEC 62055-41, subclass 1: 4-digit manufacturer codes
    fields=(Field("control", 28), Field("manufacturer_code", 16)),
    total=44,
)
_LONG_CODE_DIGITS: Final = 4
_SHORT_CODE_CONTROL_BITS: Final = 36
_LONG_CODE_CONTROL_BITS: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiateMeterTest:
    """A test or display request; `control` has one bit for each test.

    The length of the manufacturer code decides the subclass: 2 digits leave 36
    control bits, 4 digits leave 28. Raises InvalidField if `control` does not fit.

    Unverified: which bit asks for which test, and that the code is written as a
    binary number (every compliance token uses code 0).
    """

    token_class: ClassVar[int] = 1

    control: int
    manufacturer_code: ManufacturerCode

    def __post_init__(self) -> None:
        width = _LONG_CODE_CONTROL_BITS if self.subclass else _SHORT_CODE_CONTROL_BITS
        if not 0 <= self.control < 1 << width:
            raise InvalidField(
                "control",
                f"{self.control} does not fit beside manufacturer code {self.manufacturer_code}",
                f"{width} bits",
            )

    @property
    def subclass(self) -> int:
        """0 for a 2-digit manufacturer code, 1 for 4 digits."""
        return int(len(self.manufacturer_code.digits) == _LONG_CODE_DIGITS)

    @property
    def payload(self) -> int:
        """The 44 bits after the subclass."""
        layout = LONG_CODE_PAYLOAD if self.subclass else SHORT_CODE_PAYLOAD
        return layout.pack(
            control=self.control, manufacturer_code=int(self.manufacturer_code.digits)
        )

    @classmethod
    def from_short_code_payload(cls, payload: int) -> Self:
        """Return the token of a subclass 0 payload.

        Raises InvalidField for a code above 99, which no manufacturer has.
        """
        bits = SHORT_CODE_PAYLOAD.unpack(payload)
        code = ManufacturerCode(f"{bits['manufacturer_code']:02}")
        return cls(control=bits["control"], manufacturer_code=code)

    @classmethod
    def from_long_code_payload(cls, payload: int) -> Self:
        """Return the token of a subclass 1 payload.

        Raises InvalidField for a code above 9999, which no manufacturer has.
        """
        bits = LONG_CODE_PAYLOAD.unpack(payload)
        code = ManufacturerCode(f"{bits['manufacturer_code']:04}")
        return cls(control=bits["control"], manufacturer_code=code)
