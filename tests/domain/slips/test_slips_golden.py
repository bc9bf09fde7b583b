"""Whole slips as a customer gets them, at every width; reviewers read the text files here.

To renew them after a change of the layout, then read what changed:
`python -c "from tests.domain.slips.test_slips_golden import renew; renew()"`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.domain.slips.made import (
    BLOCKS_WITH_TAX,
    FLAT,
    NEW_KEY,
    OWING,
    QUEUED,
    WATER,
    drawn,
    key_change,
    purchase,
    trial_of,
)
from tests.support.selling import EVERYTHING
from vending_api.domain.meters.types import Customer, ServiceType
from vending_api.domain.slips.service import slip_of_sale, slip_of_trial
from vending_api.domain.slips.types import Mark
from vending_api.sandbox.demo_data import UTILITY

if TYPE_CHECKING:
    from vending_api.domain.sales.types import Sale
    from vending_api.domain.slips.types import Slip

FOLDER: Final = Path(__file__).parent
WIDTHS: Final = (32, 40, 48)
_LONG_UTILITY: Final = UTILITY._replace(
    name="Rural Water Board of the Lake Shore West",
    address="Plot 24, Old Station Road, P.O. Box 1180, Entebbe, Wakiso District",
    vat_registration_number="",
    client_id="",
    message="Boil water from the lake before you drink it. Leaks: toll-free 0800 100 100, always",
    currency="800",
    time_zone="Africa/Kampala",
)
_LONG_CUSTOMER: Final = Customer(
    first_name="Namukasa Nalwanga Margaret Immaculate",
    last_name="Ssebagala-Kiwanuka of Bukasa Landing",
    address="House 14, the third on the left behind the primary school, Bukasa Landing Site",
)
EVERYTHING_AT_ONCE: Final = purchase(
    EVERYTHING, 20_000, account=OWING, new_key_data=NEW_KEY, queued=QUEUED
)
SALES: Final[dict[str, tuple[Sale, Mark | None]]] = {
    "plain": (purchase(FLAT, 10_000), None),
    "everything": (EVERYTHING_AT_ONCE, None),
    "copy": (purchase(BLOCKS_WITH_TAX, 10_000), Mark.COPY),
    "key_change": (key_change(), None),
    "free_units": (purchase(EVERYTHING, 0, account=OWING), None),
    "water": (
        purchase(
            WATER,
            5_000_000,
            external_id="WM0000000000000000A1",
            service_type=ServiceType.WATER,
            utility=_LONG_UTILITY,
            customer=_LONG_CUSTOMER,
        ),
        None,
    ),
}
NAMES: Final = [*SALES, "trial"]


def _slip(name: str, columns: int) -> Slip:
    if name == "trial":
        return slip_of_trial(trial_of(EVERYTHING_AT_ONCE), columns=columns)
    sale, mark = SALES[name]
    return slip_of_sale(sale, columns=columns, mark=mark)


def _at_all_widths(name: str) -> str:
    return "\n".join(drawn(_slip(name, columns)) for columns in WIDTHS)


def renew() -> None:
    for name in NAMES:
        (FOLDER / f"{name}.txt").write_text(_at_all_widths(name), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_slip_is_as_its_text_file_shows(name: str) -> None:
    shown = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert _at_all_widths(name) == shown


def test_every_text_file_is_of_a_slip() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted(NAMES)
