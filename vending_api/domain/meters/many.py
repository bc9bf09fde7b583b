"""The SQL that is about many meters at once: locked ones, or all of a supply group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, update

from vending_api.domain.meters.repository import HELD, ordered
from vending_api.domain.meters.tables import METER, SUPPLY_GROUP
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sts.key_data import KeyRevisionNumber, SupplyGroupCode
    from vending_api.domain.meters.types import KeyData

_ORDER_KEY_DATA: Final = Statement(
    update(METER)
    .where(METER.c.key == bindparam("meter_key"))
    .values({f"new_{one}": bindparam(f"to_new_{one}") for one in HELD})
)
_SET_QUEUED: Final = Statement(
    update(METER).where(METER.c.key == bindparam("meter_key")).values(has_queued_tokens=True)
)


def order_key_data(connection: Connection, meter_key: int, key_data: KeyData) -> None:
    """Store what key data a locked meter should hold, before the transaction ends."""
    row = {f"to_{name}": value for name, value in ordered(key_data).items()}
    _ORDER_KEY_DATA.run_later(connection, [row | {"meter_key": meter_key}], of=meter_key)


def set_queued(connection: Connection, meter_key: int) -> None:
    """Store that tokens wait for a locked meter's next purchase, before the transaction ends."""
    _SET_QUEUED.run_later(connection, [{"meter_key": meter_key}], of=meter_key)


def set_group_revision(
    connection: Connection, code: SupplyGroupCode, revision: KeyRevisionNumber | None
) -> None:
    """Store the key revision that all meters of a supply group should hold."""
    connection.execute(
        update(SUPPLY_GROUP)
        .where(SUPPLY_GROUP.c.supply_group_code == code.digits)
        .values(key_revision_number=None if revision is None else revision.value)
    )
