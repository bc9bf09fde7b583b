"""The demo's meters, and the state in which each brings the answer that it is known for.

Integrators of the point-of-sale interface know them by these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sts.base_date import BaseDate
from sts.key_data import KeyRevisionNumber, SupplyGroupCode, TariffIndex
from tariffs.account import Account, Debt
from vending_api.domain.meters.types import Customer, KeyData
from vending_api.domain.token_queue.types import NewQueuedToken, QueuedKind

SUPPLY_GROUP: Final = SupplyGroupCode("000001")
BASE_DATE: Final = BaseDate.YEAR_2014
TIMING_OUT_METER: Final = "TST011"
"""Its purchases are made, but not answered in time, as a far provider's may be."""
KEY_DATA: Final = KeyData(SUPPLY_GROUP, KeyRevisionNumber(1), TariffIndex("01"))
"""What every demo meter holds."""
NEXT_KEY_DATA: Final = KeyData(SUPPLY_GROUP, KeyRevisionNumber(2), TariffIndex("01"))
"""What a demo meter is changed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A demo meter, and the state that its next purchase finds."""

    external_id: str
    customer: Customer
    amount_minor: int
    """The only sum that it may buy for."""
    tariff: str = "demo"
    account: Account = field(default_factory=Account)
    key_data_to_hold: KeyData = KEY_DATA
    """Other than KEY_DATA, which it holds, if a key change is ordered."""
    queued: NewQueuedToken | None = None


def _lives_at(first_name: str, last_name: str, address: str) -> Customer:
    return Customer(first_name=first_name, last_name=last_name, address=address)


_SCENARIOS: Final = (
    Scenario(  # one standard token
        external_id="TST001",
        customer=_lives_at("Pierre", "De Wet", "21 Dorp Straat"),
        amount_minor=10_000,
    ),
    Scenario(  # one free token
        external_id="TST002",
        customer=_lives_at("Siphesihle", "Mwamure", "14 1st Street"),
        amount_minor=0,
        account=Account(gets_free_units=True),
    ),
    Scenario(  # a standard and a free token
        external_id="TST003",
        customer=_lives_at("Mohamed", "Kaifa", "56 Prentice Road"),
        amount_minor=10_000,
        account=Account(gets_free_units=True),
    ),
    Scenario(  # a standard token in two blocks
        external_id="TST004",
        customer=_lives_at("Kgosietsile", "Zono", "34 Mota Street"),
        amount_minor=10_000,
        tariff="demo-blocks",
    ),
    Scenario(  # a standard and a refund token
        external_id="TST005",
        customer=_lives_at("Ibraheem", "Davids", "7 Adams Street"),
        amount_minor=5_000,
        queued=NewQueuedToken(
            kind=QueuedKind.REFUND,
            value=738,
            amount_minor=10_000,
            reason="Units that an earlier token did not bring",
            ordered_by="Demo",
        ),
    ),
    Scenario(  # key change tokens, then a standard token
        external_id="TST006",
        customer=_lives_at("Zukile", "Maqoba", "9 Mahlangu Street"),
        amount_minor=10_000,
        key_data_to_hold=NEXT_KEY_DATA,
    ),
    Scenario(  # a standard token, a debt, a service charge
        external_id="TST007",
        customer=_lives_at("John", "Palmer", "31 Milner Road"),
        amount_minor=20_000,
        tariff="demo-fee",
        account=Account(debts=(Debt(name="Municipal rates arrears", balance_minor=32_300),)),
    ),
    Scenario(  # a standard token, two debts
        external_id="TST008",
        customer=_lives_at("Kgotso", "Phiri", "52 Ntombela Street"),
        amount_minor=20_000,
        account=Account(
            debts=(
                Debt(name="Municipal rates arrears", balance_minor=5_000),
                Debt(name="Municipal water arrears", balance_minor=32_300),
            )
        ),
    ),
    Scenario(  # a standard token, two service charges
        external_id="TST009",
        customer=_lives_at("Janine", "Oosthuizen", "301 Kerk Straat"),
        amount_minor=20_000,
        tariff="demo-fees",
    ),
    Scenario(  # a slip to print
        external_id="TST010",
        customer=_lives_at("Peter", "Dyton", "1 Elands Drive"),
        amount_minor=10_000,
    ),
    Scenario(  # the first purchase times out, a retry brings a standard token
        external_id=TIMING_OUT_METER,
        customer=_lives_at("Ruth", "Cupido", "4 Meyer Street"),
        amount_minor=10_000,
    ),
)
SCENARIOS: Final = {scenario.external_id: scenario for scenario in _SCENARIOS}
"""By the number of the meter."""
