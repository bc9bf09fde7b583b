"""The SQL of the reprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, insert, select

from vending_api.domain.reprints.tables import REPRINT

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from vending_api.domain.reprints.types import ReprintTokens

_ADD: Final = insert(REPRINT)
_OF_DAY: Final = select(func.count()).where(
    REPRINT.c.meter_key == bindparam("of_meter"), REPRINT.c.day == bindparam("of_day")
)
_OF_SALE: Final = select(func.count()).where(REPRINT.c.sale_key == bindparam("of_sale"))


def count_of_day(connection: Connection, meter_key: int, day: date) -> int:
    """Return how often tokens of a meter were handed out again in a day."""
    values = {"of_meter": meter_key, "of_day": day}
    return int(connection.execute(_OF_DAY, values).scalar_one())


def count_of_sale(connection: Connection, sale_key: int) -> int:
    """Return how often the tokens of a sale were handed out again."""
    return int(connection.execute(_OF_SALE, {"of_sale": sale_key}).scalar_one())


def add_reprint(
    connection: Connection, command: ReprintTokens, *, sale_key: int, meter_key: int, day: date
) -> None:
    """Store that the tokens of a sale were handed out again."""
    values = {
        "reprint_id": command.reprint_id,
        "sale_key": sale_key,
        "meter_key": meter_key,
        "client_key": command.client.key,
        "terminal_id": command.terminal_id,
        "day": day,
        "received_at": command.received_at,
    }
    connection.execute(_ADD, values)
