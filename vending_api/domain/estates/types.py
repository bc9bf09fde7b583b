"""What is known of an estate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """A utility whose residents buy online."""

    key: int
    """The number that residents register with; shown to everybody."""
    utility_key: int
    name: str
    """That of the utility."""
    currency: str
    """ISO 4217 number, 3 digits, of the utility: "566" is the naira."""
    time_zone: str
    account_code: str
    """The Paystack subaccount that its payments go to, "ACCT_..."; empty: the main account."""
    transaction_charge_minor: int
    """Taken from each payment before credit is sold for the rest."""
    created_at: datetime
    updated_at: datetime
