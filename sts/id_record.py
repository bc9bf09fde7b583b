"""ID records: what a magnetic meter card says of its meter, on track 2 (IEC 62055-41).

    MeterPAN (18)  =  DOE (4)  TCT and EA (2)  SGC (6)  TI (2)  KRN (1)

The widths are inferred from the 34 characters that points of sale send and from the fields
that the standard lists; no published card has confirmed them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from sts.errors import InvalidField
from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from sts.meter_number import MeterPan

_TRACK_2: Final = re.compile(
    r"(?P<pan>[0-9]{18})="
    r"[0-9]{4}"  # DOE, date of expiry
    r"[0-9]{2}"  # TCT and EA
    r"(?P<supply_group_code>[0-9]{6})(?P<tariff_index>[0-9]{2})(?P<key_revision_number>[0-9])"
)


@dataclass(frozen=True, slots=True)
class IdRecord:
    """The key data that a meter card was written with; the meter may hold others by now."""

    pan: MeterPan
    supply_group_code: SupplyGroupCode
    tariff_index: TariffIndex
    key_revision_number: KeyRevisionNumber

    @classmethod
    def parse(cls, track_2: str) -> Self:
        """Return what 34 characters of track 2 say; raises InvalidField for anything else."""
        fields = _TRACK_2.fullmatch(track_2)
        if fields is None:
            raise InvalidField("track 2", "it is no ID record", "18 digits, =, 15 digits")
        return cls(
            MeterPan.parse(fields["pan"]),
            SupplyGroupCode(fields["supply_group_code"]),
            TariffIndex(fields["tariff_index"]),
            KeyRevisionNumber(int(fields["key_revision_number"])),
        )
