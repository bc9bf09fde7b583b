"""A key change that a meter needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sts.base_date import BaseDate
    from sts.security_module import MeterConfiguration
    from vending_api.domain.meters.types import KeyData, Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChangeDue:
    """What a meter is keyed with, and what it must be keyed with before anything else."""

    held: MeterConfiguration
    """What the meter is keyed with now; its key change tokens are made under this."""
    held_base_date: BaseDate
    new: KeyData
    new_base_date: BaseDate

    def meter_before(self, meter: Meter) -> Meter:
        """Return a meter with the key data that it holds until the tokens are keyed in."""
        return meter._replace(configuration=self.held, base_date=self.held_base_date)

    def meter_after(self, meter: Meter) -> Meter:
        """Return a meter as it will be once the tokens are keyed in.

        Token identifiers start again with another base date.
        """
        is_same = self.new_base_date is meter.base_date
        return meter._replace(
            configuration=replace(
                self.held,
                supply_group_code=self.new.supply_group_code,
                key_revision_number=self.new.key_revision_number,
                tariff_index=self.new.tariff_index,
            ),
            base_date=self.new_base_date,
            last_token_identifier=meter.last_token_identifier if is_same else None,
        )
